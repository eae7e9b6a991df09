"""Products and orders of rows of the packed Llama, against plain torch."""

from __future__ import annotations

import pytest
import torch

from ecr_engine.models.packed.arithmetic import rotate
from ecr_engine.models.packed.projection import FEW, Projection, product, stacked, weight_product


@pytest.mark.parametrize("rows", [1, FEW, FEW + 1])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32], ids=["bf16", "float32"])
def test_a_product_is_the_same_whichever_factor_stands_left(rows, dtype):
    generator = torch.Generator().manual_seed(1)
    x, weight = (torch.randint(-3, 4, shape, generator=generator).to(dtype) for shape in ((rows, 8), (5, 8)))
    found = product(x, weight)
    # Whole numbers this small are exact in both precisions.
    assert found.is_contiguous()
    assert torch.equal(found.long(), x.long() @ weight.long().t())


@pytest.mark.parametrize(("outs", "ins"), [(2, 6), (6, 2)])
def test_the_gradient_of_a_weight_is_a_sum_of_outer_products(outs, ins):
    generator = torch.Generator().manual_seed(2)
    gradient, x = (torch.randint(-3, 4, (7, width), generator=generator).float() for width in (outs, ins))
    expected = sum(torch.outer(g, row) for g, row in zip(gradient, x, strict=True))
    assert torch.equal(weight_product(gradient, x), expected)


def test_the_halves_of_a_head_take_turns_and_go_back():
    weight = torch.arange(8.0).unsqueeze(1)
    projection = Projection(weight, None, None, 0.0, head=4)
    mixed = stacked((projection,), torch.float32)
    assert mixed.squeeze(1).tolist() == [0, 2, 1, 3, 4, 6, 5, 7]
    assert torch.equal(projection.parted(mixed), weight)


def test_a_quarter_turn_of_each_pair():
    x = torch.tensor([[1.0, 2.0, 3.0, 4.0]], dtype=torch.bfloat16)
    quarter = torch.tensor([[1j, 1j, 1j]])
    assert rotate(x, quarter).tolist() == [[-2.0, 1.0, -4.0, 3.0]]
