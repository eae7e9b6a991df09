"""Every form that weights are saved in: saved, loaded by plain transformers, and the same to the last bit."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from reliable_jobs import settings
from safetensors.torch import load_file
from tiny_models import same_weights, tiny_backbone
from transformers import AutoModel, AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM

from ecr_engine.models.adapters import Lora, lora_of
from ecr_engine.models.backbone import TinyShape, build_tiny, load_backbone
from ecr_engine.models.checking import verify_deeply
from ecr_engine.models.exporting import export_model
from ecr_engine.models.importing import import_model
from ecr_engine.models.policies import Tuning, load_trainable
from ecr_engine.models.quantisation import compute_exactly
from ecr_engine.runs.checkpoints import list_checkpoints, save_checkpoint
from ecr_engine.runs.differences import compare_tensors
from ecr_engine.runs.folder import RunFolder
from ecrctl.__main__ import invoke

IDS = torch.tensor([[1, 5, 6, 7, 9, 4], [1, 8, 8, 3, 2, 2]])
LORA = Lora(rank=4, alpha=8.0, dropout=0.0, targets=lora_of(1, 1.0, 0.0, "all").targets)


@torch.no_grad()
def logits(model):
    return model.eval()(input_ids=IDS).logits


def save(tmp_path, backbone, step=1):
    return save_checkpoint(tmp_path / "policy", step, backbone.save, metrics={}, best=True, keep_last=9)


def plain(folder):
    """What anybody would type; nothing may be missing or left over."""
    model, told = AutoModelForCausalLM.from_pretrained(folder, output_loading_info=True)
    assert not any(told[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    return model


def tied():
    shape = TinyShape(300, 16, 2, 2, 32, 64, 0.0)
    return build_tiny(["i feel sad today , any movie ?"] * 9, shape, seed=3)


def moved(backbone):
    """The same with every trained weight drawn anew: a new adapter by itself changes nothing."""
    draw = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for weight in backbone.trained():
            weight.copy_(torch.randn(weight.shape, generator=draw) * 0.2)
    return backbone


def test_tied_weights_are_written_once_and_stay_tied(tmp_path):
    backbone = tied()
    wanted = logits(backbone.model)
    # The naive way, which trips over memory that two names share.
    with pytest.raises(RuntimeError, match="share memory"):
        from safetensors.torch import save_file

        save_file(backbone.model.state_dict(), tmp_path / "naive.safetensors")
    folder = save(tmp_path, backbone)
    assert "lm_head.weight" not in load_file(folder / "model.safetensors")
    found = plain(folder)
    assert torch.equal(logits(found), wanted)
    assert found.lm_head.weight.data_ptr() == found.model.embed_tokens.weight.data_ptr()
    with torch.no_grad():
        backbone.model.lm_head.weight.add_(1.0)
    backbone.restore(folder)
    assert torch.equal(logits(backbone.model), wanted)
    assert verify_deeply(folder) == []


@pytest.mark.parametrize("form", ["safetensors", "pytorch"])
def test_tied_weights_exported_and_imported(tmp_path, form):
    wanted = logits(tied().model)
    export_model(save(tmp_path, tied()), tmp_path / "out", form=form)
    assert torch.equal(logits(AutoModelForCausalLM.from_pretrained(tmp_path / "out")), wanted)
    import_model(tmp_path / "out", tmp_path / "in", allow_pickle=form == "pytorch")
    assert torch.equal(logits(plain(tmp_path / "in")), wanted)
    assert compare_tensors(tmp_path / "policy" / "latest", tmp_path / "in").relative == 0.0


def sharded(folder, backbone, form="safetensors"):
    """A folder whose weights lie in several files, as large models come."""
    backbone.model.save_pretrained(folder, max_shard_size="20KB")
    backbone.tokenizer.save_pretrained(folder)
    if form == "pytorch":
        index = folder / "model.safetensors.index.json"
        content = json.loads(index.read_text(encoding="utf-8"))
        for shard in folder.glob("*.safetensors"):
            torch.save(load_file(shard), folder / f"pytorch_{shard.stem}.bin")
            shard.unlink()
        for name, shard in content["weight_map"].items():
            content["weight_map"][name] = f"pytorch_{Path(shard).stem}.bin"
        (folder / "pytorch_model.bin.index.json").write_text(json.dumps(content), encoding="utf-8")
        index.unlink()
    return folder


@pytest.mark.parametrize("form", ["safetensors", "pytorch"])
def test_sharded_weights(tmp_path, form):
    backbone = tiny_backbone(layers=3, scale=4.0)
    wanted = logits(backbone.model)
    source = sharded(tmp_path / "large", backbone, form)
    import_model(source, tmp_path / "in", allow_pickle=form == "pytorch")
    assert len(list((tmp_path / "in").glob("model-*.safetensors"))) > 2
    assert verify_deeply(tmp_path / "in") == []
    assert torch.equal(logits(plain(tmp_path / "in")), wanted)
    assert torch.equal(logits(load_backbone(str(tmp_path / "in")).model), wanted)
    for out in ("safetensors", "pytorch"):
        export_model(tmp_path / "in", tmp_path / out, form=out)
        assert len(list((tmp_path / out).glob("*-of-*"))) > 2
        assert torch.equal(logits(AutoModelForCausalLM.from_pretrained(tmp_path / out)), wanted)


def test_a_model_that_transformers_would_cut_is_saved_whole(tmp_path, monkeypatch):
    by_default = LlamaForCausalLM.save_pretrained

    def cut(self, folder, max_shard_size="20KB", **options):
        by_default(self, folder, max_shard_size=max_shard_size, **options)

    monkeypatch.setattr(LlamaForCausalLM, "save_pretrained", cut)
    backbone = tiny_backbone(layers=3, scale=4.0)
    folder = save(tmp_path, backbone)
    assert [path.name for path in folder.glob("*.safetensors")] == ["model.safetensors"]
    other = tiny_backbone(layers=3, seed=9)
    other.restore(folder)
    assert same_weights(other.model, backbone.model)


def test_an_adapter_over_a_sharded_base(tmp_path):
    import_model(sharded(tmp_path / "large", tiny_backbone(layers=3, scale=4.0)), tmp_path / "in")
    policy = moved(load_trainable(str(tmp_path / "in"), Tuning(LORA, "none", "no", 0)))
    wanted = logits(policy.model)
    folder = save(tmp_path, policy)
    assert torch.equal(logits(plain(folder)), wanted)
    assert verify_deeply(folder) == []


@pytest.mark.parametrize("bits", ["4bit", "8bit"])
def test_an_adapter_over_a_quantised_base(tmp_path, bits):
    (tmp_path / "plain").mkdir()
    tiny_backbone(hidden=64, scale=4.0).save(tmp_path / "plain")
    tuning = Tuning(LORA, bits, "no", 0)
    policy = moved(load_trainable(str(tmp_path / "plain"), tuning))
    wanted = logits(policy.model)
    first = save(tmp_path, policy)
    again = load_trainable(str(first), tuning)
    assert torch.equal(logits(again.model), wanted)
    # On some processors bitsandbytes packs 4-bit weights with rounded scales unless it is told not to.
    found = plain(first)
    compute_exactly(found)
    assert torch.equal(logits(found), wanted)
    assert torch.allclose(logits(AutoModelForCausalLM.from_pretrained(first)), wanted, atol=0.3)
    second = save(tmp_path, moved(again), step=2)
    assert (first / "model.safetensors").samefile(second / "model.safetensors")
    shutil.rmtree(first)
    assert torch.equal(logits(load_backbone(str(second)).model), wanted)
    assert verify_deeply(second) == []


@pytest.mark.parametrize(("bits", "tolerance"), [("none", 1e-4), ("4bit", 1e-3)])
def test_an_adapter_merged_says_the_same(tmp_path, bits, tolerance):
    (tmp_path / "plain").mkdir()
    tiny_backbone(hidden=64, scale=4.0).save(tmp_path / "plain")
    policy = moved(load_trainable(str(tmp_path / "plain"), Tuning(LORA, bits, "no", 0)))
    wanted = logits(policy.model)
    found = export_model(save(tmp_path, policy), tmp_path / "out")
    one = plain(tmp_path / "out")
    assert torch.allclose(logits(one), wanted, atol=tolerance)
    assert (found.merged, "quantization_config" in one.config.to_dict()) == (True, False)
    assert found.parameters == sum(weight.numel() for weight in one.parameters())


def test_every_checkpoint_of_a_run_loads_with_plain_from_pretrained(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    command = ["rl", "train", "--run", "run", "--config", str(settings(tmp_path, steps=4, every=2)), "--quiet"]
    assert invoke(command) == 0, capsys.readouterr().err
    run = RunFolder(tmp_path / "run")
    found = {stage: list_checkpoints(run.stage(stage)) for stage in ("baseline", "critic", "policy")}
    assert all(found.values())
    for stage in ("baseline", "policy"):
        for info in found[stage]:
            tokenizer = AutoTokenizer.from_pretrained(info.path)
            own = load_backbone(str(info.path))
            assert torch.equal(logits(plain(info.path)), logits(own.model))
            assert len(tokenizer) == len(own.tokenizer) == own.model.config.vocab_size
    for info in found["critic"]:
        _, told = AutoModel.from_pretrained(info.path, output_loading_info=True)
        assert not told["unexpected_keys"]
    assert invoke(["checkpoint", "verify", "run", "--deep"]) == 0, capsys.readouterr().err
