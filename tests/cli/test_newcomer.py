"""What a newcomer meets between a folder of dialogues and a report: each error says what to type, and that works."""

from __future__ import annotations

import shlex
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from ecr_engine.errors import DataError, EcrError
from ecr_engine.evaluation.store import EvaluationResult, failures
from ecr_engine.models.importing import _name_it
from ecr_engine.pipeline.partner import find_partner
from ecr_engine.runs.addresses import resolve_evaluation
from ecr_engine.runs.folder import RunFolder
from ecrctl.ui.comparison import _show_guide
from ecrctl.ui.parts import folded

BAD = '{"conversationId": "1", "messages": []\n'


@pytest.fixture
def bad_data(tmp_path) -> Path:
    folder = tmp_path / "my films"
    folder.mkdir()
    (folder / "train_data.jsonl").write_text(BAD, encoding="utf-8")
    return folder


@pytest.fixture
def a_run(tmp_path) -> RunFolder:
    """A run without any stage, in a folder whose name has a blank."""
    run = RunFolder(Path("runs/my run"))
    run.root.mkdir(parents=True)
    run.record.write_text("{}", encoding="utf-8")
    return run


def sealed(run: RunFolder, stage: str) -> None:
    """A checkpoint as far as its address goes."""
    whole = run.stage(stage) / "checkpoints" / "step-000001"
    whole.mkdir(parents=True)
    (whole / "manifest.json").write_text("{}", encoding="utf-8")


def fix_of(error: EcrError) -> str:
    return error.problems[0].fix


def test_a_misspelt_data_folder_gets_the_nearest_name(ecrctl, bad_data) -> None:
    ended = ecrctl("data", "validate", "my filns")
    assert ended.code == 3
    assert ended.err == ("error: the data source does not exist\n  at   my filns\n  fix  did you mean 'my films'?\n")


def test_a_data_folder_like_no_other(ecrctl, bad_data) -> None:
    assert ecrctl("data", "validate", "zzzz").err.endswith("  fix  give the folder of the raw dialogues\n")


@pytest.mark.parametrize("flag", [["--data", "my films"], ["--data=my films"]], ids=["apart", "together"])
def test_after_bad_data_a_look_at_the_run_names_the_command_that_lists_them(ecrctl, bad_data, flag) -> None:
    assert ecrctl("run", *flag, "--run", "runs/my run", "--quiet").code == 3
    typed = shlex.join(["ecrctl", "run", *flag, "--run", "runs/my run", "--quiet"])
    shown = ecrctl("runs", "show", "runs/my run").out.splitlines()[-1]
    assert shown == f"next  ecrctl data validate 'my films'; then {typed}"
    listed = ecrctl(*shlex.split(shown.removeprefix("next  ecrctl ").partition(";")[0]))
    assert listed.code == 3
    assert listed.err.splitlines()[1] == "  at   my films/train_data.jsonl:1"


def test_a_comparison_of_a_run_that_failed_early_says_where_to_look(ecrctl, bad_data) -> None:
    ecrctl("run", "--data", "my films", "--run", "runs/my run", "--quiet")
    ended = ecrctl("compare", "runs/my run")
    assert ended.code == 3
    fix = "nothing is trained in it yet; how it stands: ecrctl runs show 'runs/my run'"
    assert ended.err.splitlines()[-1] == f"  fix  {fix}"
    assert ecrctl("runs", "show", "runs/my run").code == 0


def test_an_evaluation_that_is_missing_is_made_of_what_is_trained(ecrctl, a_run) -> None:
    sealed(a_run, "baseline")
    with pytest.raises(DataError) as caught:
        resolve_evaluation("runs/my run:baseline")
    assert fix_of(caught.value) == "it has no evaluation: ecrctl eval run 'runs/my run:baseline'"


@pytest.mark.parametrize(
    ("typed", "example"),
    [
        (["profile", "create"], "ecrctl profile create warm --from empathy --set ppo.epochs=2"),
        (["runs", "show"], "ecrctl runs show runs/demo"),
        (["compare"], "ecrctl compare runs/demo"),
        (["chat", "runs/demo", "--zzzzzz"], "ecrctl chat runs/demo"),
    ],
    ids=["profile-create", "runs-show", "compare", "chat"],
)
def test_what_is_missing_or_unknown_is_answered_with_an_example(ecrctl, typed, example) -> None:
    ended = ecrctl(*typed)
    assert ended.code == 2
    name = " ".join(["ecrctl", *typed[: 1 if typed[0] in {"chat", "compare"} else 2]])
    assert ended.err.splitlines()[-1] == f"  fix  for example: {example}; all of it: {name} --help"


def test_a_created_profile_in_a_folder_with_a_blank_is_used_as_printed(ecrctl, tmp_path) -> None:
    (tmp_path / "my sets").mkdir()
    out = ecrctl("profile", "create", "my sets/warm.toml", "--set", "ppo.epochs=2").out.splitlines()
    assert out[-2].split(maxsplit=2)[2] == "ecrctl run --profile 'my sets/warm.toml'"
    shown = out[-1].removeprefix("beside the defaults").strip()
    assert shown == "ecrctl profile show 'my sets/warm.toml'"
    assert ecrctl(*shlex.split(shown)[1:]).code == 0


@pytest.mark.parametrize(
    ("typed", "fix"),
    [
        (["profile", "create", "no folder/warm.toml", "--set", "seed=1"], "mkdir -p 'no folder'"),
        (["profile", "create", "my sets.d/x.toml"], "mkdir -p 'my sets.d'"),
        (["profile", "create", "here it is/x.toml"], "ecrctl profile create 'here it is/x.toml' --set ppo.epochs=2"),
        (["runs", "show", "my run", "--ascending"], "ecrctl runs show 'my run' --samples --ascending …"),
        (["run", "--run", "here it is"], "name a new folder: --run 'here it is-2'; or empty this one"),
    ],
    ids=["mkdir", "mkdir-first", "profile-of-nothing", "samples", "full-folder"],
)
def test_paths_with_blanks_are_printed_as_one_types_them(ecrctl, tmp_path, typed, fix) -> None:
    (tmp_path / "here it is").mkdir()
    (tmp_path / "here it is" / "note").write_text("mine", encoding="utf-8")
    ended = ecrctl(*typed)
    assert ended.code == 2
    assert ended.err.splitlines()[-1] == f"  fix  {fix}"


def test_a_metric_that_failed_is_measured_again_as_printed() -> None:
    result = EvaluationResult(1, "policy", "c", "test", "", "", 2, {}, 0, {}, 1.0, {"bleu@1": "no words"})
    [problem] = failures(result, Path("runs/my run/evaluation/policy"))
    told = "the other metrics are written; to measure it again: "
    assert problem.fix == f"{told}ecrctl eval rescore 'runs/my run/evaluation/policy' --metric bleu@1"


def test_pickled_weights_are_named_as_one_types_them() -> None:
    fix = fix_of(_name_it(Path("my models/weights.pt")))
    typed = "ecrctl checkpoint import 'my models/weights.pt' --base 'my models' --allow-pickle"
    assert fix == f"name that file: {typed}"


def test_a_run_without_a_policy_is_trained_as_printed(ecrctl, a_run) -> None:
    with pytest.raises(DataError) as caught:
        find_partner("runs/my run")
    assert fix_of(caught.value) == "ecrctl rl train --run 'runs/my run'"


def test_a_run_with_a_baseline_is_talked_to_as_printed(ecrctl, a_run) -> None:
    sealed(a_run, "baseline")
    with pytest.raises(DataError) as caught:
        find_partner("runs/my run")
    talk = "talk to what there is: ecrctl chat 'runs/my run:baseline'"
    assert fix_of(caught.value) == f"{talk}; or train one: ecrctl rl train --run 'runs/my run'"


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("aaaa bbbb c", 10, ["aaaa bbbb", "c"]),
        ("aaaabbbbccc", 10, ["aaaabbbbcc", "c"]),
        ("aaaa bbbb cc dd", 9, ["aaaa bbbb", "cc dd"]),
    ],
    ids=["one-cell-too-wide", "a-word-one-cell-too-wide", "breaks-at-the-edge"],
)
def test_what_a_stage_came_to_folds_where_it_is_a_cell_too_wide(text, width, lines) -> None:
    assert folded(text, width) == lines


@pytest.mark.parametrize(("terminal", "count"), [(True, 2), (False, 1)], ids=["terminal", "file"])
def test_what_the_guide_expects_breaks_between_words_in_a_terminal(terminal, count) -> None:
    names = ("reward/empathy", "reward/recommendation", "bleu@1")
    metrics = {name: SimpleNamespace(metric=name, expected=0.2, relative=0.1) for name in names}
    out = StringIO()
    _show_guide(Console(file=out, width=80, force_terminal=terminal, no_color=True), SimpleNamespace(metrics=metrics))
    lines = [line.replace("\x1b[2m", "").replace("\x1b[0m", "").rstrip() for line in out.getvalue().splitlines()]
    told = ", ".join(f"{name} +20 % (got +10.0 %)" for name in names)
    assert len(lines) == count
    assert " ".join(lines) == f"the guide expects {told}"
