"""Our PPO update and TRL's side by side: samples a second, seconds by phase, peak memory, and their ratios.

    python benchmarks/ppo_pairs.py --peer-python build/trl/bin/python

Runs them in turns, each as a process of its own on the same model, prompts, batch, response length and epochs, and
prints medians over the pairs. Prompts are contexts of the built-in sample corpus, or a JSON list of texts.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent
FIGURES = ("samples_per_s", "seconds", "rollout_s", "scoring_s", "update_s", "response_tokens", "peak_mib")
PROMPTS = 64
PROMPT_SEED = 1


def write_prompts(path: Path) -> None:
    """Contexts of the sample corpus, all that was said in one block."""
    from ecr_engine.data.process import process
    from ecr_engine.data.sample import write_sample
    from ecr_engine.data.schema import Split
    from ecr_engine.data.store import read_examples, split_path

    with tempfile.TemporaryDirectory() as folder:
        raw, done = Path(folder) / "raw", Path(folder) / "done"
        write_sample(raw, dialogues=60, movies=60, seed=PROMPT_SEED)
        process(raw, done, validation_share=0.1, test_share=0.1, skip_bad=False)
        examples = [row for row in read_examples(split_path(done, Split.TRAIN)) if row.context][:PROMPTS]
    texts = [f"[INST] {' '.join(turn.text for turn in example.context)} [/INST]" for example in examples]
    path.write_text(json.dumps(texts, ensure_ascii=False), encoding="utf-8")


def write_model(name: str, folder: Path) -> None:
    """The model with the engine's special tokens, as both are to load it."""
    from ecr_engine.models.backbone import load_backbone

    load_backbone(name).save(folder)


def run(command: Sequence[str]) -> dict[str, float]:
    """What one process printed last, as JSON.

    Raises:
        SystemExit: it failed.
    """
    environment = {**os.environ, "OMP_NUM_THREADS": str(os.cpu_count() or 1), "OMP_WAIT_POLICY": "PASSIVE"}
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=environment, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed with {done.returncode}")
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def show(runs: dict[str, list[dict[str, float]]]) -> None:
    """Medians by figure, and the ratios of the first side to the last."""
    names = list(runs)
    print(f"{'median':18}" + "".join(f"{name:>16}" for name in names))
    for key in FIGURES:
        medians = [statistics.median(row[key] for row in runs[name]) for name in names]
        print(f"{key:18}" + "".join(f"{value:16.2f}" for value in medians))
    if "trl" not in runs:
        return
    for name in names[:-1]:
        pairs = list(zip(runs[name], runs["trl"], strict=True))
        faster = [ours["samples_per_s"] / theirs["samples_per_s"] for ours, theirs in pairs]
        smaller = [theirs["peak_mib"] / ours["peak_mib"] for ours, theirs in pairs]
        print(
            f"{name}: {statistics.median(faster):.2f} times the samples a second ({min(faster):.2f} to "
            f"{max(faster):.2f}), 1/{statistics.median(smaller):.2f} of the peak memory "
            f"(1/{min(smaller):.2f} to 1/{max(smaller):.2f}), n {len(pairs)}"
        )


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default="smollm2-135m", help="a registered name or a folder")
    parser.add_argument("--prompts", type=Path, help="a JSON list of texts; by default of the sample corpus")
    parser.add_argument("--peer-python", type=Path, help="the interpreter that has trl; without it, ours alone")
    parser.add_argument("--precision", choices=("no", "bf16"), default="bf16")
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--updates", type=int, default=2)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--response", type=int, default=40)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--no-lora", action="store_true", help="leave out the row of the LoRA policy")
    parser.add_argument("--check", action="store_true", help="first compare with the plain implementation")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model, prompts = Path(folder) / "model", arguments.prompts or Path(folder) / "prompts.json"
        # In a process of its own: what loading takes is not to count.
        run([sys.executable, __file__, "--prepare", arguments.model, str(model)])
        if arguments.prompts is None:
            write_prompts(prompts)
        data = ["--model", str(model), "--prompts", str(prompts)]
        same = [
            word
            for key in ("precision", "batch", "response", "epochs", "updates")
            for word in (f"--{key}", str(getattr(arguments, key)))
        ]
        if arguments.check:
            subprocess.run([sys.executable, str(HERE / "ppo_check.py"), *data], check=True)
        sides = {"ours": [sys.executable, str(HERE / "ppo_once.py"), *data, *same]}
        if not arguments.no_lora:
            sides["ours, LoRA"] = [*sides["ours"], "--lora"]
        if arguments.peer_python is not None:
            sides["trl"] = [str(arguments.peer_python), str(HERE / "peers" / "trl_ppo.py"), *data, *same]
        runs: dict[str, list[dict[str, float]]] = {name: [] for name in sides}
        for pair in range(arguments.pairs):
            for name, command in sides.items():
                runs[name].append(run(command))
                print(f"pair {pair + 1}: {json.dumps(runs[name][-1])}", file=sys.stderr, flush=True)
        show(runs)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--prepare"]:
        write_model(sys.argv[2], Path(sys.argv[3]))
        print("{}")
    else:
        main()
