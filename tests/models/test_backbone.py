"""The tiny backbone, and checkpoints that plain transformers reads."""

import pytest
import torch
from tiny_models import TEXTS, same_weights, tiny_llama
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM

from ecr_engine.models.backbone import TinyShape, build_tiny, effective_learning_rate, load_backbone
from ecr_engine.models.response import ResponseModel, collate

SHAPE = TinyShape(vocabulary=420, hidden_size=16, layers=2, heads=2, intermediate_size=32, positions=128, dropout=0.1)


def test_weights_come_from_the_seed_alone():
    torch.manual_seed(5)
    wanted = torch.rand(3)
    torch.manual_seed(5)
    first = build_tiny(TEXTS, SHAPE, seed=1)
    assert torch.equal(torch.rand(3), wanted)
    torch.manual_seed(99)
    assert same_weights(first.model, build_tiny(TEXTS, SHAPE, seed=1).model)
    assert not same_weights(first.model, build_tiny(TEXTS, SHAPE, seed=2).model)


def test_the_shape_is_that_of_a_llama():
    backbone = build_tiny(TEXTS, SHAPE, seed=0)
    assert type(backbone.model) is LlamaForCausalLM
    assert backbone.hidden_size == 16
    vocabulary = len(backbone.tokenizer)
    # Tied embeddings; 4 projections of 16x16, 3 of 16x32, 2 norms a layer, 1 norm at the end.
    assert backbone.parameters == vocabulary * 16 + 2 * (4 * 256 + 3 * 512 + 2 * 16) + 16
    config = backbone.model.config
    assert (config.pad_token_id, config.bos_token_id, config.eos_token_id) == (0, 1, 2)
    assert config.attention_dropout == 0.1


def test_a_saved_backbone_loads_with_plain_from_pretrained(tmp_path):
    backbone = build_tiny(TEXTS, SHAPE, seed=0)
    backbone.save(tmp_path)
    assert not [path.name for path in tmp_path.iterdir() if path.suffix in (".bin", ".pt", ".pkl", ".pth")]
    assert (tmp_path / "model.safetensors").is_file()
    model = AutoModelForCausalLM.from_pretrained(tmp_path)
    assert same_weights(model, backbone.model)
    assert model.lm_head.weight is model.model.embed_tokens.weight
    assert AutoTokenizer.from_pretrained(tmp_path).get_vocab() == backbone.tokenizer.get_vocab()
    assert same_weights(load_backbone(str(tmp_path)).model, backbone.model)


def test_half_precision_weights_are_loaded_as_float32(tmp_path):
    backbone = build_tiny(TEXTS, SHAPE, seed=0)
    backbone.model.to(torch.bfloat16)
    backbone.save(tmp_path)
    assert {weight.dtype for weight in load_backbone(str(tmp_path)).model.parameters()} == {torch.float32}


def test_a_foreign_llama_gains_slot_and_pad_without_changing_what_it_says(tmp_path):
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = ["<s>", "</s>", "see", "it", "<", "movie", ">"]
    body = Tokenizer(models.WordLevel({word: place for place, word in enumerate(words)}, unk_token="it"))
    body.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=body, bos_token="<s>", eos_token="</s>").save_pretrained(tmp_path)
    model = tiny_llama(7)
    model.save_pretrained(tmp_path)
    loaded = load_backbone(str(tmp_path))
    assert loaded.tokenizer.encode("see <movie>", add_special_tokens=False) == [2, 7]
    assert loaded.model.config.pad_token_id == loaded.tokenizer.pad_token_id == 8
    assert loaded.model.get_input_embeddings().weight.shape == (9, 16)
    ids = torch.tensor([[0, 2, 3]])
    assert torch.allclose(loaded.model(ids).logits[..., :7], model(ids).logits, atol=1e-5)


def test_the_learning_rate_is_stated_for_width_4096():
    # 5e-5 * 4096 / 192, and unchanged for Llama-2-7B itself.
    assert effective_learning_rate(5e-5, 192, scaled=True) == pytest.approx(1.0666667e-3)
    assert effective_learning_rate(5e-5, 4096, scaled=True) == 5e-5
    assert effective_learning_rate(5e-5, 192, scaled=False) == 5e-5


@torch.no_grad()
def test_dropout_is_off_once_the_backbone_is_in_eval_mode():
    model = build_tiny(TEXTS, SHAPE, seed=0).model
    batch = collate([[5, 6, 7]], [[8, 9]], 0)
    wrapped = ResponseModel(model.eval())
    assert torch.equal(wrapped(batch).log_probs, wrapped(batch).log_probs)
    wrapped.train()
    assert not torch.equal(wrapped(batch).log_probs, wrapped(batch).log_probs)
