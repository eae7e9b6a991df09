"""Accelerators of one process after another, each in its own precision."""

import torch

from ecr_engine.models.placement import make_accelerator


def test_each_stage_has_its_own_precision():
    half = make_accelerator(torch.device("cpu"), "bf16")
    weight, state = torch.ones(2, 2), torch.ones(1, 2)
    with half.autocast():
        assert torch.nn.functional.linear(state, weight).dtype is torch.bfloat16
    whole = make_accelerator(torch.device("cpu"), "no")
    with whole.autocast():
        assert torch.nn.functional.linear(state, weight).dtype is torch.float32
    again = make_accelerator(torch.device("cpu"), "bf16")
    with again.autocast():
        assert torch.nn.functional.linear(state, weight).dtype is torch.bfloat16
