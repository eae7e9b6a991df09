"""Whom an address lets one talk to."""

from __future__ import annotations

import pytest
from chat_runs import bare_run

from ecr_engine.errors import DataError, ExitCode, GateError, UsageError
from ecr_engine.pipeline.partner import find_partner
from ecr_engine.runs.checkpoints import save_checkpoint


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return bare_run(tmp_path / "demo")


def add(run, stage, step, *, best=False):
    def write(folder):
        (folder / "weights").write_text(f"{stage} {step}")

    return save_checkpoint(run.stage(stage), step, write, metrics={}, best=best, keep_last=9)


def damage(checkpoint):
    (checkpoint / "weights").write_text("torn")


def problem(caught):
    [found] = caught.value.problems
    return found.what, found.at, found.fix


def test_the_policy_is_whom_a_run_is_asked_for(run):
    add(run, "baseline", 1)
    best = add(run, "policy", 2, best=True)
    latest = add(run, "policy", 3)
    assert find_partner("demo").checkpoint == best
    assert find_partner("demo:policy@latest").checkpoint == latest
    partner = find_partner("demo:baseline")
    assert (partner.stage, str(partner.run.root), partner.instead) == ("baseline", "demo", "")
    assert find_partner(str(best)).stage == "policy"


@pytest.mark.parametrize("address", ["demo", "demo:policy"])
def test_a_run_without_a_policy_says_what_there_is(run, address):
    add(run, "baseline", 1)
    with pytest.raises(DataError) as caught:
        find_partner(address)
    fix = "talk to what there is: ecrctl chat demo:baseline; or train one: ecrctl rl train --run demo"
    assert problem(caught) == ("demo has no policy", address, fix)
    assert caught.value.exit_code == ExitCode.DATA


def test_a_run_without_anything_says_how_to_train(run):
    with pytest.raises(DataError) as caught:
        find_partner("demo")
    assert problem(caught) == ("demo has no policy", "demo", "ecrctl rl train --run demo")


def test_a_critic_gives_no_responses(run):
    add(run, "critic", 1)
    with pytest.raises(UsageError) as caught:
        find_partner("demo:critic")
    fix = "ask it about responses: ecrctl rl critic --run demo"
    assert problem(caught) == ("a critic scores responses and gives none", "demo:critic", fix)


def test_in_the_place_of_a_damaged_checkpoint_the_newest_whole_one(run):
    whole = add(run, "policy", 2)
    damage(add(run, "policy", 3))
    partner = find_partner("demo")
    assert partner.checkpoint == whole
    instead = "step-000003 is damaged (the file 'weights' has 4 bytes, not 8): this is step-000002 instead"
    assert partner.instead == instead


@pytest.mark.parametrize("address", ["demo:policy@latest", "demo:policy@step-000003", "path"])
def test_a_damaged_checkpoint_that_was_named_is_an_error(run, address):
    add(run, "policy", 2)
    named = add(run, "policy", 3)
    damage(named)
    with pytest.raises(GateError) as caught:
        find_partner(str(named) if address == "path" else address)
    what = "step-000003 is damaged: the file 'weights' has 4 bytes, not 8"
    assert problem(caught) == (what, str(named / "weights"), "talk to another one: ecrctl checkpoint list demo")
    assert caught.value.exit_code == ExitCode.GATE == 4


def test_a_damaged_checkpoint_without_another_is_an_error(run):
    damage(add(run, "policy", 3))
    with pytest.raises(GateError, match="step-000003 is damaged"):
        find_partner("demo")
