"""`--reward NAME=WEIGHT` on the commands that reward responses."""

import json
import sys
import types
from textwrap import dedent

import pytest

from ecr_engine.errors import UsageError

POLITE = "courtesy.rewards:Politeness"


@pytest.fixture
def courtesy(tmp_path, monkeypatch):
    """A package in the working folder that is no part of the project."""
    monkeypatch.setattr(sys, "path", [place for place in sys.path if place])
    (tmp_path / "courtesy").mkdir()
    (tmp_path / "courtesy" / "__init__.py").touch()
    (tmp_path / "courtesy" / "rewards.py").write_text(
        dedent("""
            class Politeness:
                name, low, high, explanation = "politeness", 0.0, 1.0, "says please"

                def score(self, batch):
                    return [float("please" in one.response) for one in batch]
        """)
    )
    yield
    for name in ("courtesy", "courtesy.rewards"):
        sys.modules.pop(name, None)


def test_a_custom_component_is_a_row_of_the_breakdown(ecrctl, courtesy):
    finished = ecrctl(
        *("rl", "rewards", "--json", "--reward", f"{POLITE}=0.5", "--reward", "empathy=0"),
        *("--context", "hi", "--response", "yes please"),
    )
    assert finished.code == 0, finished.err
    rows = {row["component"]: row for row in json.loads(finished.out)["components"]}
    assert (rows[POLITE]["score"], rows[POLITE]["weight"]) == (1.0, 0.5)
    assert "empathy" not in rows


def test_the_plan_of_a_run_holds_the_weight(ecrctl, courtesy):
    finished = ecrctl("run", "--dry-run", "--json", "--reward", f"{POLITE}=0.5", "--reward", f"{POLITE}=0.75")
    assert finished.code == 0, finished.err
    assert json.loads(finished.out)["settings"]["rewards"][POLITE] == 0.75


@pytest.mark.parametrize(
    "command",
    [
        ("run", "--dry-run"),
        ("rl", "train", "--dry-run"),
        ("rl", "rewards", "--response", "a"),
    ],
)
@pytest.mark.parametrize(
    ("typed", "lines"),
    [
        (
            "politeness",
            (
                "'politeness' gives no reward component a weight",
                "--reward politeness",
                "write NAME=WEIGHT, such as --reward politeness=0.5",
            ),
        ),
        (
            "a.b:C=much",
            (
                "the weight of reward component 'a.b:C' is 'much', not a number",
                "--reward a.b:C=much",
                "--reward a.b:C=0.5",
            ),
        ),
        (
            "=0.5",
            (
                "'=0.5' gives no reward component a weight",
                "--reward =0.5",
                "write NAME=WEIGHT, such as --reward empathy=0.5",
            ),
        ),
        (
            "empathy=nan",
            (
                "the weight of reward component 'empathy' is 'nan', not a number",
                "--reward empathy=nan",
                "--reward empathy=0.5",
            ),
        ),
        (
            "empathy=-1",
            (
                "the weight of reward component 'empathy' is -1, and has to be 0 or more",
                "--reward empathy=-1",
                "--reward empathy=1, or 0 to switch it off",
            ),
        ),
        (
            "manners.rewards.Polite=2",
            (
                "'manners.rewards.Polite' is neither the name nor the import path of a reward component",
                "--reward manners.rewards.Polite=2",
                "write package.module:Class, such as --reward manners.rewards:Polite=2",
            ),
        ),
        (
            "a:b:c=1",
            (
                "'a:b:c' is neither the name nor the import path of a reward component",
                "--reward a:b:c=1",
                "write package.module:Class, such as --reward mypackage.rewards:Politeness=1",
            ),
        ),
    ],
)
def test_a_weight_or_a_name_that_can_not_be(ecrctl, command, typed, lines):
    finished = ecrctl(*command, "--reward", typed)
    what, at, fix = lines
    assert finished.code == 2
    assert finished.err.splitlines()[-3:] == [f"error: {what}", f"  at   {at}", f"  fix  {fix}"]


def test_an_evaluation_takes_it_too(ecrctl, courtesy, tmp_path, monkeypatch):
    """The engine's part is stood in for; it is given the settings with the weight."""
    from ecr_engine.runs.checkpoints import save_checkpoint
    from ecr_engine.runs.folder import RunFolder
    from ecr_engine.runs.record import RunRecord

    folder = RunFolder(tmp_path / "demo")
    folder.create()
    folder.resolved_config.write_text("[rewards]\nbleu = 0.25\n", encoding="utf-8")
    folder.write_record(RunRecord(("ecrctl", "run"), 0, None, {}, {}, None, (), started=1.0))

    def write(place):
        (place / "weights.json").write_text("[]", encoding="utf-8")

    save_checkpoint(folder.stage("policy"), 10, write, metrics={}, best=True, keep_last=2)
    asked = []

    def evaluate_checkpoint(checkpoint, turns, output, settings, **options):
        asked.append((settings.rewards, options["resources"].fitted))
        raise UsageError("enough")

    module = types.ModuleType("ecr_engine.pipeline.stages.evaluate")
    module.evaluate_checkpoint = evaluate_checkpoint
    monkeypatch.setitem(sys.modules, module.__name__, module)
    assert "enough" in ecrctl("eval", "run", "demo", "--reward", f"{POLITE}=0.5").err
    [(weights, fitted)] = asked
    assert (weights["bleu"], weights[POLITE]) == (0.25, 0.5)
    assert fitted.resolve() == folder.root.resolve() / "rewards"


def test_a_component_that_is_not_there_ends_a_run_before_its_first_stage(ecrctl, courtesy, tmp_path):
    finished = ecrctl("run", "--run", "out", "--smoke", "1", "--reward", "courtesy.rewards:Politness=0.5")
    assert finished.code == 2
    assert "module 'courtesy.rewards' has no 'Politness'" in finished.err
    assert not (tmp_path / "out").exists()


def test_an_unknown_name_is_told_with_the_flag(ecrctl):
    finished = ecrctl("rl", "train", "--dry-run", "--reward", "empthy=0.5")
    assert finished.code == 2
    assert "unknown setting 'rewards.empthy'" in finished.err
    assert "--reward empthy=0.5" in finished.err
