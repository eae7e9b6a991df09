"""What the fetching of a file tells while it goes on; whoever draws it passes a listener."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Advance:
    """How far a file is.

    Attributes:
        name: the file.
        done: bytes that are there.
        total: bytes that it will have; None if the server does not say.
    """

    name: str
    done: int
    total: int | None


@dataclass(frozen=True, slots=True)
class Notice:
    """Something worth a line.

    Attributes:
        text: the line.
        is_warning: whether it asks for attention.
    """

    text: str
    is_warning: bool = False


Listener = Callable[[Advance | Notice], None]
