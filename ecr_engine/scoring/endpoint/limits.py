"""How much may be asked in a minute."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

MINUTE_S = 60.0


@dataclass(slots=True)
class Slot:
    """One request of the last minute.

    Attributes:
        time: when it was let go.
        tokens: how large it was taken to be, or found to be.
    """

    time: float
    tokens: int


class Limiter:
    """Lets requests go so that no 60 seconds hold more than allowed; threads share it.

    Args:
        requests: requests in a minute at most; None for any number.
        tokens: tokens sent in a minute at most; None for any number. A single request that is larger goes alone.
        clock: seconds that only grow.
        sleep: waits for so many seconds, or less.
    """

    def __init__(
        self,
        requests: int | None,
        tokens: int | None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._requests = requests
        self._tokens = tokens
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._slots: deque[Slot] = deque()
        self._paused_until = 0.0

    def acquire(self, tokens: int, go_on: Callable[[], bool] = lambda: True) -> Slot:
        """Waits until a request may go.

        Args:
            tokens: its size, as far as it is known.
            go_on: whether waiting still makes sense; if not, the request goes at once.
        """
        while True:
            with self._lock:
                now = self._clock()
                wait = self._wait(now, tokens)
                if wait <= 0 or not go_on():
                    slot = Slot(now, tokens)
                    if self._requests is not None or self._tokens is not None:
                        self._slots.append(slot)
                    return slot
            self._sleep(wait)

    def settle(self, slot: Slot, tokens: int) -> None:
        """Says how large a request was."""
        with self._lock:
            slot.tokens = tokens

    def pause(self, seconds: float) -> None:
        """Lets nothing go for so long."""
        with self._lock:
            self._paused_until = max(self._paused_until, self._clock() + seconds)

    def _wait(self, now: float, tokens: int) -> float:
        """Seconds until it is worth looking again; 0 if the request may go."""
        while self._slots and self._slots[0].time <= now - MINUTE_S:
            self._slots.popleft()
        if now < self._paused_until:
            return self._paused_until - now
        full = self._requests is not None and len(self._slots) >= self._requests
        heavy = self._tokens is not None and sum(slot.tokens for slot in self._slots) + tokens > self._tokens
        if self._slots and (full or heavy):
            return self._slots[0].time + MINUTE_S - now
        return 0.0
