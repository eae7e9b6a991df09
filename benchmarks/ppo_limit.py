"""How fast this machine multiplies matrices, and how much of that a PPO update of a Llama uses.

    python benchmarks/ppo_limit.py --model DIR --tokens 1741 --response-tokens 640 --seconds 12

Products of the shapes that an epoch over so many tokens makes, in bfloat16 and float32; the best of several. The work
of an epoch is counted as this engine does it: forward, forward again, and two products for each in the backward pass,
for the layers and for the output layer. `--seconds` is what the epochs of an update took (`update_s`).
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch

PRODUCTS = 4
"""For each weight and token: forward, forward again, gradient of the input, gradient of the weight."""


def speed(rows: int, width: int, out: int, dtype: torch.dtype) -> float:
    """The best of ten products [rows, width] x [width, out], in floating-point operations a second."""
    left, right = torch.randn(rows, width, dtype=dtype), torch.randn(out, width, dtype=dtype)
    best = float("inf")
    for _ in range(10):
        started = time.perf_counter()
        torch.nn.functional.linear(left, right)
        best = min(best, time.perf_counter() - started)
    return 2 * rows * width * out / best


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--tokens", type=int, required=True, help="prompt and response tokens of the batch")
    parser.add_argument("--response-tokens", type=int, required=True)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--seconds", type=float, help="of the epochs of one update")
    arguments = parser.parse_args()
    torch.set_num_threads(os.cpu_count() or 1)
    config = json.loads((arguments.model / "config.json").read_text(encoding="utf-8"))
    hidden, wide, layers = config["hidden_size"], config["intermediate_size"], config["num_hidden_layers"]
    narrow = hidden * config["num_key_value_heads"] // config["num_attention_heads"]
    weights = layers * (2 * hidden * hidden + 2 * hidden * narrow + 3 * hidden * wide)
    head = hidden * config["vocab_size"]
    work = 2 * PRODUCTS * arguments.epochs * (weights * arguments.tokens + head * arguments.response_tokens)
    print(f"matrix products of an update: {work / 1e12:.2f} TFLOP")
    for dtype in (torch.bfloat16, torch.float32):
        limit = speed(arguments.tokens, hidden, wide, dtype)
        line = f"{dtype!s:16} {limit / 1e12:.2f} TFLOP/s: {work / limit:.1f} s at the limit"
        if arguments.seconds:
            line += f", {work / limit / arguments.seconds:.0%} of it used"
        print(line)


if __name__ == "__main__":
    main()
