"""The steps of the proof as data: what each runs, in order. Nothing here computes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Command = tuple[str, ...]
"""Arguments of `ecrctl`, or of Python where it begins with the path of a script."""

SEEDS = (0, 1, 2)
TEMPERATURES = (0.3, 0.5, 0.7, 1.0)
PROFILES = ("balanced", "conservative", "aggressive", "empathy", "recommendation")
BEST_OF = 4
JUDGED_TURNS = 300
JUDGE = "smollm2-135m"
GATES = (
    "bleu@1>=+20%",
    "bleu@2>=+37%",
    "dist@1>=+25%",
    "reward/empathy>=+20%",
    "reward/recommendation>=+17%",
    "bleu@1.interval.low>0",
    "bleu@2.interval.low>0",
    "dist@1.interval.low>0",
    "reward/empathy.interval.low>0",
    "reward/recommendation.interval.low>0",
)
"""The guide's five figures, each with an interval above 0."""

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Place:
    """Where things are.

    Attributes:
        out: the proof folder.
        redial: raw ReDial.
        goemotions: raw GoEmotions.
    """

    out: Path
    redial: Path
    goemotions: Path

    def at(self, *parts: str) -> str:
        """A path in the proof folder."""
        return str(self.out.joinpath(*parts))


@dataclass(frozen=True, slots=True)
class Step:
    """One step: finished, it is not run again unless its commands, its settings or a step that it needs change.

    Attributes:
        name: of the step, and of its log.
        commands: what is run, given the place, when the step begins.
        before: what is made ready first, such as a copy of a run; it may be called again after a kill.
        after: what is read out of the results, such as a choice.
        needs: names of steps whose results it uses.
        settings: files of the proof folder that it depends on.
        makes: folders that are put aside before it is run anew with other settings.
        looks: what of the test split is looked at; empty for nothing.
        may_end_with: exit statuses that are results.
    """

    name: str
    commands: Callable[[Place], list[Command]]
    before: Callable[[Place], None] = lambda _: None
    after: Callable[[Place], None] = lambda _: None
    needs: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    makes: tuple[str, ...] = ()
    looks: str = ""
    may_end_with: tuple[int, ...] = (0,)


def decoding_name(temperature: float | None) -> str:
    """`greedy`, or `t0.7`."""
    return "greedy" if temperature is None else f"t{temperature}"


def decoding_settings(temperature: float | None) -> Command:
    """The flags that set a decoding."""
    if temperature is None:
        return ("--set", "evaluation.decoding=greedy")
    return ("--set", "evaluation.decoding=sample", "--set", f"evaluation.temperature={temperature}")


def train_baseline(place: Place) -> list[Command]:
    data = ("--data", str(place.redial), "--config", place.at("base.toml"), "--resume", "auto")
    return [("train", "baseline", "--run", place.at("base"), *data)]


def decode_valid(checkpoint: str, prefix: str = "") -> Callable[[Place], list[Command]]:
    """A side's answers to the validation split by each decoding, measured by the weights of the RL."""

    def commands(place: Place) -> list[Command]:
        shared = ("--split", "valid", "--config", place.at("measure.toml"))
        return [
            (
                *("eval", "run", place.at(checkpoint), *shared, *decoding_settings(temperature)),
                *("--output-dir", place.at("decoding", prefix + decoding_name(temperature))),
            )
            for temperature in (None, *TEMPERATURES)
        ]

    return commands


def train_policy(seed: int) -> Callable[[Place], list[Command]]:
    def commands(place: Place) -> list[Command]:
        run = place.at(f"policy-{seed}")
        shared = ("--data", str(place.redial), "--config", place.at("policy.toml"), "--resume", "auto")
        return [("rl", "train", "--run", run, *shared, "--set", f"ppo.seed={seed}")]

    return commands


def train_longer(steps: Callable[[Place], int]) -> Callable[[Place], list[Command]]:
    """The baseline trained on, for the seconds that RL took, without an early end."""

    def commands(place: Place) -> list[Command]:
        shared = ("--data", str(place.redial), "--config", place.at("base.toml"), "--resume", "auto")
        longer = (f"baseline.max_steps={steps(place)}", "baseline.epochs=1000", "baseline.patience=1000")
        return [
            (
                *("train", "baseline", "--run", place.at("longer"), "--backbone", place.at("merged"), *shared),
                *(part for setting in longer for part in ("--set", setting)),
            )
        ]

    return commands


def export_baseline(place: Place) -> list[Command]:
    return [("checkpoint", "export", place.at("base") + ":baseline", "--output", place.at("merged"))]


def evaluate(name: str, checkpoint: str, *extra: str) -> Callable[[Place], list[Command]]:
    """A side's answers to the test split, with the chosen decoding unless `extra` says otherwise."""

    def commands(place: Place) -> list[Command]:
        shared = ("--split", "test", "--perplexity", "--config", place.at("policy.toml"), *extra)
        return [("eval", "run", place.at(checkpoint), *shared, "--name", name, "--output-dir", place.at("test", name))]

    return commands


def answer_again(sampled: Callable[[Place], Command]) -> Callable[[Place], list[Command]]:
    """Further answers of the baseline to the test split, to choose from: drawn, also where the decoding is greedy."""

    def commands(place: Place) -> list[Command]:
        answers: list[Command] = [
            (
                *("eval", "generate", place.at("base") + ":baseline", "--split", "test", "--seed", str(seed + 1)),
                *("--config", place.at("policy.toml"), *sampled(place), "--name", f"answers-{seed}"),
                *("--output-dir", place.at("answers", str(seed))),
            )
            for seed in range(BEST_OF)
        ]
        return [*answers, (str(HERE / "best_of.py"), str(place.out))]

    return commands


def train_outside(place: Place) -> list[Command]:
    """A recogniser of emotions that was in no reward."""
    data = ("--data", str(place.goemotions), "--encoder", "minilm-l6")
    return [("train", "emotion", *data, "--output", place.at("emotion"))]


def measure_outside(sides: tuple[str, ...]) -> Callable[[Place], list[Command]]:
    """All sides by the outside recogniser, and by a judge that is another model."""

    def commands(place: Place) -> list[Command]:
        recognised: list[Command] = [
            (
                *("eval", "rescore", place.at("test", side), "--metric", "emotion_*"),
                *("--set", f"emotion.recogniser={place.at('emotion')}", "--output-dir", place.at("outside", side)),
            )
            for side in sides
        ]
        judged: list[Command] = [
            (
                *("eval", "judge", place.at("test", side), "--judge", JUDGE, "--limit", str(JUDGED_TURNS)),
                *("--output-dir", place.at("judged", side)),
            )
            for side in sides
        ]
        return [*recognised, *judged]

    return commands


def policies(place: Place, folder: str = "test") -> str:
    """The three seeds as one side of a comparison."""
    return "+".join(place.at(folder, f"policy-{seed}") for seed in SEEDS)


def compare_with(control: str, folder: str = "test") -> Callable[[Place], list[Command]]:
    """A control as the side that the policies are compared with, whatever its decoding."""

    def commands(place: Place) -> list[Command]:
        return [("compare", place.at(folder, control), policies(place, folder), "--force", "--json")]

    return commands


def compare_sides(place: Place) -> list[Command]:
    """The whole comparison, held against the guide's five figures."""
    gates = tuple(part for gate in GATES for part in ("--require", gate))
    return [("compare", place.at("test", "baseline"), policies(place), *gates, "--json")]


def measure_hits(place: Place) -> list[Command]:
    return [(str(HERE / "hits.py"), str(place.out))]


def train_critic(run: str, *settings: str) -> Callable[[Place], list[Command]]:
    """What a policy starts from beside the baseline; once, before the run is copied for each seed."""

    def commands(place: Place) -> list[Command]:
        configured = settings or ("--config", place.at("policy.toml"))
        return [
            ("train", "critic", "--run", place.at(run), "--data", str(place.redial), *configured, "--resume", "auto")
        ]

    return commands


def train_profile(profile: str, seed: int) -> Callable[[Place], list[Command]]:
    def commands(place: Place) -> list[Command]:
        run = place.at("profiles", f"{profile}-{seed}")
        settings = ("--profile", "balanced", "--profile", profile, "--set", f"ppo.seed={seed}")
        # All by the same weights, or their rewards could not be compared.
        measure = ("--profile", "balanced")
        answers = place.at("profiles", f"{profile}-{seed}-valid")
        return [
            ("rl", "train", "--run", run, "--data", str(place.redial), *settings, "--resume", "auto"),
            ("eval", "run", run + ":policy@latest", "--split", "valid", "--output-dir", answers, *measure),
        ]

    return commands


def verify_and_chat(place: Place) -> list[Command]:
    """The trained adapter's checkpoint holds, and talks."""
    run = place.at("policy-0")
    return [
        ("checkpoint", "verify", run, "--deep"),
        ("chat", run, "--script", str(HERE / "hello.txt")),
    ]
