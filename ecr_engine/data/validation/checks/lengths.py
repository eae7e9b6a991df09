"""Prompts and targets that are longer than the model will see."""

from __future__ import annotations

from collections.abc import Iterator

from ecr_engine.data.validation.check import Check, Corpus, Subject
from ecr_engine.data.validation.report import Finding, Grade
from ecr_engine.data.validation.tally import Tally

MANY = 0.5
"""Share of prompts over the limit from which it is a warning: half of what is learnt lacks its beginning."""

MANY_TARGETS = 0.1
"""Likewise of targets, whose end is what gets lost, the stop token with it."""


class Lengths:
    """The check."""

    def __init__(self) -> None:
        self._prompts, self._targets = Tally(), Tally()

    def see(self, subject: Subject) -> None:
        """Measures the examples."""
        limits = subject.limits
        for length in limits.measure.lengths(subject.conversation.dialogue):
            if length.prompt > limits.context_max_length:
                self._prompts.add(subject, f"turn {length.turn}, {length.prompt:,} tokens", turn=length.turn)
            if length.target > limits.resp_max_length:
                self._targets.add(subject, f"turn {length.turn}, {length.target:,} tokens", turn=length.turn)

    def findings(self, corpus: Corpus) -> Iterator[Finding]:
        """Prompts and targets over their limits."""
        limits = corpus.limits
        how = "" if limits.measure.exact else ", as estimated from its words"
        many = self._prompts.cases > MANY * corpus.examples
        yield from self._prompts.by_case(
            "long-prompt",
            Grade.WARNING if many else Grade.NOTE,
            f"a prompt has over {limits.context_max_length} tokens{how}: its oldest turns are dropped",
            corpus.examples,
            "examples",
            "raise prompt.context_max_length" if many else "",
        )
        many = self._targets.cases > MANY_TARGETS * corpus.examples
        yield from self._targets.by_case(
            "long-target",
            Grade.WARNING if many else Grade.NOTE,
            f"a target has over {limits.resp_max_length} tokens{how}: its end is cut",
            corpus.examples,
            "examples",
            "raise prompt.resp_max_length" if many else "",
        )


def build() -> Check:
    """The check."""
    return Lengths()
