"""Memory given back to the system, and weights that are in memory only while they are used."""

from __future__ import annotations

import ctypes
import mmap
import platform
import sys
import tempfile
from functools import lru_cache
from typing import IO

import torch
from torch import Tensor, nn

ALIGNMENT = 64
"""Weights in a file begin at multiples of this many bytes: what vector instructions like best."""


@lru_cache(maxsize=1)
def _libc() -> ctypes.CDLL | None:
    glibc = sys.platform == "linux" and platform.libc_ver()[0] == "glibc"
    return ctypes.CDLL(None) if glibc else None


WORTH_RELEASING = 2**23
"""Bytes of freed memory that are worth the time to give them back."""


def release_freed(size: int = WORTH_RELEASING) -> None:
    """Gives freed memory back to the system; does nothing where the C library has no such call.

    glibc keeps what is freed for the next allocation. Between a rollout and an update that is hundreds of megabytes
    in pieces that fit nothing of what comes next.

    Args:
        size: about how many bytes were freed; where they are below `WORTH_RELEASING`, nothing is done.
    """
    libc = _libc() if size >= WORTH_RELEASING else None
    if libc is not None:
        libc.malloc_trim(0)


class PagedWeights:
    """Puts a module's parameters into an unnamed temporary file that is mapped into memory.

    They are read from it where they are used, and `release` lets go of the memory until they are used again. The
    file goes with the module.

    Args:
        module: on the CPU, never to be trained; its parameters are replaced in place.
        dtype: of matrices in the file; vectors (norms) stay as they are.
    """

    def __init__(self, module: nn.Module, dtype: torch.dtype) -> None:
        module.requires_grad_(requires_grad=False)
        parameters = list(module.parameters())
        narrow = [weight.detach().to(dtype if weight.dim() > 1 else weight.dtype) for weight in parameters]
        with tempfile.TemporaryFile() as file:
            starts = [_append(file, weight) for weight in narrow]
            file.flush()
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        for parameter, weight, start in zip(parameters, narrow, starts, strict=True):
            flat = torch.frombuffer(self._map, dtype=weight.dtype, count=weight.numel(), offset=start)
            parameter.data = flat.view(weight.shape)

    def release(self) -> None:
        """Lets go of the memory; the next use reads the weights again."""
        if sys.platform != "win32":
            self._map.madvise(mmap.MADV_DONTNEED)


def _append(file: IO[bytes], weight: Tensor) -> int:
    """Writes a tensor behind what is there, and returns where it begins."""
    start = -(-file.tell() // ALIGNMENT) * ALIGNMENT
    file.seek(start)
    file.write(weight.contiguous().view(-1).view(torch.uint8).numpy().data)
    return start
