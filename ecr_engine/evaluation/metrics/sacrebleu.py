"""sacrebleu: corpus BLEU as sacreBLEU computes it, with its own tokenisation."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ecr_engine.data.schema import Sample
from ecr_engine.evaluation.metric import Family, Metric, MetricResult, Need
from ecr_engine.rewards.resources import Resources


class SacreBleu:
    """BLEU-4 over the corpus, for comparisons beyond this field."""

    name = "sacrebleu"
    key = "sacrebleu"
    family = Family.OVERLAP
    low = 0.0
    high = 100.0
    higher_is_better: bool | None = True
    explanation = (
        "Corpus BLEU of 1- to 4-grams on the raw texts of the turns that have a reference, in sacreBLEU's own "
        "tokenisation (nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp)."
    )
    source = "Post 2018, arXiv 1804.08771 (sacreBLEU)"
    agrees_with = "sacrebleu.corpus_bleu(responses, [references]) with its defaults"
    needs = Need.NOTHING

    def compute(self, samples: Sequence[Sample]) -> MetricResult:
        """The value over the corpus; NaN if no sample has a reference."""
        from sacrebleu.metrics.bleu import BLEU

        pairs = [(one.response, one.example.target) for one in samples if one.example.target.strip()]
        if not pairs:
            return MetricResult(math.nan, ())
        responses, references = zip(*pairs, strict=True)
        # Its default, but for the warning about texts that look tokenised already.
        scorer = BLEU(tokenize="13a", force=True)
        return MetricResult(float(scorer.corpus_score(list(responses), [list(references)]).score), ())


def build(resources: Resources) -> Metric:
    """The metric."""
    return SacreBleu()
