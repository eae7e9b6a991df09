"""Placement, mixed precision and process groups, through accelerate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

import torch

if TYPE_CHECKING:
    from accelerate import Accelerator

T = TypeVar("T")


def make_accelerator(device: torch.device, precision: str) -> Accelerator:
    """The accelerator of a training loop.

    Args:
        device: where models run.
        precision: `no`, `bf16` or `fp16`.
    """
    from accelerate import Accelerator, DistributedDataParallelKwargs
    from accelerate.state import AcceleratorState

    # accelerate keeps one precision for the whole process, and the stages of a run differ in theirs; the process group
    # stays as it is.
    AcceleratorState._reset_state()
    # The critic's quality and emotion heads get no gradient in PPO.
    unused = DistributedDataParallelKwargs(find_unused_parameters=True)
    return Accelerator(cpu=device.type == "cpu", mixed_precision=precision, kwargs_handlers=[unused])


def own_share(rows: Sequence[T], accelerator: Accelerator) -> Sequence[T]:
    """This process's rows of a global batch: every n-th, so that the processes' shares are of like length."""
    return rows[accelerator.process_index :: accelerator.num_processes]


def own_part(rows: Sequence[T], accelerator: Accelerator) -> tuple[Sequence[T], float]:
    """This process's rows of a global batch and their weight, 1; where it has none, the first row with weight 0.

    Every process has to take part in the sum of the gradients, also where a batch has fewer rows than there are
    processes.
    """
    own = own_share(rows, accelerator)
    return (own, 1.0) if own else (rows[:1], 0.0)


def global_sum(value: float, accelerator: Accelerator) -> float:
    """Sum of a number over all processes."""
    if accelerator.num_processes == 1:
        return value
    total = torch.tensor([value], dtype=torch.float64, device=accelerator.device)
    return float(accelerator.reduce(total, reduction="sum").item())


def any_of(asked: bool, accelerator: Accelerator) -> bool:
    """Whether it is true in any process, the same answer in each."""
    return global_sum(float(asked), accelerator) > 0
