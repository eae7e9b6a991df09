"""An adapter over 4- and 8-bit weights, on the CPU."""

import pytest
import torch
from tiny_models import same_weights, tiny_backbone
from transformers import AutoModelForCausalLM

from ecr_engine.errors import UsageError
from ecr_engine.models.adapters import lora_of
from ecr_engine.models.backbone import load_backbone, merged
from ecr_engine.models.policies import Tuning, load_trainable
from ecr_engine.models.response import ResponseModel, collate

BITS = ("4bit", "8bit")
LORA = lora_of(4, 8.0, 0.0, "all")
BATCH = collate([[1, 5, 6, 7], [1, 9]], [[8, 9, 2], [4, 2]], 0)
WIDTH = 64


@pytest.fixture
def plain(tmp_path):
    folder = tmp_path / "plain"
    folder.mkdir()
    tiny_backbone(hidden=WIDTH, scale=4.0).save(folder)
    return str(folder)


def tuning(bits, precision="no"):
    return Tuning(LORA, bits, precision, 0)


@torch.no_grad()
def measured(model):
    return ResponseModel(model.eval())(BATCH).log_probs


def train(backbone, steps=3):
    optimizer = torch.optim.AdamW(backbone.trained(), lr=0.02)
    losses = []
    for _ in range(steps):
        # As PPO does: what was drawn is measured without gradients first, and the update runs in eval mode too.
        measured(backbone.model)
        loss = -ResponseModel(backbone.model)(BATCH).log_probs.sum()
        loss.backward()
        losses.append(float(loss.detach()))
        assert all(weight.grad is not None for weight in backbone.trained())
        optimizer.step()
        optimizer.zero_grad()
    return losses


@pytest.mark.parametrize("bits", BITS)
def test_weights_take_that_many_bits_and_say_nearly_the_same(plain, bits):
    backbone = load_trainable(plain, tuning(bits))
    weight = backbone.model.model.layers[0].self_attn.q_proj.base_layer.weight
    # 64 x 64 numbers: two a byte, or one.
    assert weight.data.numel() * weight.data.element_size() == {"4bit": 2048, "8bit": 4096}[bits]
    difference = (measured(backbone.model) - measured(load_backbone(plain).model)).abs().max()
    assert 0 < difference < {"4bit": 2.0, "8bit": 0.2}[bits]


def test_4_bit_weights_are_nf4_with_double_quantisation_in_the_training_s_precision(plain):
    for precision, dtype in (("no", torch.float32), ("bf16", torch.bfloat16)):
        layer = load_trainable(plain, tuning("4bit", precision)).model.model.layers[0].mlp.up_proj.base_layer
        state = layer.weight.quant_state
        assert (state.quant_type, state.nested, layer.compute_dtype) == ("nf4", True, dtype)


@pytest.mark.parametrize("bits", BITS)
def test_the_adapter_learns_in_eval_mode_over_a_base_that_never_changes(plain, tmp_path, bits):
    backbone = load_trainable(plain, tuning(bits))
    untouched = load_trainable(plain, tuning(bits)).model.state_dict()
    losses = train(backbone, 5)
    assert losses[-1] < 0.9 * losses[0]
    found = backbone.model.state_dict()
    same = [name for name, value in untouched.items() if torch.is_tensor(value) and torch.equal(found[name], value)]
    moved = {name for name, value in untouched.items() if torch.is_tensor(value)} - set(same)
    assert moved
    assert all(".lora_" in name for name in moved)


@pytest.mark.parametrize("bits", BITS)
def test_a_checkpoint_holds_the_quantised_base_and_loads_everywhere(plain, tmp_path, bits):
    backbone = load_trainable(plain, tuning(bits))
    train(backbone)
    wanted = measured(backbone.model)
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    backbone.save(folder)
    again = load_trainable(str(folder), tuning(bits))
    assert torch.equal(measured(again.model), wanted)
    assert len(again.trained()) == len(backbone.trained())
    # Plain transformers: on some processors bitsandbytes computes with scales of 8 bits there.
    assert torch.allclose(measured(AutoModelForCausalLM.from_pretrained(folder)), wanted, atol=0.15)
    fresh = load_trainable(plain, tuning(bits))
    fresh.restore(folder)
    assert same_weights(fresh.model, backbone.model)
    assert torch.equal(measured(fresh.model), wanted)


@pytest.mark.parametrize(("bits", "tolerance"), [("4bit", 1e-4), ("8bit", 0.2)])
def test_merged_it_is_a_plain_model_that_says_the_same(plain, bits, tolerance):
    backbone = load_trainable(plain, tuning(bits))
    train(backbone)
    wanted = measured(backbone.model)
    one = merged(backbone)
    assert torch.equal(measured(backbone.model), wanted)
    assert {weight.dtype for weight in one.model.parameters()} == {torch.float32}
    assert "quantization_config" not in one.model.config.to_dict()
    assert torch.allclose(measured(one.model), wanted, atol=tolerance)


def refused(*args):
    with pytest.raises(UsageError) as caught:
        load_trainable(*args)
    return caught.value.problems[0]


def test_quantised_weights_are_not_trained(plain, tmp_path):
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    load_trainable(plain, tuning("4bit")).save(folder)
    problem = refused(str(folder), Tuning(None, "none", "no", 0))
    assert problem.what == f"the weights of '{folder}' are quantised (4bit), and such weights can't be trained"
    assert problem.at == "backbone.adapter"
    assert problem.fix == "--set backbone.adapter=lora, or name a backbone with whole weights"


def test_an_adapter_stays_with_the_base_that_it_was_trained_on(plain, tmp_path):
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    load_trainable(plain, tuning("4bit")).save(folder)
    problem = refused(str(folder), tuning("8bit"))
    assert problem.what == f"'{folder}' has a base with quantisation 4bit, and backbone.quantisation is 8bit"
    assert (problem.at, problem.fix) == ("backbone.quantisation", "--set backbone.quantisation=4bit")
    assert refused(str(folder), tuning("none")).fix == "--set backbone.quantisation=4bit"
