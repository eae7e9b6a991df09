"""The verdict, and what must not have been lost for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from results_folder import POLICIES, document, mean_of, tests
from results_repeats import repeats
from results_text import DASH, missing, number, percent, relative_interval, section, table, verdict

GAINS = {"bleu@1": 0.20, "bleu@2": 0.37, "dist@1": 0.25, "reward/empathy": 0.20, "reward/recommendation": 0.17}
"""Relative gains that the guide promises."""

PERPLEXITY_RISE = 0.25
LENGTH_BAND = 0.20
SLOT_BAND = 0.15


def reached(entry: dict[str, Any], wanted: float) -> bool:
    """Whether a metric rose by the wanted share, with an interval above 0."""
    return entry["relative"] is not None and entry["relative"] >= wanted and rose(entry)


def rose(entry: dict[str, Any]) -> bool:
    """Whether the interval of a metric's difference lies above 0."""
    return bool(entry["interval"]) and entry["interval"][0] > 0


def the_verdict(out: Path) -> str:
    """Which of the guide's gains were reached."""
    title, sides = "Verdict", tests(out)
    gap = missing([name for name in ("baseline", *POLICIES) if name not in sides])
    found = document(out / "comparison.json")
    if found is None or "metrics" not in found:
        return section(title, gap, missing(["comparison"]))
    metrics = found["metrics"]
    runs = found["b"]["runs"]
    known = [key for key in GAINS if key in metrics]
    won = [key for key in known if reached(metrics[key], GAINS[key])]
    told = ", ".join(f"`{key}`" for key in won) or "none"
    up = [key for key in known if rose(metrics[key])]
    count = (
        f"**{len(up)} of the guide's {len(GAINS)} metrics rose, with an interval above 0; {len(won)} by as much as the "
        f"guide promises**: {told}."
    )
    facts = (
        f"Each is over {found['turns']} turns of {found['dialogues']} dialogues of the {found['split']} split, pooled "
        f"over {len(runs)} seed{'s' * (len(runs) != 1)} of RL on one baseline, with paired "
        f"{found['confidence'] * 100:.0f} % intervals. A gain counts as reached if it is at least the guide's and its "
        "interval lies above 0."
    )
    return section(title, gap, count, facts, gains_table(metrics, runs), unmeasured(metrics), gate_status(out))


def unmeasured(metrics: dict[str, Any]) -> str:
    """Names the gains that the comparison has no row for."""
    lacking = [f"`{key}`" for key in GAINS if key not in metrics]
    return f"The comparison has no value of {', '.join(lacking)}." if lacking else ""


def gains_table(metrics: dict[str, Any], runs: list[dict[str, Any]]) -> str:
    """The five gains, pooled and by seed."""
    seeds = [f"seed {Path(run['folder']).name.removeprefix('policy-')}" for run in runs]
    rows = []
    for key, wanted in GAINS.items():
        if key not in metrics:
            continue
        entry = metrics[key]
        each = [percent(value / entry["a"] - 1) if entry["a"] else DASH for value in entry["runs_b"]]
        values = [number(entry["a"]), number(entry["b"]), percent(entry["relative"]), relative_interval(entry)]
        rows.append([f"`{key}`", percent(wanted), *values, *each, verdict(reached(entry, wanted))])
    return table(["metric", "guide", "baseline", "policy", "change", "interval", *seeds, "reached"], rows)


def gate_status(out: Path) -> str:
    """The exit status of `compare --require`."""
    path = out / "comparison.exit"
    if not path.exists():
        return missing(["compare --require"])
    status = path.read_text(encoding="utf-8").strip()
    meanings = {"0": "every gate holds", "4": "at least one gate does not hold"}
    meaning = meanings.get(status, "it failed")
    return f"`ecrctl compare --require …` with these five figures ended with **{status}**: {meaning}."


def held_out(out: Path) -> str:
    """Metrics outside the reward, and the bounds on what a gain may cost."""
    found = document(out / "comparison.json")
    if found is None or "metrics" not in found:
        return section("What must not be lost", bounds(out), repeats(out), missing(["comparison"]))
    rows = []
    for key, entry in found["metrics"].items():
        if not entry["in_reward"] and key not in {"perplexity", "self_bleu", "length", "item_ratio"}:
            values = [number(entry["a"]), own_interval(entry), number(entry["b"]), percent(entry["relative"])]
            rows.append([f"`{key}`", *values, relative_interval(entry), kept(entry)])
    head = ["metric", "baseline", "its interval", "policy", "change", "interval", "no worse"]
    said = (
        "Metrics that the reward does not pay for. Met: the policies' mean is not on the worse side of the baseline's "
        "own interval. A metric without an interval has only its difference, and is not judged."
    )
    return section("What must not be lost", bounds(out), repeats(out), said, table(head, rows))


def own_interval(entry: dict[str, Any]) -> str:
    """The interval of the baseline's value."""
    return DASH if entry["interval_a"] is None else " to ".join(number(end) for end in entry["interval_a"])


def kept(entry: dict[str, Any]) -> str:
    """Whether the policy is within the baseline's interval or on its better side."""
    if entry["interval_a"] is None or entry["higher_is_better"] is None:
        return "not judged"
    low, high = entry["interval_a"]
    return verdict(entry["b"] >= low if entry["higher_is_better"] else entry["b"] <= high)


def bounds(out: Path) -> str:
    """Perplexity, length, likeness of responses and slots, against their bounds."""
    sides = tests(out)
    trained = [sides[name] for name in POLICIES if name in sides]
    if "baseline" not in sides or not trained:
        return missing([name for name in ("baseline", *POLICIES) if name not in sides])
    base = sides["baseline"]
    length, slots = base.reference_length, base.reference_slots
    before, likeness = base.values.get("perplexity"), base.values.get("self_bleu")
    limits = {
        "perplexity": (0.0, None if before is None else before * (1 + PERPLEXITY_RISE)),
        "length": (length * (1 - LENGTH_BAND), length * (1 + LENGTH_BAND)),
        "self_bleu": (0.0, likeness),
        "item_ratio": (slots * (1 - SLOT_BAND), slots * (1 + SLOT_BAND)),
    }
    rows = []
    for key, (low, high) in limits.items():
        value = mean_of(trained, key)
        each = [number(side.values.get(key)) for side in trained]
        held = None if value is None or high is None else low <= value <= high
        allowed = DASH if high is None else f"{number(low)} to {number(high)}" if low else f"at most {number(high)}"
        rows.append([f"`{key}`", number(base.values.get(key)), number(value), *each, allowed, verdict(held)])
    head = ["metric", "baseline", "policies", *(name for name in POLICIES if name in sides), "allowed", "bound"]
    said = (
        f"Perplexity on the references may rise by {PERPLEXITY_RISE * 100:.0f} %; the length of responses stays within "
        f"{LENGTH_BAND * 100:.0f} % of the references' ({number(length)} words), slots a response within "
        f"{SLOT_BAND * 100:.0f} % of theirs ({number(slots)}), and self-BLEU is not above the baseline's."
    )
    return "\n\n".join([said, table(head, rows)])
