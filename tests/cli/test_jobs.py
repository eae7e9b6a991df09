"""The commands that start a job: what they ask of the engine, and what they print of its answer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from synthetic import comparison, whole_run

from ecr_engine.pipeline.job import STAGES, Job, JobResult, StageOutcome


@pytest.fixture
def asked(monkeypatch) -> list[tuple[Job, str]]:
    """Stands in for the engine's job: emits the synthetic events and returns a comparison."""
    found: list[tuple[Job, str]] = []

    def run_job(job: Job, *, until: str, listeners, stop) -> JobResult:
        found.append((job, until))
        for event in whole_run():
            for listener in listeners:
                listener(event)
        stages = STAGES[: STAGES.index(until) + 1]
        outcomes = tuple(StageOutcome(name, "skip" if name == "data" else "run", 61.0) for name in stages)
        return JobResult(job.folder, outcomes, comparison() if until == "report" else None)

    monkeypatch.setattr("ecr_engine.pipeline.job.run_job", run_job)
    return found


HEAD = ["metric", "baseline", "policy", "difference", "relative", "95", "%", "interval", "p"]
SHORT = [head.replace("difference", "change") for head in HEAD]
TABLE = [
    [*HEAD, "Holm", "effect", "won/tied/lost"],
    ["reward", "*", "0.5000", "0.7500", "+0.2500", "+50.0", "%", "+0.1250…+0.3750", "<0.001", "<0.001", "–", "–"],
    ["slot_f1", "0.2500", "0.2500", "0", "+0.0", "%", "-0.0625…+0.0625", "1.000", "1.000", "–", "–"],
    ["dist@2", "0", "1.500", "+1.500", "–", "–", "–", "–", "–", "–"],
    ["*", "the", "reward", "pays", "for", "it"],
    ["length:", "not", "compared,", "only", "one", "side", "has", "it"],
]


def test_run_ends_with_the_table_the_verdict_and_what_to_type_next(ecrctl, asked) -> None:
    finished = ecrctl("run", "--run", "runs/x", "--quiet")
    assert (finished.code, finished.err) == (0, "")
    lines = finished.out.splitlines()
    assert [line.split() for line in lines[:6]] == TABLE
    assert lines[7].startswith("Policy is better than baseline at the objective on 40 held-out test turns")
    assert [line.split() for line in lines[-3:]] == [
        ["report", "runs/x/report.html"],
        ["took", "8:08"],
        ["next", "ecrctl", "runs", "show", "runs/x"],
    ]


@pytest.mark.parametrize(
    ("columns", "head"),
    [
        # The widest cells are 8, 8, 6, 10, 8, 15, 6, 6, 6 and 13 wide; with gaps of 1 blank the first seven need 67,
        # eight 74, nine 81. "change" is over "+0.2500", so 3 less.
        (81, [*HEAD, "Holm", "effect"]),
        (80, [*SHORT, "Holm", "effect"]),
        (73, [*SHORT, "Holm"]),
        (67, HEAD),
        (66, SHORT),
        (63, HEAD[:-1]),
        (59, SHORT[:-1]),
        (50, ["metric", "baseline", "policy", "change", "95", "%", "interval"]),
        (40, ["metric", "baseline", "policy", "difference"]),
    ],
)
def test_a_narrow_table_first_shrinks_and_then_drops_whole_columns(ecrctl, asked, monkeypatch, columns, head) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = ecrctl("run", "--run", "runs/x", "--quiet").out.splitlines()
    assert lines[0].split() == head
    assert max(len(line.rstrip()) for line in lines[:4]) <= columns


def test_progress_goes_to_stderr_as_lines(ecrctl, asked) -> None:
    finished = ecrctl("run", "--run", "runs/x")
    assert finished.err.splitlines()[0] == "stage=data event=stage_skipped"
    assert "stage=rl event=step step=10/40 objective/reward=0.5000" in finished.err
    assert "stage=" not in finished.out


def test_json_is_one_document_on_stdout(ecrctl, asked) -> None:
    finished = ecrctl("run", "--run", "runs/x", "--json")
    document = json.loads(finished.out)
    assert document["run"] == "runs/x"
    assert document["comparison"]["metrics"]["reward"]["interval"] == [0.125, 0.375]
    assert document["stages"][0] == {"stage": "data", "action": "skip", "seconds": 61.0}


@pytest.mark.parametrize(
    ("words", "until"),
    [
        ("run", "report"),
        ("train baseline", "baseline"),
        ("train critic", "critic"),
        ("rl train", "rl"),
    ],
)
def test_what_is_asked_of_the_engine(ecrctl, asked, words, until) -> None:
    finished = ecrctl(*words.split(), "--run", "runs/x", "--data", "redial", "--smoke", "--limit", "30", "--quiet")
    assert finished.code == 0, finished.err
    [(job, last)] = asked
    assert (job.folder, job.source, job.smoke, job.limit, last) == (Path("runs/x"), Path("redial"), 2, 30, until)
    assert job.command[:2] == ("ecrctl", words.split()[0])


@pytest.mark.parametrize(
    ("arguments", "folder"),
    [([], "runs/demo"), (["--data", "some/where/redial/"], "runs/redial"), (["--run", "here"], "here")],
)
def test_the_run_folder_is_named_after_the_data(ecrctl, asked, arguments, folder) -> None:
    ecrctl("run", *arguments, "--quiet")
    assert asked[0][0].folder == Path(folder)


def test_a_single_stage_says_what_comes_next(ecrctl, asked) -> None:
    lines = ecrctl("train", "baseline", "--run", "runs/x", "--quiet").out.splitlines()
    assert [line.split() for line in lines] == [
        ["stage", "took"],
        ["data", "unchanged", "1:01"],
        ["baseline", "done", "1:01"],
        [],
        ["run", "runs/x"],
        ["next", "ecrctl", "train", "critic", "--run", "runs/x"],
    ]


@pytest.fixture
def trained(tmp_path) -> Path:
    """A run folder that has a policy."""
    folder = tmp_path / "runs" / "x"
    record(folder, "ecrctl", "run")
    (folder / "policy" / "checkpoints" / "step-000010").mkdir(parents=True)
    return folder


def test_a_stage_that_is_there_is_not_trained_over(ecrctl, asked, trained) -> None:
    finished = ecrctl("rl", "train", "--run", "runs/x")
    assert finished.code == 2
    assert finished.err == (
        "error: runs/x has this stage already\n"
        "  at   runs/x/policy/checkpoints\n"
        "  fix  go on with it: --resume auto; or start another: --run runs/x-2\n"
    )
    assert asked == []


@pytest.mark.parametrize("words", ["rl train --resume auto", "rl train --resume best", "run", "train baseline"])
def test_going_on_is_possible(ecrctl, asked, trained, words) -> None:
    assert ecrctl(*words.split(), "--run", "runs/x", "--quiet").code == 0
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("words", "start", "anyway"),
    [
        ("rl train --resume auto", "auto", False),
        ("rl train --resume last --resume-anyway", "last", True),
        ("train baseline --resume best", "best", False),
        ("train critic --resume runs/y:critic@step-000020", "runs/y:critic@step-000020", False),
        ("train baseline", None, False),
        ("run --resume-anyway", None, True),
    ],
)
def test_what_a_stage_goes_on_from(ecrctl, asked, trained, words, start, anyway) -> None:
    assert ecrctl(*words.split(), "--run", "runs/x", "--quiet").code == 0
    ((job, _),) = asked
    assert (job.wish and job.wish.start, job.anyway) == (start, anyway)


def record(folder: Path, *command: str) -> None:
    from ecr_engine.runs.folder import RunFolder
    from ecr_engine.runs.record import RunRecord

    folder.mkdir(parents=True)
    run = RunFolder(folder)
    run.resolved_config.write_text("[ppo]\nepochs = 9\n", encoding="utf-8")
    run.write_record(RunRecord(command, 0, None, {}, {}, None, (), started=1.0))


def test_a_stage_goes_on_with_the_settings_and_the_data_of_its_run(ecrctl, asked, tmp_path) -> None:
    record(tmp_path / "runs" / "x", "ecrctl", "run", "--data", "redial")
    ecrctl("rl", "train", "--run", "runs/x", "--quiet", "--set", "ppo.max_steps=3")
    job = asked[0][0]
    assert (job.resolved.settings.ppo.epochs, job.resolved.settings.ppo.max_steps) == (9, 3)
    assert job.source == Path("redial")
    assert job.command[-2:] == ("--data", "redial")


def test_a_profile_replaces_the_settings_of_the_run(ecrctl, asked, tmp_path) -> None:
    record(tmp_path / "runs" / "x", "ecrctl", "run", "--data=redial")
    ecrctl("rl", "train", "--run", "runs/x", "--quiet", "--profile", "conservative")
    assert asked[0][0].resolved.settings.ppo.epochs == 2
    assert asked[0][0].source == Path("redial")


def test_the_whole_job_is_told_everything_each_time(ecrctl, asked, tmp_path) -> None:
    record(tmp_path / "runs" / "x", "ecrctl", "run", "--data", "redial")
    ecrctl("run", "--run", "runs/x", "--quiet")
    job = asked[0][0]
    assert (job.resolved.settings.ppo.epochs, job.source) == (4, None)


def test_a_dry_run_shows_settings_origins_and_plan_and_runs_nothing(ecrctl, asked, tmp_path) -> None:
    finished = ecrctl("rl", "train", "--dry-run", "--ppo_clip_epsilon", "0.13", "--profile", "conservative")
    assert finished.code == 0, finished.err
    assert "clip_epsilon = 0.13                           # flag: --ppo-clip-epsilon\n" in finished.out
    assert any("conservative.toml:" in line for line in finished.out.splitlines() if line.startswith("epochs = 2"))
    plan = finished.out.partition("stage ")[2].splitlines()
    assert [line.split()[:2] for line in plan[1:]] == [
        ["data", "run"],
        ["baseline", "run"],
        ["judge", "run"],
        ["critic", "run"],
        ["rl", "run"],
    ]
    assert asked == []
    assert list(tmp_path.iterdir()) == []


def test_the_settings_of_a_dry_run_can_be_used_as_a_file(ecrctl, asked, tmp_path) -> None:
    shown = ecrctl("profile", "show", "aggressive", "--resolved", "--set", "ppo.epochs=3").out
    (tmp_path / "again.toml").write_text(shown, encoding="utf-8")
    settings = json.loads(ecrctl("run", "--dry-run", "--json", "--config", "again.toml").out)["settings"]
    assert (settings["ppo"]["epochs"], settings["ppo"]["clip_epsilon"]) == (3, 0.3)
