"""The policy leaves the neighbourhood of its reference, or takes steps that are too large, or the KL is negative."""

from __future__ import annotations

from collections.abc import Iterator

from ecr_engine.config.sections.health import HealthSettings
from ecr_engine.rl.health.finding import PERSISTENT, Finding, Look
from ecr_engine.rl.health.history import History, Step, unbroken
from ecr_engine.rl.health.remedies import Remedies

KL, LENGTH, UPDATE_KL = "objective/kl", "completions/mean_length", "policy/approx_kl"
PER_TOKEN = "KL per token"

FAR = "far from the reference the reward is easy to cheat and the language falls apart"
WILD = "an update that moves the policy so far is taken on evidence that no longer holds for it"
NEGATIVE = "the policy can't be nearer than equal: rollouts and log-probabilities come from different distributions"
LOST = "nothing of the baseline is left, and the KL penalty can't bring it back"


def build(settings: HealthSettings, remedies: Remedies) -> Look:
    """The warning under these settings."""

    def look(history: History) -> Finding | None:
        steps = list(_per_token(history.last))
        exploded = unbroken(steps, PER_TOKEN, high=settings.kl_explosion)
        if exploded:
            what = _told(exploded, "exploded to", settings.kl_explosion)
            return Finding(what, LOST, remedies.steadier(), exploded[0].number, diverged=True)
        far = unbroken(steps, PER_TOKEN, high=settings.kl_high)
        if len(far) >= PERSISTENT:
            return Finding(_told(far, "is", settings.kl_high), FAR, remedies.closer(), far[0].number)
        negative = unbroken(steps, PER_TOKEN, low=settings.kl_low)
        if len(negative) >= PERSISTENT:
            what = _told(negative, "is", settings.kl_low)
            return Finding(what, NEGATIVE, remedies.exact(), negative[0].number)
        wild = unbroken(history.last, UPDATE_KL, high=settings.approx_kl_high)
        if len(wild) >= PERSISTENT:
            what = (
                f"one update moves the policy by a KL of {wild[-1].values[UPDATE_KL]:.3f} nats a token "
                f"(bound {settings.approx_kl_high:g}, beyond it for {len(wild)} updates)"
            )
            return Finding(what, WILD, remedies.steadier(), wild[0].number)
        return None

    return look


def _per_token(steps: tuple[Step, ...]) -> Iterator[Step]:
    """The KL of each update in nats a token; where responses have no length there is none."""
    for step in steps:
        if step.has(KL, LENGTH) and step.values[LENGTH] > 0:
            yield Step(step.number, {PER_TOKEN: step.values[KL] / step.values[LENGTH]})


def _told(steps: list[Step], verb: str, bound: float) -> str:
    beyond = f"{len(steps)} updates" if len(steps) > 1 else "this update"
    return (
        f"the KL to the reference {verb} {steps[-1].values[PER_TOKEN]:.3f} nats a token "
        f"(bound {bound:g}, beyond it for {beyond})"
    )
