"""Looks at every update of a training, warns, and ends it where nothing good can come of going on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ecr_engine.config.sections.health import HealthSettings
from ecr_engine.errors import DivergedError
from ecr_engine.rl.health.finding import WARNINGS, Finding
from ecr_engine.rl.health.history import History, Step
from ecr_engine.rl.health.remedies import Remedies
from ecr_engine.runs.events import Emit, Event


@dataclass(frozen=True, slots=True)
class Ground:
    """What is left of the healthy part of a training.

    Attributes:
        named: the last healthy checkpoint, as a sentence part.
        command: goes on from there, or begins again where there is none; the flags of a remedy are typed behind it.
    """

    named: str
    command: str


LastHealthy = Callable[[int], Ground]
"""What is left of the healthy part of a training, given the first update that is not healthy."""


@dataclass(frozen=True, slots=True)
class Warned:
    """A warning that was given.

    Attributes:
        step: the update after which it was given.
        name: the warning's name.
        finding: what it said.
    """

    step: int
    name: str
    finding: Finding


class HealthWatch:
    """The watch of one training; call it after each update.

    Args:
        settings: the section `[health]`.
        remedies: what to type against each trouble.
        emit: how warnings are told.
        last_healthy: finds what is left of the healthy part of the training.
        stage: whose events it gives.
    """

    def __init__(
        self,
        settings: HealthSettings,
        remedies: Remedies,
        emit: Emit,
        *,
        last_healthy: LastHealthy,
        stage: str = "rl",
    ) -> None:
        self._settings, self._emit, self._last_healthy, self._stage = settings, emit, last_healthy, stage
        self._remedies = remedies
        self._looks = {name: WARNINGS.build(name, settings, remedies) for name in WARNINGS.names()}
        self._history = History(max(2 * settings.window, settings.flat_updates, settings.skipped_updates))
        self._given: dict[str, int] = {}

    def __call__(self, step: int, values: Mapping[str, float]) -> None:
        """Takes in one update and tells what is wrong with it.

        Args:
            step: number of the update, from 1.
            values: the values of its `step` event.

        Raises:
            DivergedError: the training diverged; or anything is wrong, where a warning is to stop it.
        """
        found = self.see(step, values)
        ending = [warned for warned in found if warned.finding.diverged or self._settings.on_warning == "stop"]
        if not ending:
            self._tell(found, self._remedies.command)
            return
        last = min(ending, key=lambda warned: not warned.finding.diverged)
        ground = self._last_healthy(last.finding.since)
        # Whatever is to be mended, going on from the newest checkpoint is no remedy any more.
        self._tell(found, ground.command)
        raise self._ended(_reason(last), step, ground, last.finding.fix)

    def see(self, step: int, values: Mapping[str, float]) -> list[Warned]:
        """Takes in one update, and gives the warnings that it leads to; tells nobody."""
        self._history = self._history.after(Step(step, dict(values)))
        found = []
        for name, look in self._looks.items():
            finding = look(self._history)
            # A training that was warned may diverge in its cool-down, and has to end all the same.
            if finding is not None and (finding.diverged or not self._is_resting(name, step)):
                self._given[name] = step
                found.append(Warned(step, name, finding))
        return found

    def recall(self, events: Iterable[Event]) -> list[Warned]:
        """Takes in the updates of an interrupted training, so that what follows is as if it had not been.

        Args:
            events: of the run; those of other stages and kinds are passed over.

        Returns:
            The warnings that they lead to, which are the ones that were given then.
        """
        steps = [event for event in events if event.stage == self._stage and event.kind == "step"]
        return [warned for event in steps for warned in self.see(event.step, _numbers(event.values))]

    def lost(self, what: str, step: int) -> DivergedError:
        """The end of a training whose policy turned out to be lost after an update that showed nothing.

        Args:
            what: what was seen.
            step: the update.
        """
        return self._ended(what, step, self._last_healthy(step + 1), self._remedies.steadier())

    def _is_resting(self, name: str, step: int) -> bool:
        return name in self._given and step - self._given[name] < self._settings.cool_down

    def _tell(self, found: Sequence[Warned], command: str) -> None:
        for warned in found:
            finding = warned.finding
            fix = self._remedies.typed_after(command, finding.fix)
            told = {"name": warned.name, "what": finding.what, "why": finding.why, "fix": fix}
            self._emit(self._stage, "warning", warned.step, **told)

    def _ended(self, what: str, step: int, ground: Ground, fix: str) -> DivergedError:
        return DivergedError(
            what,
            at=f"{self._stage}, update {step}; {ground.named}",
            fix=self._remedies.typed_after(ground.command, fix),
        )


def _reason(warned: Warned) -> str:
    what = warned.finding.what
    return what if warned.finding.diverged else f"stopped by the warning {warned.name}: {what}"


def healthy_before(steps: Sequence[int], since: int) -> int | None:
    """The last of the checkpoints at `steps` that is known to be healthy; None if none is.

    The policy after update k is what update k + 1 measures, so it is known to be healthy if that is before `since`.
    """
    return max((step for step in steps if step + 1 < since), default=None)


def _numbers(values: Mapping[str, object]) -> dict[str, float]:
    return {key: float(value) for key, value in values.items() if isinstance(value, int | float)}
