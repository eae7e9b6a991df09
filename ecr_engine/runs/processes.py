"""The processes of one job, as `torchrun` starts them: the first one leads and writes, the others train along.

torchrun gives each process its number and the count of all in the environment (`RANK`, `WORLD_SIZE`). Without it there
is one process, the first, and nothing here does anything or loads torch.
"""

from __future__ import annotations

import os
from datetime import timedelta

PATIENCE = timedelta(days=30)
"""How long the others wait for a word of the first, which may be at a stage that it does alone."""


def count() -> int:
    """How many processes there are."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_first() -> bool:
    """Whether this is the process that writes events, records, locks and checkpoints."""
    return count() == 1 or int(os.environ["RANK"]) == 0


def meet() -> None:
    """Waits until all processes are here."""
    if count() > 1:
        _group()
        import torch
        from torch import distributed

        distributed.all_reduce(torch.zeros(1))


def tell(message: object) -> None:
    """Hands a message to the others; only the first may. Each is for one `hear` of each of them."""
    if count() > 1:
        _group()
        _exchange(message)


def hear() -> object:
    """Waits for the next message of the first; only the others may."""
    _group()
    return _exchange(None)


def leave() -> None:
    """Lets go of the connection to the others, where there is one."""
    if count() > 1:
        from torch import distributed

        if distributed.is_initialized():
            distributed.destroy_process_group()


def _group() -> None:
    """Connects the processes, once; accelerate finds this connection and uses it."""
    import torch
    from torch import distributed

    if not distributed.is_initialized():
        backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
        distributed.init_process_group(backend, timeout=PATIENCE)


def _exchange(message: object) -> object:
    """The first one's message, in every process."""
    from torch import distributed

    box = [message]
    distributed.broadcast_object_list(box, src=0)
    return box[0]
