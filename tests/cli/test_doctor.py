"""`doctor`: what it says of machines that lack this or that, and of this one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ecr_engine.models import doctor
from ecr_engine.models.doctor import State


def test_an_old_python() -> None:
    finding = doctor.python((3, 10, 4))
    assert (finding.state, finding.what, finding.fix) == (
        State.MISSING, "3.10.4 is too old", "install Python 3.11 or newer"
    )  # fmt: skip


@pytest.mark.parametrize(("version", "state"), [("2.9.1+cpu", State.MISSING), ("2.10.0", State.OK), ("3.0", State.OK)])
def test_versions_of_torch(version, state) -> None:
    assert doctor.torch_version(version).state == state


def test_packages_that_are_not_there() -> None:
    finding = doctor.packages(lambda name: None if name in {"peft", "wandb"} else "1.0")
    assert (finding.state, finding.what, finding.fix) == (
        State.MISSING, "not installed: peft, wandb", "pip install peft wandb"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("flags", "cuda", "what", "state"),
    [
        ({"avx512f", "avx512_bf16", "amx_bf16"}, False, "AMX with bf16", State.OK),
        ({"avx2", "avx512f", "avx512_bf16"}, False, "AVX-512 with bf16", State.OK),
        ({"avx2"}, False, "AVX2, without bf16", State.ADVICE),
        ({"avx2"}, True, "AVX2", State.OK),
    ],
)
def test_processors(flags, cuda, what, state) -> None:
    finding = doctor.processor(frozenset(flags), cuda)
    assert (finding.state, finding.what.partition(":")[0]) == (state, what)


def test_a_disk_that_is_nearly_full() -> None:
    finding = doctor.disk("disk", Path("/runs"), 3 * 2**29)
    assert (finding.state, finding.what) == (State.ADVICE, "1.5 GiB free in /runs")
    assert finding.fix == "free some space, or: ecrctl checkpoint prune RUN"


def test_more_threads_than_cores() -> None:
    assert doctor.threads(8, 2).fix == "export OMP_NUM_THREADS=2"
    assert doctor.threads(2, 2).state is State.OK


def test_this_machine_has_what_is_needed(ecrctl, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("ECR_MODEL_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("WANDB_API_KEY", "secret-secret-secret-secret")
    shown = ecrctl("doctor")
    assert (shown.code, shown.err) == (0, "")
    assert "ecrctl model pull smollm2-135m" in shown.out
    assert "secret-secret" not in shown.out
    document = json.loads(ecrctl("doctor", "--json").out)
    assert document["ok"] is True
    states = {finding["name"]: finding["state"] for finding in document["findings"]}
    assert (states["python"], states["torch"], states["wandb"], states["model store"]) == ("ok", "ok", "ok", "advice")


def test_what_is_needed_and_missing_is_exit_code_5(ecrctl, monkeypatch) -> None:
    monkeypatch.setattr("ecr_engine.models.doctor.NEEDED", ("torch", "no-such-package"))
    shown = ecrctl("doctor")
    assert shown.code == 5
    assert shown.err == (
        "error: this machine lacks what the product needs: packages\n"
        "  at   ecrctl doctor\n"
        "  fix  pip install no-such-package\n"
    )


def test_nothing_heavy_is_imported_before_it_runs() -> None:
    code = "import sys, ecr_engine.models.doctor; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
