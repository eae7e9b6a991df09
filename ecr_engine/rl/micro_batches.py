"""Passes over micro-batches that go on with half the width where memory runs out.

Nothing that is computed depends on the width of a micro-batch, but for rounding: sums are divided by counts of the
whole minibatch. So running out of memory is a matter of time, not of the result.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import TypeVar

import torch

from ecr_engine.errors import UnavailableError

T = TypeVar("T")

_CPU_ALLOCATOR = "DefaultCPUAllocator: can't allocate memory"
"""How the CPU's allocator says it: in a plain RuntimeError."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that a device's memory, or the machine's, ran out."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or (
        isinstance(error, RuntimeError) and _CPU_ALLOCATOR in str(error)
    )


def halving(width: int, run: Callable[[int], T], *, alone: bool = True) -> tuple[T, int]:
    """Calls `run(width)`; where memory runs out, frees what can be freed and calls it again with half the width.

    Args:
        width: rows of a micro-batch, at least 1.
        run: a whole pass with micro-batches of the given width. It is called from its beginning each time, so it has
            to throw away what an attempt before it left (gradients, say).
        alone: False where other processes wait for this one in the middle of `run`: then nothing can be repeated.

    Returns:
        What `run` returned, and the width that it was done with.

    Raises:
        UnavailableError: memory ran out even with one row at a time, or where nothing can be repeated.
    """
    while True:
        done, result = _attempt(width, run)
        if done:
            # `_attempt` returns no result only where it is not done.
            return result, width  # type: ignore[return-value]
        if not alone:
            raise UnavailableError(
                f"memory ran out with micro-batches of {width} rollouts in each of several processes",
                at="ppo.micro_batch_size",
                fix=f"--set ppo.micro_batch_size={max(1, width // 2)}",
            )
        if width == 1:
            raise UnavailableError(
                "memory ran out with one rollout at a time",
                at="ppo.micro_batch_size",
                fix="shorten prompts and responses: --set prompt.context_max_length=75 --set prompt.resp_max_length=30",
            )
        # Only here has the failed attempt's traceback let go of its tensors.
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        width = (width + 1) // 2


def _attempt(width: int, run: Callable[[int], T]) -> tuple[bool, T | None]:
    """Whether `run(width)` had enough memory, and what it returned."""
    try:
        return True, run(width)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        return False, None


def memory_warning(before: int, after: int, phase: str) -> dict[str, str]:
    """The values of the `warning` event that says a pass went on with a smaller width.

    Args:
        before: rows of a micro-batch that memory did not suffice for.
        after: rows that it did suffice for.
        phase: what was going on, such as "update".
    """
    return {
        "what": f"memory ran out in the {phase}: micro-batches of {after} rollouts instead of {before} from here on; "
        "results stay the same",
        "fix": f"--set ppo.micro_batch_size={after}",
    }
