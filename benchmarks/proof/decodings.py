"""The choice of a decoding, and the settings that follow from it."""

from __future__ import annotations

import choosing
from files import read, read_toml, write, write_toml
from steps import TEMPERATURES, Command, Place, decoding_name, decoding_settings


def choose(place: Place) -> None:
    """Writes which decoding it is, and the settings with it."""
    from ecr_engine.evaluation.store import read_evaluation

    table: dict[str, dict[str, float]] = {}
    references: list[str] = []
    for temperature in (None, *TEMPERATURES):
        result, rows = read_evaluation(place.out / "decoding" / decoding_name(temperature))
        table[decoding_name(temperature)] = {
            key: found.value for key, found in result.metrics.items() if found.value is not None
        }
        references = [row.sample.example.target for row in rows]
    cap = choosing.distinct_1(references)
    known = {name: {key: row[key] for key in choosing.METRICS} for name, row in table.items()}
    scores = choosing.scores(known, cap)
    drawn = [decoding_name(temperature) for temperature in TEMPERATURES]
    write(
        place.out / "decoding.json",
        {
            "chosen": choosing.best(known, cap),
            "drawn": max(drawn, key=lambda name: scores[name]),
            "criterion": choosing.CRITERION,
            "distinct@1 of the references": cap,
            "table": {name: {**row, "score": scores[name]} for name, row in table.items()},
        },
    )
    merge(place)


def temperature_of(place: Place, which: str) -> float | None:
    """The `chosen` decoding, or the best one that is `drawn`; None for greedy."""
    name = read(place.out / "decoding.json")[which]
    return next(t for t in (None, *TEMPERATURES) if decoding_name(t) == name)


def drawn_settings(place: Place) -> Command:
    """Flags of the best decoding that is drawn."""
    return decoding_settings(temperature_of(place, "drawn"))


def merge(place: Place) -> None:
    """Settings of the RL with the chosen decoding; its rollouts are drawn at that temperature, or at the best one."""
    tables = {**read_toml("base.toml"), **read_toml("policy.toml")}
    write_toml(place.out / "measure.toml", tables)
    if (place.out / "decoding.json").exists():
        chosen, drawn = temperature_of(place, "chosen"), temperature_of(place, "drawn")
        answers = {"decoding": "greedy"} if chosen is None else {"decoding": "sample", "temperature": chosen}
        rollouts = {**tables["ppo"], "temperature": drawn}
        write_toml(place.out / "policy.toml", {**tables, "ppo": rollouts, "evaluation": answers})


def cooler_decodings(place: Place) -> list[float | None]:
    """Those at lower temperatures than the chosen one; none before one is chosen."""
    if not (place.out / "decoding.json").exists():
        return []
    chosen = temperature_of(place, "chosen") or 0.0
    return [t for t in (None, *TEMPERATURES) if (t or 0.0) < chosen]


def prepare(place: Place) -> None:
    """Settings as the proof folder keeps them; those of the RL get their decoding once it is chosen."""
    place.out.mkdir(parents=True, exist_ok=True)
    write_toml(place.out / "base.toml", read_toml("base.toml"))
    merge(place)
