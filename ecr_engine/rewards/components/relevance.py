"""`relevance`: whether a person would say this here, by a model fitted to the dialogues of the corpus.

It knows the context and the response, never the reference. The model is that of `ecr_engine.rewards.relevance`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from ecr_engine.data.schema import Sample, Split
from ecr_engine.data.store import read_examples, read_summary, split_path
from ecr_engine.rewards.component import RewardComponent
from ecr_engine.rewards.relevance.fitting import LEAST_REPLIES, fit, parted, usable
from ecr_engine.rewards.relevance.model import RelevanceModel
from ecr_engine.rewards.relevance.storage import load, save
from ecr_engine.rewards.resources import Resources


class Relevance:
    """How likely a person gave this response in this dialogue, in a model fitted to the corpus.

    Args:
        model: the fitted model.
    """

    name = "relevance"
    low = 0.0
    high = 1.0
    explanation = "whether a person would say this at this point (a ranking model fitted to the corpus's own replies)"

    def __init__(self, model: RelevanceModel) -> None:
        self._model = model

    def score(self, batch: Sequence[Sample]) -> list[float | None]:
        """The score of each response: 0 without words, 1 from the best tenth of people's replies on.

        It applies everywhere: an opening turn has no context, but not everything opens a dialogue.
        """
        return [self._model.score(sample.example, sample.response) for sample in batch]

    def explain(self, sample: Sample) -> str:
        """Where the response stands among replies of people."""
        share = self._model.share(sample.example, sample.response)
        return "no words" if share is None else f"fits as well as the reply that {share:.0%} of people's fall below"


class NothingToLearnFrom:
    """`relevance` where there are no replies of people: it applies to no sample, and gates nothing.

    Args:
        why: what is missing.
    """

    name = Relevance.name
    low = Relevance.low
    high = Relevance.high
    explanation = Relevance.explanation

    def __init__(self, why: str) -> None:
        self._why = why

    def score(self, batch: Sequence[Sample]) -> list[float | None]:
        """None for each."""
        return [None] * len(batch)

    def explain(self, sample: Sample) -> str:
        """What is missing."""
        return self._why


def build(resources: Resources) -> RewardComponent:
    """The component with the model of the corpus: the one that was kept, or one fitted now.

    Without a corpus, or with one of fewer than `LEAST_REPLIES` replies, it applies to nothing.

    Raises:
        DataError: the corpus or the kept model can't be read.
        EcrError: the fitted model can't be written.
    """
    if resources.corpus is None:
        return NothingToLearnFrom("no processed dialogues to learn from (name a run that has data: --run DIR)")
    fingerprint = read_summary(resources.corpus).fingerprint
    kept = None if resources.fitted is None else load(resources.fitted, fingerprint)
    if kept is not None:
        return Relevance(kept)
    model = _fitted(resources.corpus, fingerprint)
    if model is None:
        return NothingToLearnFrom(f"the training split has fewer than {LEAST_REPLIES} replies to learn from")
    if resources.fitted is not None:
        save(resources.fitted, model, fingerprint)
    return Relevance(model)


@lru_cache(maxsize=2)
def _fitted(corpus: Path, fingerprint: str) -> RelevanceModel | None:
    """The model of a corpus, fitted once in a process; None where its replies are too few."""
    train, valid = (read_examples(split_path(corpus, split)) for split in (Split.TRAIN, Split.VALID))
    return fit(*parted(train, valid)) if len(usable(train)) >= LEAST_REPLIES else None
