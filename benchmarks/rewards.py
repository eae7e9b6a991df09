"""What rewards cost: the lexical components, BLEU beside nltk's, and the share of a PPO update.

    python benchmarks/rewards.py                        the components and BLEU
    python benchmarks/rewards.py --run runs/demo        and the share of a PPO update with the run's models and weights

Times are CPU times of one core, the median of several runs. Each response is scored for the first time, with its
context and reference, and so are they: nothing is remembered from an earlier run.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

from ecr_engine.config.resolve import resolve
from ecr_engine.data.schema import Example, Role, Sample, Turn
from ecr_engine.data.words import words
from ecr_engine.errors import EcrError
from ecr_engine.rewards.component import COMPONENTS
from ecr_engine.rewards.components.bleu import bleu_2
from ecr_engine.rewards.composition import Composer
from ecr_engine.runs.folder import RunFolder

RESPONSES = 1000
WORDS = 40
TURN_WORDS = 12
RUNS = 5
LIMIT_S = 0.5

LEXICAL = (
    *("bleu", "distinct", "emotion_alignment", "empathy", "format", "length", "recommendation", "repetition"),
    "safety",
)
"""The components that need no model, no judge and nothing fitted."""

PARTS = (
    "I am so sorry to hear that you had a rough week",
    "if you like scary movies you might enjoy <movie>",
    "it has a great cast and the music is lovely too",
    "did you see it with your friends last year",
    "what kind of comedies do you usually watch at home",
    "my favorite from that time is <movie> with Tom Hanks",
    "I hope that you like it as much as we do",
    "my brother thinks that the second one is even better",
    "that sounds like a lot of fun for a rainy day",
    "I have not seen that one yet but I heard good things",
    "there is a western about two brothers and a train robbery",
    "she plays a detective who never sleeps in that thriller",
    "everyone at work keeps talking about this new documentary",
    "we laughed so hard that our neighbours came to the door",
    "would something animated be fine with your little daughter",
    "you are right, nobody makes musicals like those any more",
    "thanks for telling me, glad to help with the long weekend",
    "maybe start with <movie> because its ending will surprise you",
    "an old classic from Japan might suit your mood tonight",
    "zombies, robots and pirates all show up before the credits",
)


def texts(count: int, seed: int, length: int = WORDS, parts: Sequence[str] = PARTS) -> list[str]:
    """Texts of `length` words that are all different."""
    rng = random.Random(seed)
    made = []
    for number in range(count):
        said = ". ".join(rng.sample(parts, 5)).split()
        made.append(" ".join([*said[: length - 1], f"w{seed}x{number}."]))
    return made


def batch(seed: int) -> list[Sample]:
    """Responses to annotated contexts of three turns, with references; no other seed has any of these texts."""
    turns = [texts(RESPONSES, 10 * seed + place, TURN_WORDS) for place in range(3)]
    # As with two people, of whom none copies the other: they share single words and few pairs.
    references, responses = (texts(RESPONSES, 10 * seed + place, WORDS, PARTS[place - 3 :: 2]) for place in (3, 4))
    samples = []
    for number, (said, reference, response) in enumerate(
        zip(zip(*turns, strict=True), references, responses, strict=True)
    ):
        roles = (Role.SEEKER, Role.RECOMMENDER, Role.SEEKER)
        context = tuple(Turn(role, text, text) for role, text in zip(roles, said, strict=True))
        example = Example(f"{number}:3", str(number), 3, context, reference, (), (), ("like",), "benchmark", number + 1)
        samples.append(Sample(example, response, finished=True, tokens=WORDS + 10))
    return samples


def cpu_seconds(call: Callable[[], object]) -> float:
    """CPU time of one call."""
    start = time.process_time()
    call()
    return time.process_time() - start


def lexical(names: Sequence[str]) -> float:
    """Median CPU seconds of scoring a fresh batch with components together."""
    composer = Composer(dict.fromkeys(names, 1.0))
    composer.score(batch(0)[:10])  # reads the word lists
    return statistics.median(cpu_seconds(partial(composer.score, batch(seed))) for seed in range(1, RUNS + 1))


def bleu_ratio() -> tuple[float, float, float]:
    """Microseconds of ours and of nltk's for one pair of word lists, and the greatest difference between them."""
    from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu

    smoothing = SmoothingFunction().method1
    pairs = [(words(one.example.target), words(one.response)) for one in batch(99)]

    def theirs(reference: list[str], response: list[str]) -> float:
        score: float = sentence_bleu([reference], response, weights=(0.5, 0.5), smoothing_function=smoothing)
        return score

    def per_pair(score: Callable[[list[str], list[str]], float]) -> float:
        times = [cpu_seconds(lambda: [score(*pair) for pair in pairs]) for _ in range(RUNS)]
        return statistics.median(times) / len(pairs) * 1e6

    apart = max(abs(bleu_2(*pair) - theirs(*pair)) for pair in pairs)
    return per_pair(bleu_2), per_pair(theirs), apart


def share_of_update(run: Path, updates: int) -> tuple[float, float]:
    """Median seconds of scoring, and of a whole PPO update that it is a part of.

    Raises:
        EcrError: the run has no settings, baseline or critic.
    """
    from ecr_engine.pipeline.stage import StageContext
    from ecr_engine.pipeline.stages.rl import make_trainer

    steps: list[float] = []

    def emit(stage: str, kind: str, step: int = 0, /, **values: Any) -> None:
        if kind == "step":
            steps.append(values["time/rollout_s"] + values["time/update_s"])

    def save(step: int, metrics: dict[str, float], is_best: bool, write: Callable[[Path], None]) -> None:
        """Nothing is kept."""

    folder = RunFolder(run)
    settings = resolve(config=folder.resolved_config, environ={}, sets=("ppo.critic_warmup_steps=0",)).settings
    trainer = make_trainer(StageContext(folder, settings, None, emit, resume=False), save)
    scoring: list[float] = []
    score = trainer.roller.score

    def timed(samples: Sequence[Sample]) -> Any:
        start = time.perf_counter()
        found = score(samples)
        scoring.append(time.perf_counter() - start)
        return found

    trainer.roller.score = timed
    for _ in range(updates + 1):
        trainer.train_step()
    return statistics.median(scoring[1:]), statistics.median(steps[1:])


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--run", type=Path, help="a run with a baseline and a critic")
    parser.add_argument("--updates", type=int, default=7)
    arguments = parser.parse_args()
    known = set(COMPONENTS.names())
    names = [name for name in LEXICAL if name in known]
    for name in names:
        print(f"{name:24} {lexical([name]):8.3f} s")
    print(
        f"{'all together':24} {lexical(names):8.3f} s for {RESPONSES:,} responses of {WORDS} words (at most {LIMIT_S})"
    )
    ours, theirs, apart = bleu_ratio()
    print(f"{'bleu':24} {ours:8.2f} us; nltk {theirs:.2f} us, {theirs / ours:.1f} times; they differ by {apart:.1e}")
    if arguments.run is not None:
        try:
            scoring, update = share_of_update(arguments.run, arguments.updates)
        except EcrError as error:
            sys.exit(f"{error}: make demo first, or name a run with --run")
        print(f"{'share of a PPO update':24} {scoring / update:8.2%}   ({scoring:.3f} of {update:.2f} s)")


if __name__ == "__main__":
    main()
