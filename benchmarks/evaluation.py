"""What measuring responses costs: every metric that needs no model, on 10,000 turns and one core.

    python benchmarks/evaluation.py                     responses as long as ReDial's, 14 words
    python benchmarks/evaluation.py --words 40          long ones

Times are CPU times. The first column is each metric by itself after those above it, which have already cut the texts
into words and recognised the emotions that it shares with them. The lexical metrics are all but those of empathy and
emotion, whose rules look for phrases; both sums are printed, and `measure` with intervals as a whole.
"""

from __future__ import annotations

import argparse
import os
import random
import time
from collections.abc import Sequence

os.environ.setdefault("OMP_NUM_THREADS", "1")

from rewards import PARTS

from ecr_engine.data.schema import Example, Item, Role, Sample, Turn
from ecr_engine.evaluation.corpus import Corpus
from ecr_engine.evaluation.measure import measure
from ecr_engine.evaluation.metric import DEFAULT, Family, select
from ecr_engine.rewards.resources import Resources

TURNS = 10_000
PER_DIALOGUE = 5
WORDS = 14
LIMIT_S = 8.0


def text(rng: random.Random, words: int) -> str:
    """A text of about `words` words; some of them are its own, as in real talk."""
    said = ". ".join(rng.sample(PARTS, 1 + words // 8)).split()[:words]
    said[rng.randrange(len(said))] = f"w{rng.randrange(4000)}"
    return " ".join(said) + "."


def samples(words: int, seed: int = 0) -> list[Sample]:
    """Responses to three turns of context, with references and movies."""
    rng = random.Random(seed)
    made = []
    for number in range(TURNS):
        said = [text(rng, 12) for _ in range(3)]
        roles = (Role.SEEKER, Role.RECOMMENDER, Role.SEEKER)
        context = tuple(Turn(role, one, one) for role, one in zip(roles, said, strict=True))
        items = (Item(str(number % 500), f"Movie Number {number % 500} (1999)"),)
        dialogue = str(number // PER_DIALOGUE)
        example = Example(
            f"{dialogue}:{number}", dialogue, 3, context, text(rng, words), items, (), (), "benchmark", number + 1
        )
        made.append(Sample(example, text(rng, words), finished=True, tokens=words))
    return made


def by_metric(made: Sequence[Sample]) -> dict[str, tuple[Family, float]]:
    """Family and CPU seconds of each metric, by key."""
    corpus = Corpus(made)
    found = {}
    for metric in select([DEFAULT], Resources(), losses=False):
        started = time.process_time()
        metric.compute(corpus)
        found[metric.key] = (metric.family, time.process_time() - started)
    return found


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--words", type=int, default=WORDS, help="words of a response")
    words = parser.parse_args().words
    Corpus(samples(words)[:10])
    measure(samples(words)[:10])  # reads the word lists
    times = by_metric(samples(words))
    for key, (_, seconds) in times.items():
        if seconds >= 0.005:
            print(f"{key:28} {seconds:6.2f} s")
    lexical = sum(seconds for family, seconds in times.values() if family is not Family.EMPATHY)
    print(f"{'all lexical metrics':28} {lexical:6.2f} s for {TURNS:,} turns of {words} words (at most {LIMIT_S:g})")
    print(f"{'with empathy and emotion':28} {sum(seconds for _, seconds in times.values()):6.2f} s")
    started = time.process_time()
    measure(samples(words, seed=1))
    print(f"{'measure, with intervals':28} {time.process_time() - started:6.2f} s (making the turns included)")


if __name__ == "__main__":
    main()
