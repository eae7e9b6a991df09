"""Memory: weights that are read from a file where they are used, and what is given back to the system."""

import copy
import gc
import sys
from pathlib import Path

import pytest
import torch
from tiny_models import tiny_llama

from ecr_engine.models import memory
from ecr_engine.models.memory import PagedWeights, release_freed
from ecr_engine.models.response import ResponseModel, collate

BATCH = collate([[5, 6, 7]], [[8, 9]], 0)


def resident():
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * 4096


def test_paged_weights_compute_the_same():
    model = tiny_llama()
    wanted = ResponseModel(copy.deepcopy(model))(BATCH).log_probs.detach()
    paged = PagedWeights(model, torch.float32)
    assert torch.equal(ResponseModel(model)(BATCH).log_probs, wanted)
    paged.release()
    assert torch.equal(ResponseModel(model)(BATCH).log_probs, wanted)


def test_matrices_are_rounded_and_norms_are_not():
    model = tiny_llama()
    with torch.no_grad():
        model.model.norm.weight.fill_(1.001)  # not a number of bfloat16: it would become 1
    exact = model.lm_head.weight.detach().clone()
    PagedWeights(model, torch.bfloat16)
    assert torch.equal(model.lm_head.weight, exact.bfloat16())
    assert model.model.norm.weight.tolist() == pytest.approx([1.001] * 16, abs=1e-7)


def test_tied_weights_stay_tied_and_take_no_gradient():
    model = tiny_llama()
    model.lm_head.weight = model.model.embed_tokens.weight
    PagedWeights(model, torch.bfloat16)
    assert model.lm_head.weight.data_ptr() == model.model.embed_tokens.weight.data_ptr()
    assert not any(weight.requires_grad for weight in model.parameters())


@pytest.mark.skipif(sys.platform != "linux", reason="resident memory is read from /proc")
def test_released_weights_take_no_memory_until_they_are_used():
    module = torch.nn.ParameterList([torch.ones(4096, 4096)])  # 64 MiB
    paged = PagedWeights(module, torch.float32)
    gc.collect()
    total = float(module[0].sum())
    used = resident()
    paged.release()
    assert used - resident() > 60 * 2**20
    assert float(module[0].sum()) == total
    assert used - resident() < 4 * 2**20


def test_little_is_not_worth_giving_back(monkeypatch):
    calls = []

    class Library:
        def malloc_trim(self, pad):
            calls.append(pad)

    monkeypatch.setattr(memory, "_libc", Library)
    release_freed(2**23 - 1)
    assert calls == []
    release_freed(2**23)
    assert calls == [0]
