"""How many responses a second a local judge scores, against the guide's way, in one run on the same model and turns.

The guide's way: one response at a time, generate 64 tokens, parse them as JSON. Ours: mean ratings read off in batches
that share what they can. Both score four dimensions. The slow way is timed on fewer turns, which are a part of the
others; they are spread over all lengths.

    python benchmarks/judge.py --model FOLDER --data PROCESSED              # 500 turns, 10 of them the guide's way
    python benchmarks/judge.py --model FOLDER --data PROCESSED --turns 64 --slow 3

Ends with code 4 unless ours scores at least 20 times as many responses a second and all of them.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from ecr_engine.config.sections.evaluation import JudgeSettings
from ecr_engine.data.schema import Sample
from ecr_engine.data.store import read_examples
from ecr_engine.errors import ExitCode
from ecr_engine.scoring.dimensions import DimensionSet, dimension_set
from ecr_engine.scoring.local.judge import LocalJudge
from ecr_engine.scoring.local.loading import LocalModel, load_local
from ecr_engine.scoring.wording import case_text

AT_LEAST = 20.0
NEW_TOKENS = 64


@dataclass(frozen=True)
class Timed:
    """How one way did."""

    rows: int
    valid: int
    seconds: float

    @property
    def rate(self) -> float:
        return self.rows / self.seconds

    @property
    def share(self) -> float:
        return self.valid / self.rows


def four_dimensions() -> DimensionSet:
    """The guide's dimensions but for the summary."""
    guide = dimension_set("guide")
    return replace(guide, dimensions=tuple(each for each in guide.dimensions if each.name != "overall"))


def ours(judge: LocalJudge, rows: Sequence[Sample]) -> Timed:
    start = time.perf_counter()
    found = list(judge.judge(rows))
    return Timed(len(rows), sum(each.failure is None for each in found), time.perf_counter() - start)


def guides_prompt(row: Sample, dimensions: DimensionSet) -> str:
    asked = "\n".join(f"- {each.title}: {each.definition}" for each in dimensions.dimensions)
    form = ", ".join(f'"{name}": 0.0' for name in dimensions.names)
    return (
        f"Score the recommender's response from 0.0 to 1.0 on each of these:\n{asked}\n\n"
        f"{case_text(row.example.context, [('', row.response)])}\n\nReply with JSON only: {{{form}}}"
    )


def is_valid(text: str, dimensions: DimensionSet) -> bool:
    """Whether a text holds a JSON object with a number in [0, 1] for each dimension."""
    start, end = text.find("{"), text.rfind("}")
    try:
        found = json.loads(text[start : end + 1])
    except ValueError:
        return False
    if not isinstance(found, dict):
        return False
    numbers = [found.get(name) for name in dimensions.names]
    return all(isinstance(each, int | float) and math.isfinite(each) and 0 <= each <= 1 for each in numbers)


def generate(local: LocalModel, prompt: str) -> str:
    tokenizer: Any = local.tokenizer
    if tokenizer.chat_template is not None:
        message = [{"role": "user", "content": prompt}]
        prompt = tokenizer.apply_chat_template(message, tokenize=False, add_generation_prompt=True)
    ids = tokenizer(prompt, return_tensors="pt", add_special_tokens=tokenizer.chat_template is None)
    ids = ids.to(local.model.device)
    with torch.no_grad():
        made = local.model.generate(**ids, max_new_tokens=NEW_TOKENS, do_sample=False, pad_token_id=local.pad)
    return str(tokenizer.decode(made[0, ids["input_ids"].shape[1] :], skip_special_tokens=True))


def guides_way(local: LocalModel, rows: Sequence[Sample], dimensions: DimensionSet) -> Timed:
    start = time.perf_counter()
    texts = [generate(local, guides_prompt(row, dimensions)) for row in rows]
    return Timed(len(rows), sum(is_valid(text, dimensions) for text in texts), time.perf_counter() - start)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="a folder, a registered model or a hub id")
    parser.add_argument("--data", type=Path, required=True, help="folder of processed data; its test split is judged")
    parser.add_argument("--turns", type=int, default=500)
    parser.add_argument("--slow", type=int, default=10, help="turns that are judged the guide's way")
    parser.add_argument("--batch-size", type=int, default=JudgeSettings().batch_size)
    parser.add_argument("--precision", choices=("auto", "no", "bf16", "fp16"), default="auto")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    arguments = parser.parse_args()

    examples = [each for each in read_examples(arguments.data / "test.jsonl") if each.target][: arguments.turns]
    rows = [Sample(each, each.target, finished=True, tokens=0) for each in examples]
    dimensions = four_dimensions()
    local = load_local(arguments.model, quantisation="none", precision=arguments.precision, device=arguments.device)
    judge = LocalJudge(local, dimensions, JudgeSettings(batch_size=arguments.batch_size))
    by_length = sorted(rows, key=lambda row: len(case_text(row.example.context, [("", row.response)])))
    step = len(by_length) / arguments.slow
    few = [by_length[int((place + 0.5) * step)] for place in range(arguments.slow)]

    ours(judge, few)
    generate(local, "warm up")
    # Half of the slow way before and half behind, so that a machine that is busy for a while slows both.
    middle = len(few) // 2
    before = guides_way(local, few[:middle], dimensions) if middle else Timed(0, 0, 0.0)
    fast = ours(judge, rows)
    behind = guides_way(local, few[middle:], dimensions)
    slow = Timed(len(few), before.valid + behind.valid, before.seconds + behind.seconds)

    print(f"{local.name} ({local.description}), {len(dimensions.names)} dimensions")
    for what, timed in (("ours", fast), ("the guide's way", slow)):
        print(f"{what:16} {timed.rows:5} rows  {timed.rate:8.3f} rows/s  valid {timed.share:6.1%}")
    ratio = fast.rate / slow.rate
    print(f"{'ratio':16} {ratio:8.1f}   (at least {AT_LEAST:.0f})")
    return ExitCode.DONE if ratio >= AT_LEAST and fast.share == 1.0 else ExitCode.GATE


if __name__ == "__main__":
    sys.exit(main())
