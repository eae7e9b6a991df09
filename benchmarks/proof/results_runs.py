"""Dialogues, profiles, and what was run, on what, for how long."""

from __future__ import annotations

import datetime
import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from results_folder import document
from results_text import missing, number, section, table
from steps import PROFILES, SEEDS

PROMISES = {
    "empathy": ("empathy", max, "raises empathy most"),
    "recommendation": ("recommendation", max, "raises recommendations most"),
    "conservative": ("kl", min, "drifts least (KL)"),
    "aggressive": ("early_gain", max, "learns fastest (gain of the first third of the updates)"),
}
"""What the name of a profile says: the column, which end of it, in words."""

GROUPS = {"improved": "Most improved", "harmed": "Most harmed", "random": "Drawn at random"}


def dialogues(out: Path) -> str:
    """Turns that improved most, were harmed most, and random ones, of seed 0."""
    found = document(out / "comparison.json")
    if found is None or "dialogues_improved" not in found:
        return section("Dialogues, good and bad", missing(["comparison"]))
    parts = ["By the reward, of the first seed; the whole context of a turn is shown."]
    for key, title in GROUPS.items():
        turns = found[f"dialogues_{key}"]
        parts += [f"### {title}", *(turn_shown(turn) for turn in turns)]
    return section("Dialogues, good and bad", *parts)


def turn_shown(turn: dict[str, Any]) -> str:
    """One turn as a quotation."""
    rewards = f"reward {turn['reward_a']:.3f} → {turn['reward_b']:.3f}"
    said = [f"{part['role']}: {plain(part['text'])}" for part in turn["context"]]
    answers = [
        f"**reference**: {plain(turn['reference'])}",
        f"**baseline**: {plain(turn['a'])}",
        f"**policy**: {plain(turn['b'])}",
    ]
    body = "\n".join(f"> {line}  " for line in (said or ["(the dialogue begins here)"]) + answers)
    return f"{turn['example_id']}, {rewards}\n\n{body}"


def plain(text: str) -> str:
    """A text on one line that Markdown leaves as it is."""
    line = " ".join(text.split())
    for mark in ("\\", "<", "*", "_", "`", "["):
        line = line.replace(mark, f"\\{mark}")
    return line


def profiles(out: Path) -> str:
    """Whether each profile does what its name says."""
    rows = document(out / "profiles.json")
    if rows is None:
        return section("Profiles", missing(["profiles"]))
    keys = ("empathy", "recommendation", "kl", "early_gain")
    shown = [[row["profile"], str(row["seed"]), *(number(row[key]) for key in keys)] for row in rows]
    there = {(row["profile"], row["seed"]) for row in rows}
    gap = missing([f"{name}-{seed}" for name in PROFILES for seed in SEEDS if (name, seed) not in there])
    means = profile_means(rows, keys)
    sentences = [f"- {promise_kept(name, means)}" for name in PROFILES]
    said = "With the tiny backbone, on validation turns, all measured by the same weights."
    head = ["profile", "seed", "empathy", "recommendation", "KL", "early gain"]
    return section("Profiles", said, gap, table(head, shown), "By the means over seeds:", "\n".join(sentences))


def profile_means(rows: Sequence[Mapping[str, Any]], keys: Sequence[str]) -> dict[str, dict[str, float]]:
    """Means over seeds, by profile and column."""
    names = dict.fromkeys(row["profile"] for row in rows)
    return {
        name: {key: statistics.fmean(row[key] for row in rows if row["profile"] == name) for key in keys}
        for name in names
    }


def promise_kept(profile: str, means: Mapping[str, Mapping[str, float]]) -> str:
    """A sentence on whether a profile does what it is called for."""
    if profile not in means:
        return f"`{profile}` has not been run yet."
    if profile not in PROMISES:
        return f"`{profile}` promises no extreme; the others are held against it."
    key, end, words = PROMISES[profile]
    first = end(means, key=lambda name: means[name][key])
    mine = number(means[profile][key])
    if first == profile:
        rest = {name: row for name, row in means.items() if name != profile}
        if not rest:
            return f"`{profile}`: no other profile to hold it against yet."
        second = end(rest, key=lambda name: rest[name][key])
        return f"`{profile}` {words}: {mine}; next is `{second}` with {number(rest[second][key])}."
    return f"`{profile}` does **not** do what its name says ({words}): {mine}, `{first}` {number(means[first][key])}."


def what_was_run(out: Path) -> str:
    """Settings, hardware, hours, commands and looks at the test split."""
    return "\n\n".join(
        [
            section("What was run", "### Settings", settings(out), "### Hardware", hardware()),
            "### Hours",
            hours(out),
            "### Looks at the test split",
            looks(out),
            "### Commands",
            commands(out),
        ]
    )


def settings(out: Path) -> str:
    """The merged settings of the RL."""
    path = out / "policy.toml"
    return f"```toml\n{path.read_text(encoding='utf-8').strip()}\n```" if path.exists() else missing(["policy.toml"])


def hardware() -> str:
    """The machine that this page is written on, without its name."""
    facts = [f"{os.cpu_count()} cores ({processor()})"]
    memory = [line.split()[1] for line in lines_of(Path("/proc/meminfo")) if line.startswith("MemTotal")]
    facts += [f"{int(kib) / 2**20:.0f} GiB of memory" for kib in memory]
    boards = sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))
    names = [line.partition(":")[2].strip() for path in boards for line in lines_of(path) if line.startswith("Model")]
    facts.append(", ".join(names) or "no GPU")
    system = f"{platform.system()}, Python {platform.python_version()}"
    return f"The machine on which this page was written: {', '.join(facts)}; {system}."


def processor() -> str:
    """The processor's model, or its kind where the system does not tell."""
    models = [line for line in lines_of(Path("/proc/cpuinfo")) if line.startswith("model name")]
    return models[0].partition(":")[2].strip() if models else platform.machine()


def lines_of(path: Path) -> list[str]:
    """The lines of a file; none if it is not there."""
    return path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []


def hours(out: Path) -> str:
    """What each step took, and how much of it was the machine's where several ran at once."""
    times = document(out / "times.json")
    if not times:
        return missing(["times.json"])
    spent = {name: (mark["seconds"], mark.get("machine_seconds", mark["seconds"])) for name, mark in times.items()}
    rows = [
        [name, *(f"{seconds / 3600:.2f}" for seconds in spent[name]), str(mark.get("finished") or "not finished")]
        for name, mark in times.items()
    ]
    total = sum(of_machine for _, of_machine in spent.values()) / 3600
    shown = table(["step", "hours", "hours of the machine", "finished"], [*rows, ["**all**", "", f"{total:.2f}", ""]])
    said = "Of two steps that ran at once, each had half of the cores, and half of its time is the machine's."
    return f"{said}\n\n{shown}"


def looks(out: Path) -> str:
    """How often the test split was looked at, and for what."""
    found: list[dict[str, str]] | None = document(out / "looks.json")
    if not found:
        return missing(["any step that looks at the test split"])
    days = [f"- {datetime.datetime.fromisoformat(look['when']):%Y-%m-%d %H:%M}: {look['what']}" for look in found]
    return f"{len(found)} look{'s' * (len(found) != 1)}:\n\n" + "\n".join(days)


def commands(out: Path) -> str:
    """The exact commands, in the order of the steps."""
    times = document(out / "times.json") or {}
    typed = [command for mark in times.values() for command in mark.get("commands", [])]
    return "```bash\n" + "\n".join(typed) + "\n```" if typed else missing(["any step"])
