"""Whether it is RL that gained: controls beside it, decodings, evaluators from outside, hits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from choosing import METRICS
from results_folder import CONTROLS, POLICIES, cooler, document, expected_sides, reading, tests
from results_text import DASH, missing, number, percent, relative_interval, section, table
from results_verdict import GAINS, rose
from steps import TEMPERATURES, decoding_name

SHOWN = (
    *GAINS,
    "distinct@1",
    "slot_f1",
    "item_ratio",
    "length",
    "self_bleu",
    "perplexity",
)
INSIDE = ("reward/empathy", "empathy", "empathy/reaction", "empathy/interpretation", "empathy/exploration")


def controls(out: Path) -> str:
    """Longer SFT, best of several, and lower temperatures beside the policies."""
    sides = tests(out)
    rows = [[name, *(number(side.values.get(key)) for key in SHOWN)] for name, side in sides.items()]
    said = (
        "`longer` is the baseline trained on for as long as RL took (`longer-last` its last checkpoint), `best-of-4` "
        "the best of four answers of the baseline by the same reward (`best-of-4-free`: without the reward's parts "
        "that need the reference), `baseline-…` the baseline at lower temperatures than the chosen decoding."
    )
    gap = missing([name for name in expected_sides(out) if name not in sides])
    unchosen = "" if (out / "decoding.json").exists() else missing(["the baseline at lower temperatures"])
    shown = table(["side", *(f"`{key}`" for key in SHOWN)], rows) if rows else ""
    return section("Controls", said, gap, unchosen, shown, against_controls(out))


def against_controls(out: Path) -> str:
    """How far the policies are above each control, pooled, with intervals."""
    names = [*CONTROLS, *cooler(out)]
    rows, gaps = [], []
    for name in names:
        found = document(out / f"compare-{name}.json")
        if found is None or "metrics" not in found:
            gaps.append(f"compare-{name}")
        else:
            rows.append([name, *(change(found["metrics"].get(key)) for key in GAINS)])
    if not rows:
        return missing(gaps)
    said = "The change from each control to the policies, pooled over seeds; bold where the interval lies above 0."
    return "\n\n".join(
        filter(None, [said, table(["control", *(f"`{key}`" for key in GAINS)], rows), missing(gaps)]),
    )


def change(entry: dict[str, Any] | None) -> str:
    """A relative change and its interval in one cell."""
    if entry is None:
        return DASH
    told = f"{percent(entry['relative'])} ({relative_interval(entry)})"
    return f"**{told}**" if rose(entry) else told


def decodings(out: Path) -> str:
    """The decodings that were tried on validation, and the choice."""
    found = document(out / "decoding.json")
    if found is None:
        return section("Decoding", missing(["decoding"]))
    keys = [*METRICS, "length", "self_bleu"]
    rows = [
        [f"**{name}**" if name == found["chosen"] else name, *(number(row.get(key)) for key in (*keys, "score"))]
        for name, row in found["table"].items()
    ]
    for name in found["table"]:
        if (side := reading(out / "decoding" / f"policy-0-{name}")) is not None:
            rows.append([f"policy-0, {name}", *(number(side.values.get(key)) for key in keys), DASH])
    gap = missing([name for name in map(decoding_name, (None, *TEMPERATURES)) if name not in found["table"]])
    said = (
        "Chosen on the validation split, for the baseline alone, before any policy was trained: "
        f"**{found['chosen']}**, the one with the largest {found['criterion']}. Both sides are decoded with it. "
        "Below, a policy by each of them."
    )
    return section("Decoding", said, gap, table(["decoding", *(f"`{key}`" for key in keys), "criterion"], rows))


def outside(out: Path) -> str:
    """Empathy by evaluators that the reward does not know, beside those it knows."""
    sources = {
        "comparison": ("in the reward", lambda key: key in INSIDE),
        "compare-outside": ("GoEmotions recogniser", lambda key: key.startswith("emotion_")),
        "compare-judged": ("judge smollm2-135m", lambda key: key.startswith("judge/")),
    }
    rows, gaps = [], []
    for name, (evaluator, wanted) in sources.items():
        found = document(out / f"{name}.json")
        if found is None or "metrics" not in found:
            gaps.append(name)
            continue
        for key, entry in found["metrics"].items():
            if wanted(key):
                values = [number(entry["a"]), number(entry["b"]), percent(entry["relative"]), relative_interval(entry)]
                rows.append([f"`{key}`", evaluator, *values])
    shown = table(["metric", "by", "baseline", "policy", "change", "interval"], rows) if rows else ""
    said = (
        "A reward can be pleased without anyone being understood. So the same answers are measured by a recogniser "
        "trained on other data and by another model as judge; neither was in the reward."
    )
    return section("Empathy from outside", said, missing(gaps), shown)


def hits(out: Path) -> str:
    """Recommendation as hits on what the seeker liked, beside whether and how often movies are named."""
    found, sides = document(out / "hits.json"), tests(out)
    keys = ("item_ratio", "slot_f1", "reward/recommendation")
    known = [name for name in ("baseline", *POLICIES) if name in sides]
    rows = [[name, *(number(sides[name].values.get(key)) for key in keys)] for name in known]
    slots = table(["side", *(f"`{key}`" for key in keys)], rows) if rows else ""
    return section("Recommendation as hits", missing(["hits"]) if found is None else hits_shown(found), slots)


def hits_shown(found: Any) -> str:
    """The values of hits.json: a table by side where it is one, and what else it says as lines."""
    by_side = {name: row for name, row in found.items() if isinstance(row, dict)}
    plain = [f"- {name}: {told(value)}" for name, value in found.items() if not isinstance(value, dict)]
    keys = [key for key in dict.fromkeys(key for row in by_side.values() for key in row) if not key.endswith(PARTS)]
    rows = [[name, *(with_change(row, key) for key in keys)] for name, row in by_side.items()]
    shown = table(["side", *(f"`{key}`" for key in keys)], rows) if rows else ""
    return "\n\n".join(filter(None, ["\n".join(plain), shown]))


PARTS = (" change", " interval")
"""What is told beside a value, not in a column of its own."""


def with_change(row: dict[str, Any], key: str) -> str:
    """A value, and where there is one its difference to the baseline with the interval."""
    change, interval = (row.get(f"{key}{part}") for part in PARTS)
    if change is None or not interval:
        return told(row.get(key))
    return f"{told(row.get(key))} ({change:+.3f}; {' to '.join(f'{end:+.3f}' for end in interval)})"


def told(value: Any) -> str:
    """A value of a JSON file as text."""
    if isinstance(value, list):
        return " to ".join(told(part) for part in value)
    return number(value) if isinstance(value, float) or value is None else str(value)
