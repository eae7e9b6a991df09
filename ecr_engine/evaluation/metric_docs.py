"""`docs/metrics.md`, made from the registry of metrics."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ecr_engine.evaluation.judging import OVERALL
from ecr_engine.evaluation.marks import JUDGE_PREFIX
from ecr_engine.evaluation.metric import Family, Metric, Need, metrics_with
from ecr_engine.rewards.resources import Resources
from ecr_engine.scoring.dimensions import DimensionSet, dimension_sets

_DIRECTION = {True: "higher is better", False: "lower is better", None: "neither direction is better"}

_NEEDS = {
    Need.NOTHING: "",
    Need.ENCODER: "off by default: ask for it with `--metric default --metric similarity`, with the encoder at hand",
    Need.LOSSES: "off by default: needs `--perplexity` when the responses are generated",
}

_HEAD = """\
# Metrics

Made from the registry by `python tools/document_metrics.py`; a test fails where it is stale.

`ecrctl eval run` and `ecrctl run` measure the metrics below that are not marked as off by default, and the reward with
its components (see [rewards.md](rewards.md)). `--metric NAME`, repeatable, chooses others: by name, key or pattern
(`'bleu_*'`), `default`, or `all` whose needs are met. A metric is one file in `ecr_engine/evaluation/metrics/`.

**Words.** All metrics count the same words (`ecr_engine/data/words.py`): lower case, a `<movie>` slot is one word, a
word keeps its inner apostrophes and hyphens, every other mark is a word of its own. The two exceptions are `sacrebleu`
and `chrf`, which take the raw texts as their tool does, so that the numbers are those that the tool prints.

**Values.** A metric that is a mean over turns has an interval: percentile bootstrap over dialogues. A turn to which a
metric does not apply (no reference, a context that does not end with the seeker) is left out and not counted as 0. An
empty response counts 0 where it is compared with a reference. A metric that applies to no turn has no value (`null`).
A metric that fails is named with its reason under `failed` in `results.json`; the others are reported all the same.

**Left out.** METEOR: its reference implementations need WordNet, a download. AUC between liked and disliked items, and
Recall@k of an item ranking, belong to the recommender and not to responses.
"""

_TRAPS = """\
## How the field's evaluators go wrong, and what is done here

- CRSLab's default evaluator iterates over a string, so that its n-grams are of characters. Here they are of words.
- `dist@k` divides by the number of responses, can exceed 1 and falls as the test set grows: it only compares responses
  to the same turns. `distinct@k` divides by the number of n-grams. Papers call both DIST; here they have two names.
- `bleu@k` is the precision of one order, not the geometric mean up to it. `sacrebleu` is the usual BLEU-4.
- A slot that is stripped as a special token makes every metric of recommendation 0. Here `<movie>` is a word.
- Half of the recommendation accuracy on ReDial is naming a movie again that was just named: `hit@k` takes those out,
  `hit_all@k` shows what they are worth.
- A judge that fails on a response gives no score for it, never 0.
"""


def metrics_document() -> str:
    """The page as Markdown."""
    metrics = metrics_with(Resources())
    parts = [_HEAD]
    for family in Family:
        members = [metric for metric in metrics if metric.family is family]
        parts.append("\n".join([f"## {family.value}", "", *(line for metric in members for line in _entry(metric))]))
    parts.append("\n".join(_judges(dimension_sets())))
    parts.append(_TRAPS)
    return "\n".join(part.rstrip() + "\n" for part in parts)


def _entry(metric: Metric) -> Iterator[str]:
    key = f"`{metric.key}`" if metric.key == metric.name else f"`{metric.key}` (name `{metric.name}`)"
    yield f"- {key}: {_bounds(metric.low, metric.high)}, {_DIRECTION[metric.higher_is_better]}"
    yield f"  - {metric.explanation}"
    yield f"  - Source: {metric.source}."
    if metric.agrees_with:
        yield f"  - Agrees with: {metric.agrees_with}."
    if _NEEDS[metric.needs]:
        yield f"  - {_NEEDS[metric.needs][0].upper()}{_NEEDS[metric.needs][1:]}."


def _bounds(low: float, high: float) -> str:
    return f"{low:g} or more" if math.isinf(high) else f"{low:g} to {high:g}"


def _judges(sets: tuple[DimensionSet, ...]) -> Iterator[str]:
    yield "## Judge scores"
    yield ""
    yield "`ecrctl eval judge EVALUATION --judge NAME` adds them, each the mean over the responses that the judge could"
    yield "score. Who judged, by which dimensions, and how many responses have no scores, stands under `judge` in"
    yield "`results.json`."
    yield ""
    for each in sets:
        low, high = each.dimensions[0].low, each.dimensions[0].high
        keys = ", ".join(f"`{JUDGE_PREFIX}{name}`" for name in each.names)
        yield f"- `judge.dimensions={each.name}`: {keys}; {_bounds(low, high)}, {_DIRECTION[True]}"
    yield f"- `{JUDGE_PREFIX}{OVERALL}`: the judge's overall score; the mean of its dimensions where it gives none"
