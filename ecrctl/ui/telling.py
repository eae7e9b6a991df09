"""How a training that is no stage of a run tells how it goes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecr_engine.errors import ENDINGS
from ecrctl.options import Output
from ecrctl.ui.console import note

if TYPE_CHECKING:
    from ecr_engine.runs.events import Emit


@contextmanager
def telling(stage: str, folder: Path, output: Output, kept: Callable[[], str | None] = lambda: None) -> Iterator[Emit]:
    """A way for the training to tell how it goes: a dashboard on a terminal, lines anywhere else.

    Args:
        stage: what is trained, as the dashboard names it.
        folder: what is made, the dashboard's title.
        output: how to speak.
        kept: says, after an interrupt, from what the training can be gone on with; None for nothing.
    """
    from ecr_engine.runs.events import Event
    from ecrctl.ui.follow import following
    from ecrctl.ui.snapshot import begin

    try:
        with following(begin(str(folder), (stage,)), quiet=output.quiet, everything=output.verbose) as listener:

            def emit(name: str, kind: str, step: int = 0, /, **values: Any) -> None:
                listener(Event(time.time(), name, step, kind, values))

            yield emit
    except KeyboardInterrupt:
        _say_interrupted(folder, kept())
        raise
    except SystemExit as leaving:
        if leaving.code in ENDINGS:
            _say_interrupted(folder, kept())
        raise


def _say_interrupted(folder: Path, kept: str | None) -> None:
    if kept is None:
        note(f"interrupted; nothing was written to {folder}")
        return
    note(f"interrupted; what was trained is kept in {kept}")
    note("  fix  type the same command again with --resume auto to go on with it")
