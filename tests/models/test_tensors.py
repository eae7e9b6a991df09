"""Module and optimizer state in safetensors: what comes back goes on as if it had never left."""

import pytest
import torch
from safetensors import safe_open
from tiny_models import same_weights
from torch import nn

from ecr_engine.models.tensors import load_module, load_optimizer, save_module, save_optimizer


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(5, 3)
        self.head = nn.Linear(3, 5, bias=False)
        self.head.weight = self.table.weight


def step(module, optimizer, number):
    torch.manual_seed(number)
    optimizer.zero_grad()
    (module(torch.randn(4, 3)) ** 2).sum().backward()
    optimizer.step()


def linear():
    torch.manual_seed(0)
    return nn.Linear(3, 2)


def adam(module):
    return torch.optim.AdamW(module.parameters(), lr=0.1, eps=1e-5, betas=(0.9, 0.95))


@pytest.mark.parametrize("build", [adam, lambda module: torch.optim.SGD(module.parameters(), lr=0.1, momentum=0.9)])
def test_an_optimizer_goes_on_bit_for_bit(tmp_path, build):
    straight = linear()
    optimizer = build(straight)
    for number in range(6):
        step(straight, optimizer, number)

    first = linear()
    optimizer = build(first)
    for number in range(3):
        step(first, optimizer, number)
    save_module(first, tmp_path / "module.safetensors")
    save_optimizer(optimizer, tmp_path / "optimizer.safetensors")

    second = nn.Linear(3, 2)
    optimizer = build(second)
    load_module(second, tmp_path / "module.safetensors")
    load_optimizer(optimizer, tmp_path / "optimizer.safetensors")
    for number in range(3, 6):
        step(second, optimizer, number)
    assert same_weights(second, straight)


def test_an_optimizer_without_any_state_yet(tmp_path):
    module = linear()
    save_optimizer(adam(module), tmp_path / "optimizer.safetensors")
    optimizer = torch.optim.AdamW(module.parameters(), lr=9.0)
    load_optimizer(optimizer, tmp_path / "optimizer.safetensors")
    group = optimizer.param_groups[0]
    assert (group["lr"], group["eps"], tuple(group["betas"])) == (0.1, 1e-5, (0.9, 0.95))


def test_the_settings_stand_in_the_header_as_json(tmp_path):
    save_optimizer(adam(linear()), tmp_path / "optimizer.safetensors")
    with safe_open(tmp_path / "optimizer.safetensors", framework="pt") as handle:
        assert '"lr": 0.1' in handle.metadata()["groups"]


def test_tied_weights_are_written_once_and_stay_tied(tmp_path):
    module = Tied()
    save_module(module, tmp_path / "tied.safetensors")
    with safe_open(tmp_path / "tied.safetensors", framework="pt") as handle:
        assert len(list(handle.keys())) == 1
    other = Tied()
    load_module(other, tmp_path / "tied.safetensors")
    assert same_weights(module, other)
    assert other.head.weight is other.table.weight


def test_a_weight_that_is_missing_is_an_error(tmp_path):
    save_module(nn.Linear(3, 2, bias=False), tmp_path / "module.safetensors")
    with pytest.raises(RuntimeError, match="bias"):
        load_module(nn.Linear(3, 2), tmp_path / "module.safetensors")
