"""A generation that is killed goes on where it was, and comes to the same responses."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tiny_models import example, tiny_backbone

from ecr_engine.config.sections.data import PromptSettings
from ecr_engine.config.sections.evaluation import CompareSettings, EvaluationSettings
from ecr_engine.errors import EcrError, UsageError
from ecr_engine.evaluation.generate import System, Task, generate_model
from ecr_engine.evaluation.journal import journal_of
from ecr_engine.evaluation.store import read_evaluation

PROMPT = PromptSettings(system="feel with the seeker", context_max_length=80, resp_max_length=10)
EXAMPLES = [example(f"{n}:1", f"i want movie {'very ' * n}good") for n in range(6)]


class Killed(BaseException):
    """Ends a generation as a signal does."""


@pytest.fixture(scope="module")
def backbone():
    return tiny_backbone(scale=6.0)


def generated(backbone, output, *, stop_at=None, seed=0, identity="a", batch_size=2):
    """(responses, turns told of) of a generation in batches of two, which is killed after `stop_at` turns."""
    told = []

    def progress(done, total):
        told.append(done)
        if done == stop_at:
            raise Killed

    system = System(backbone.model, backbone.tokenizer, "policy", "step-1", identity)
    evaluation = EvaluationSettings(batch_size=batch_size, perplexity=True)
    task = Task("test", EXAMPLES, PROMPT, evaluation, CompareSettings(), seed)
    generate_model(system, task, output, progress=progress)
    return [row.sample for row in read_evaluation(output)[1]], told


def journal(output: Path) -> Path:
    return output.parent / f".{output.name}.ecr-responses.jsonl"


@pytest.fixture
def asked(monkeypatch):
    """How many prompts each call of the model was given."""
    from ecr_engine.evaluation import generate

    sizes = []
    real = generate.generate

    def counting(model, prompts, *rest, **options):
        sizes.append(len(prompts))
        return real(model, prompts, *rest, **options)

    monkeypatch.setattr(generate, "generate", counting)
    return sizes


def test_finished_batches_are_not_made_again(backbone, tmp_path, asked):
    straight, _ = generated(backbone, tmp_path / "straight")
    with pytest.raises(Killed):
        generated(backbone, tmp_path / "killed", stop_at=4)
    assert not (tmp_path / "killed").exists()
    asked.clear()
    resumed, told = generated(backbone, tmp_path / "killed")
    assert asked == [2]  # of three batches
    assert told == [2, 4, 6]
    assert resumed == straight
    assert sorted(path.name for path in tmp_path.iterdir()) == ["killed", "straight"]


def test_a_torn_last_line_costs_its_batch_only(backbone, tmp_path, asked):
    straight, _ = generated(backbone, tmp_path / "straight")
    output = tmp_path / "killed"
    with pytest.raises(Killed):
        generated(backbone, output, stop_at=4)
    content = journal(output).read_bytes()
    journal(output).write_bytes(content[:-7])
    asked.clear()
    assert generated(backbone, output)[0] == straight
    assert asked == [2, 2]


@pytest.mark.parametrize("change", [{"seed": 1}, {"identity": "other weights"}])
def test_another_generation_begins_anew(backbone, tmp_path, asked, change):
    output = tmp_path / "killed"
    with pytest.raises(Killed):
        generated(backbone, output, stop_at=4)
    asked.clear()
    generated(backbone, output, **change)
    assert asked == [2, 2, 2]


def test_another_batch_size_goes_on_with_the_batches_that_are_whole(backbone, tmp_path, asked):
    straight, _ = generated(backbone, tmp_path / "straight")
    output = tmp_path / "killed"
    with pytest.raises(Killed):
        generated(backbone, output, stop_at=4)
    asked.clear()
    resumed, _ = generated(backbone, output, batch_size=4)
    assert asked == [2]
    assert [one.response for one in resumed] == [one.response for one in straight]


def test_the_header_says_what_is_generated(backbone, tmp_path):
    with pytest.raises(Killed):
        generated(backbone, tmp_path / "killed", stop_at=2)
    header, *rows = [json.loads(line) for line in journal(tmp_path / "killed").read_text().splitlines()]
    assert header["decoding"] == {"max_new_tokens": 10, "sample": True, "temperature": 0.7, "top_p": 1.0}
    assert (header["seed"], header["identity"], header["losses"]) == (0, "a", True)
    assert len(rows) == 2
    assert rows[0]["reference_loss"]["tokens"] > 0


def test_two_processes_do_not_write_one_evaluation(tmp_path):
    with journal_of(tmp_path / "policy", {}), pytest.raises(EcrError) as caught, journal_of(tmp_path / "policy", {}):
        pass
    assert f"the evaluation {tmp_path / 'policy'}" in caught.value.problems[0].what


def test_a_folder_of_other_things_is_refused_before_the_model_works(backbone, tmp_path, asked):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("do not touch")
    with pytest.raises(UsageError) as caught:
        generated(backbone, tmp_path / "mine")
    [problem] = caught.value.problems
    assert problem.what == "the output folder holds other files"
    assert problem.fix == "give a folder that is new or empty"
    assert asked == []


SCRIPT = """
import sys, time
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from test_journal import generated
from tiny_models import tiny_backbone
import test_journal
real = test_journal.generate_model
def slow(system, task, output, *, progress):
    def told(done, total):
        print(done, flush=True)
        time.sleep(60 if done == 4 else 0)
    real(system, task, output, progress=told)
test_journal.generate_model = slow
generated(tiny_backbone(scale=6.0), Path(sys.argv[2]))
"""


def test_after_a_kill_minus_nine(backbone, tmp_path, asked):
    here = Path(__file__).parent
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(here), str(here.parent)])}
    output = tmp_path / "killed"
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(here), str(output)], stdout=subprocess.PIPE, text=True, env=environment
    ) as child:
        assert child.stdout is not None
        assert [child.stdout.readline(), child.stdout.readline()] == ["2\n", "4\n"]
        os.kill(child.pid, signal.SIGKILL)
    time.sleep(0.05)
    resumed, _ = generated(backbone, output)
    assert asked == [2]
    assert resumed == generated(backbone, tmp_path / "straight")[0]
