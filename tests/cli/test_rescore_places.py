"""`ecrctl eval rescore` away from the run: the corpus of the checkpoint's run, or a warning that there is none."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from ecr_engine.data.process import process
from ecr_engine.data.sample.writer import write_sample
from ecr_engine.data.schema import Example, Role, Sample, Turn
from ecr_engine.evaluation.store import SCHEMA, EvaluationResult, write_evaluation
from ecr_engine.runs.folder import RunFolder
from ecr_engine.runs.record import RunRecord

TEXTS = ("You should see <movie>!", "I'm sorry to hear that, I hope it gets better.")
MAIN_JOB = "policy/checkpoints/step-000010"
"""How the main job names the checkpoint of an evaluation."""


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    write_sample(folder / "raw", dialogues=60, movies=40, seed=0)
    process(folder / "raw", folder / "processed", validation_share=0.1, test_share=0.15, skip_bad=False)
    return folder / "processed"


@pytest.fixture
def demo(ecrctl, corpus) -> RunFolder:
    """The run `demo` with data, settings of its own and an evaluation."""
    run = RunFolder(Path("demo"))
    run.create()
    run.write_record(RunRecord(("ecrctl", "run"), 0, None, {}, {}, None, (), started=1.0))
    shutil.copytree(corpus, run.data, dirs_exist_ok=True)
    off = "".join(f"{name} = 0\n" for name in ("bleu", "distinct", "recommendation", "format"))
    run.resolved_config.write_text(f"[rewards]\nempathy = 2.0\nrelevance = 1.0\n{off}", encoding="utf-8")
    saved(run.evaluation("policy"), MAIN_JOB)
    return run


def saved(folder: Path, checkpoint: str) -> Path:
    """Two answers without metrics."""
    context = (Turn(Role.SEEKER, "I feel sad today", "I feel sad today"),)
    examples = [
        Example(f"{n}:1", str(n), 1, context, "I am sorry.", (), (), ("negative",), "test", n + 1) for n in (0, 1)
    ]
    samples = [Sample(example, text, finished=True, tokens=8) for example, text in zip(examples, TEXTS, strict=True)]
    result = EvaluationResult(SCHEMA, "policy", checkpoint, "test", "s", "p", 2, {"sample": True}, 3, {}, 1.5)
    write_evaluation(folder, result, samples, {})
    return folder


def rescored(finished) -> dict:
    assert finished.code == 0, finished.err
    return json.loads(finished.out)


def values(document: dict) -> dict[str, float]:
    return {key: metric["value"] for key, metric in document["result"]["metrics"].items()}


def test_outside_of_the_run_the_reward_is_that_of_the_checkpoints_run(ecrctl, demo) -> None:
    inside = ecrctl("eval", "rescore", "demo:policy", "--json")
    assert (rescored(inside)["warning"], inside.err) == (None, "")
    saved(Path("answers"), f"demo/{MAIN_JOB}")
    outside = ecrctl("eval", "rescore", "answers", "--json")
    assert outside.err == "measured as in demo, whose checkpoint answered\n"
    document = rescored(outside)
    assert document["warning"] is None
    assert values(document) == values(rescored(inside))
    assert values(document)["reward/relevance"] is not None
    assert {key for key in values(document) if key.startswith("reward/")} == {"reward/empathy", "reward/relevance"}


def test_quiet_does_not_speak_of_the_run(ecrctl, demo) -> None:
    saved(Path("answers"), f"demo/{MAIN_JOB}")
    assert ecrctl("eval", "rescore", "answers", "--quiet").err == ""


@pytest.mark.parametrize("quiet", [[], ["--quiet"]], ids=["loud", "quiet"])
@pytest.mark.parametrize("checkpoint", [MAIN_JOB, f"gone/{MAIN_JOB}"], ids=["main job", "run removed"])
def test_an_evaluation_whose_run_is_not_known_is_measured_with_a_warning(ecrctl, demo, checkpoint, quiet) -> None:
    weights = ["--set", "rewards.distinct=1", "--config", demo.resolved_config]
    inside = values(rescored(ecrctl("eval", "rescore", "demo:policy", "--json", *weights)))
    saved(Path("my answers"), checkpoint)
    finished = ecrctl("eval", "rescore", "my answers", "--json", *weights, *quiet)
    document = rescored(finished)
    what = (
        "relevance does not count in this reward and no longer gates empathy and distinct: the evaluation lies in no "
        f"run, and its checkpoint '{checkpoint}' leads to none"
    )
    folder = Path("my answers").resolve()
    assert finished.err == (
        f"warning: {what}\n"
        f"  at   {folder}\n"
        "  fix  rescore it inside its run: ecrctl eval rescore RUN:policy; or metrics alone: "
        f"ecrctl eval rescore '{folder}' --metric default\n"
    )
    assert document["warning"] == what
    assert values(document)["reward"] != pytest.approx(inside["reward"])


def test_only_what_the_reward_has_is_said_to_be_no_longer_gated(ecrctl, demo) -> None:
    folder = saved(Path("answers"), MAIN_JOB).resolve()
    sets = [word for name in ("empathy", "distinct") for word in ("--set", f"rewards.{name}=0")]
    finished = ecrctl("eval", "rescore", "answers", *sets)
    assert finished.err.splitlines()[:2] == [
        "warning: relevance does not count in this reward: the evaluation lies in no run, and its checkpoint "
        f"'{MAIN_JOB}' leads to none",
        f"  at   {folder}",
    ]


@pytest.mark.parametrize(
    "options", [["--set", "rewards.relevance=0"], ["--metric", "length"]], ids=["no relevance", "metrics alone"]
)
def test_what_needs_no_corpus_is_measured_without_a_warning(ecrctl, demo, options) -> None:
    saved(Path("answers"), MAIN_JOB)
    finished = ecrctl("eval", "rescore", "answers", "--json", *options)
    assert (rescored(finished)["warning"], finished.err) == (None, "")


def test_a_run_without_its_data(ecrctl, demo) -> None:
    shutil.rmtree(demo.data)
    finished = ecrctl("eval", "rescore", "demo")
    assert finished.err == (
        "warning: relevance does not count in this reward and no longer gates empathy: "
        f"{demo.root.resolve()} has no processed dialogues\n"
        "  at   demo/evaluation/policy\n"
        f"  fix  put them back into {demo.root.resolve()}/data; or metrics alone: "
        "ecrctl eval rescore demo/evaluation/policy --metric default\n"
    )
