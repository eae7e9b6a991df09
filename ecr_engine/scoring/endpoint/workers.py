"""Threads that work for one judge, and end with it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from types import TracebackType
from typing import Generic, TypeVar

from ecr_engine.errors import EcrError

A = TypeVar("A")
R = TypeVar("R")


class Workers(Generic[A, R]):
    """So many threads that do one kind of work; a context manager.

    They are daemons: whoever leaves does not wait for an answer that takes a minute. After an `EcrError` all that is
    left fails with it, since the next piece of work would only meet the same trouble.

    Args:
        count: number of threads.
        work: what they do.
    """

    def __init__(self, count: int, work: Callable[[A], R]) -> None:
        self._work = work
        self._tasks: SimpleQueue[tuple[A, Future[R]] | None] = SimpleQueue()
        self._count = count
        self._broken: EcrError | None = None
        self.stopped = threading.Event()
        for _ in range(count):
            threading.Thread(target=self._run, daemon=True).start()

    def __enter__(self) -> Workers[A, R]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopped.set()
        for _ in range(self._count):
            self._tasks.put(None)

    def submit(self, argument: A) -> Future[R]:
        """Has one piece of work done."""
        future: Future[R] = Future()
        self._tasks.put((argument, future))
        return future

    def _run(self) -> None:
        while (task := self._tasks.get()) is not None and not self.stopped.is_set():
            argument, future = task
            try:
                if self._broken is not None:
                    raise self._broken
                future.set_result(self._work(argument))
            except EcrError as error:
                self._broken = error
                future.set_exception(error)
            except BaseException as error:  # noqa: BLE001 - it is raised where the result is asked for
                future.set_exception(error)
