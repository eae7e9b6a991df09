"""The mechanisms of empathy in responses, graded once for all metrics of them."""

from __future__ import annotations

from collections.abc import Sequence

from ecr_engine.data.schema import Sample
from ecr_engine.emotion.empathy import EmpathyLevels, EmpathyRecogniser
from ecr_engine.evaluation.corpus import Corpus, corpus_of, heard
from ecr_engine.evaluation.metric import Family, MetricResult, Need
from ecr_engine.evaluation.metrics._mean import mean_result

SOURCE = "Sharma et al., EMNLP 2020 (EPITOME), graded by the recogniser `emotion.empathy`"

_SAYS = {
    "reaction": "shows warmth, compassion or concern",
    "interpretation": "shows that the seeker was understood",
    "exploration": "asks to understand more",
}


def levels_of(corpus: Corpus, recogniser: EmpathyRecogniser) -> list[EmpathyLevels | None]:
    """The grades of each response towards the seeker's last words; None where the seeker did not speak last."""
    return corpus.once(f"empathy by {recogniser.name}", lambda: _graded(corpus, recogniser))


def _graded(corpus: Corpus, recogniser: EmpathyRecogniser) -> list[EmpathyLevels | None]:
    found: list[EmpathyLevels | None] = [None] * len(corpus)
    said = [(row, words) for row, sample in enumerate(corpus) if (words := heard(sample)) is not None]
    levels = recogniser.levels([(words, corpus[row].response) for row, words in said])
    for (row, _), graded in zip(said, levels, strict=True):
        found[row] = graded if corpus[row].response.strip() else EmpathyLevels(0, 0, 0)
    return found


class Mechanism:
    """The mean level of one mechanism.

    Args:
        recogniser: grades the mechanisms.
        mechanism: `reaction`, `interpretation` or `exploration`.
    """

    family = Family.EMPATHY
    low = 0.0
    high = 2.0
    higher_is_better: bool | None = True
    source = SOURCE
    agrees_with = ""
    needs = Need.NOTHING

    def __init__(self, recogniser: EmpathyRecogniser, mechanism: str) -> None:
        self._recogniser = recogniser
        self._mechanism = mechanism
        self.name = f"empathy_{mechanism}"
        self.key = f"empathy/{mechanism}"
        self.explanation = (
            f"How far the response {_SAYS[mechanism]}: 0 not, 1 weakly, 2 strongly; averaged over the turns that "
            "answer the seeker."
        )

    def compute(self, samples: Sequence[Sample]) -> MetricResult:
        """The mean level; None for a turn that does not answer the seeker."""
        place = EmpathyLevels._fields.index(self._mechanism)
        graded = levels_of(corpus_of(samples), self._recogniser)
        return mean_result([None if levels is None else float(levels[place]) for levels in graded])
