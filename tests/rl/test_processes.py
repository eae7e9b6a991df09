"""Two processes with the global batch of one end with the weights and tell the losses of one."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import spread_training
import torch
from safetensors.torch import load_file

HERE = Path(__file__).parent
NEAR = 1e-5


def free_port():
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        return place.getsockname()[1]


def environment(**more):
    """As torchrun gives it to each of its processes; none of the test's own."""
    paths = os.pathsep.join(str(path) for path in (HERE, HERE.parent, HERE.parents[1]))
    return {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1", **{k: str(v) for k, v in more.items()}}


def train_with_two(folder):
    port = free_port()
    started = [
        subprocess.Popen(
            [sys.executable, HERE / "spread_training.py", folder],
            env=environment(
                RANK=rank,
                LOCAL_RANK=rank,
                WORLD_SIZE=2,
                LOCAL_WORLD_SIZE=2,
                MASTER_ADDR="127.0.0.1",
                MASTER_PORT=port,
            ),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(2)
    ]
    for process in started:
        said, _ = process.communicate(timeout=240)
        assert process.returncode == 0, said


def test_two_processes_train_as_one(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    spread_training.main(one)
    train_with_two(two)
    weights, others = (load_file(folder / "weights.safetensors") for folder in (one, two))
    assert weights.keys() == others.keys()
    parts = {name.partition(".")[0] for name in weights}
    assert parts == {"critic", "trunk", "rloo", "sft"}
    for name, weight in weights.items():
        assert torch.allclose(weight, others[name], rtol=0, atol=NEAR), name
    events, told = (json.loads((folder / "events.json").read_text()) for folder in (one, two))
    for part in sorted(parts):
        assert [event[:2] for event in events[part]] == [event[:2] for event in told[part]]
        for (_, _, values), (_, _, other) in zip(events[part], told[part], strict=True):
            for key, value in values.items():
                assert other[key] == (pytest.approx(value, abs=NEAR, rel=NEAR) if isinstance(value, float) else value)


@pytest.mark.slow
def test_torchrun_does_the_whole_job_and_only_the_first_process_writes(tmp_path):
    started = subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2"),
            *("--master_port", str(free_port()), "-m", "--", "ecrctl"),
            *("run", "--smoke", "2", "--run", "two", "--json"),
        ],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert started.returncode == 0, started.stderr
    # One document on stdout, from one process.
    assert [stage["action"] for stage in json.loads(started.stdout)["stages"]] == ["run"] * 8
    run = tmp_path / "two"
    events = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    assert [event["stage"] for event in events if event["kind"] == "stage_finished"] == [
        *("data", "baseline", "judge", "critic", "rl", "evaluate", "compare", "report")
    ]
    steps = [event["step"] for event in events if event["kind"] == "step" and event["stage"] == "rl"]
    assert steps == [1, 2]
    assert json.loads((run / "run.json").read_text())["status"] == "done"
    assert not (run / ".lock").exists()
    folders = sorted(path.name for path in (run / "policy" / "checkpoints").iterdir())
    assert folders == ["step-000002"]
