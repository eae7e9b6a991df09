"""The proof in order: which step needs which, and what each makes."""

from __future__ import annotations

import shutil
from functools import partial

from decodings import choose, cooler_decodings, drawn_settings
from measured import longer_steps, tabulate_profiles
from steps import (
    PROFILES,
    SEEDS,
    TEMPERATURES,
    Place,
    Step,
    answer_again,
    compare_sides,
    compare_with,
    decode_valid,
    decoding_name,
    decoding_settings,
    evaluate,
    export_baseline,
    measure_hits,
    measure_outside,
    train_baseline,
    train_critic,
    train_longer,
    train_outside,
    train_policy,
    train_profile,
    verify_and_chat,
)

GATES_UNMET = 4
"""The exit status of a comparison whose gates do not hold: a result."""


def copy_run(source: str, target: str, place: Place) -> None:
    """A run beside another, once."""
    if not (place.out / target).exists():
        half = place.out / f"{target}.half"
        shutil.rmtree(half, ignore_errors=True)
        shutil.copytree(place.out / source, half, symlinks=True)
        half.rename(place.out / target)


def all_steps(place: Place) -> list[Step]:
    """The proof, in order."""
    settings = ("policy.toml",)
    # The last update, not the best by validation: the reward of single responses can't see what diversity credits.
    trained = tuple(f"policy-{seed}" for seed in SEEDS)
    sides = ("baseline", *trained)
    cooler = cooler_decodings(place)
    cooled = tuple(f"baseline-{decoding_name(t)}" for t in cooler)
    measured = (*sides, "longer", "longer-last", *cooled)

    def policy(seed: int) -> Step:
        name = f"policy-{seed}"
        copied = partial(copy_run, "base", name)
        return Step(name, train_policy(seed), before=copied, needs=("critic",), settings=settings, makes=(name,))

    def test(name: str, checkpoint: str, needs: str, *extra: str) -> Step:
        made = (f"test/{name}",)
        commands = evaluate(name, checkpoint, *extra)
        return Step(f"test-{name}", commands, needs=(needs,), settings=settings, makes=made, looks=name)

    def compared(name: str, needs: str) -> Step:
        return Step(f"compare-{name}", compare_with(name), needs=(needs, "comparison"))

    return [
        Step("base", train_baseline, settings=("base.toml",), makes=("base",)),
        Step("decoding", decode_valid("base:baseline"), after=choose, needs=("base",), makes=("decoding",)),
        Step("critic", train_critic("base"), needs=("decoding",)),
        *(policy(seed) for seed in SEEDS),
        Step("merged", export_baseline, needs=("base",), makes=("merged",)),
        Step("longer", train_longer(longer_steps), needs=("merged", *trained), makes=("longer",)),
        test("baseline", "base:baseline", "decoding"),
        *(test(name, f"{name}:policy@latest", name) for name in trained),
        test("longer", "longer:baseline", "longer"),
        test("longer-last", "longer:baseline@latest", "longer"),
        *(test(f"baseline-{decoding_name(t)}", "base:baseline", "decoding", *decoding_settings(t)) for t in cooler),
        Step(
            "best-of",
            answer_again(drawn_settings),
            needs=("decoding",),
            settings=settings,
            makes=("answers", "test/best-of-4", "test/best-of-4-free"),
            looks="four more answers of the baseline",
        ),
        Step(
            "decoding-policy",
            decode_valid("policy-0:policy@latest", "policy-0-"),
            needs=("policy-0",),
            makes=tuple(f"decoding/policy-0-{decoding_name(t)}" for t in (None, *TEMPERATURES)),
        ),
        Step("outside", train_outside, makes=("emotion",)),
        Step(
            "measure-outside",
            measure_outside(sides),
            needs=("outside", *(f"test-{side}" for side in sides)),
            makes=("outside", "judged"),
        ),
        Step("hits", measure_hits, needs=("best-of", *(f"test-{name}" for name in measured))),
        Step(
            "comparison",
            compare_sides,
            needs=tuple(f"test-{side}" for side in sides),
            may_end_with=(0, GATES_UNMET),
        ),
        *(compared(name, f"test-{name}") for name in ("longer", "longer-last", *cooled)),
        *(compared(name, "best-of") for name in ("best-of-4", "best-of-4-free")),
        Step("compare-outside", compare_with("baseline", "outside"), needs=("measure-outside",)),
        Step("compare-judged", compare_with("baseline", "judged"), needs=("measure-outside",)),
        Step("verify", verify_and_chat, needs=("policy-0",)),
        *profile_steps(),
    ]


def profile_steps() -> list[Step]:
    """Each profile with each seed, on one baseline of the tiny backbone."""

    def profile(name: str, seed: int) -> Step:
        run = f"profiles/{name}-{seed}"
        copied = partial(copy_run, "tiny", run)
        made = (run, f"{run}-valid")
        return Step(f"profile-{name}-{seed}", train_profile(name, seed), before=copied, needs=("tiny",), makes=made)

    return [
        Step("tiny", train_critic("tiny", "--profile", "balanced"), makes=("tiny",)),
        *(profile(name, seed) for name in PROFILES for seed in SEEDS),
        Step(
            "profiles",
            lambda _: [],
            after=tabulate_profiles,
            needs=tuple(f"profile-{name}-{seed}" for name in PROFILES for seed in SEEDS),
        ),
    ]
