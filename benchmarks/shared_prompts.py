"""What computing a prompt once for its responses saves: measuring and training passes with and without a common prompt.

    python benchmarks/shared_prompts.py --model DIR

Both batches have the same lengths, and so the same number of response tokens; in one the responses of a group have one
prompt, in the other each has a prompt of its own. Takes turns between the two, and prints medians and their ratios.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch

from ecr_engine.models.adapters import Lora, attach
from ecr_engine.models.backbone import load_backbone
from ecr_engine.models.response import ResponseModel, TokenBatch, collate

GROUPS, SAMPLES = 4, 4
PROMPT, RESPONSE = 130, 13
LAYERS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


def batch(size: int, *, common: bool) -> TokenBatch:
    """Sixteen rows of equal lengths."""
    draw = random.Random(0)
    rows = [[draw.randrange(100, size) for _ in range(PROMPT)] for _ in range(GROUPS * SAMPLES)]
    prompts = [rows[row - row % SAMPLES] if common else rows[row] for row in range(len(rows))]
    answers = [[draw.randrange(100, size) for _ in range(RESPONSE)] for _ in rows]
    return collate(prompts, answers, 0)


def seconds(run: Callable[[], object]) -> float:
    """What a call takes."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="a Llama's folder, such as that of smollm2-135m")
    parser.add_argument("--times", type=int, default=7)
    given = parser.parse_args()
    model = load_backbone(str(given.model)).model
    attach(model, Lora(rank=16, alpha=32.0, dropout=0.0, targets=LAYERS), seed=0)
    wrapped = ResponseModel(model.eval())
    batches = {name: batch(model.config.vocab_size, common=name == "common") for name in ("apart", "common")}

    def measure(name: str) -> None:
        with torch.no_grad():
            wrapped(batches[name], temperature=0.7, with_entropy=True)

    def train(name: str) -> None:
        wrapped(batches[name], temperature=0.7).log_probs.sum().backward()

    taken: dict[str, list[float]] = {}
    with torch.autocast("cpu", dtype=torch.bfloat16):
        for _ in range(given.times + 1):
            for name in batches:
                for what in (measure, train):
                    taken.setdefault(f"{what.__name__}, {name}", []).append(seconds(lambda: what(name)))  # noqa: B023
    found = {key: median(values[1:]) for key, values in taken.items()}
    ratios = {f"{what}, ratio": found[f"{what}, apart"] / found[f"{what}, common"] for what in ("measure", "train")}
    print(json.dumps({**found, **ratios}, indent=1))


if __name__ == "__main__":
    main()
