"""The driver of the proof: what is run when, again, or not; with small programs in the place of `ecrctl`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import choosing
import measured
import pytest
import run as driver
from files import read, write_toml
from plan import all_steps
from steps import Place, Step

ROOT = Path(__file__).parents[2]


@pytest.fixture
def place(tmp_path):
    (tmp_path / "out").mkdir()
    return Place(tmp_path / "out", tmp_path / "redial", tmp_path / "goemotions")


@pytest.fixture
def fake(monkeypatch):
    """Commands are Python programs."""
    monkeypatch.setattr(driver, "full", lambda command: [sys.executable, "-c", *command])


APPEND = "import sys; open(sys.argv[1], 'a').write('x')"


def counting(place, name="one", **changes):
    return Step(name, lambda place: [(APPEND, place.at("count"))], **changes)


def count(place):
    return len((place.out / "count").read_text()) if (place.out / "count").exists() else 0


def go(step, place):
    if not driver.is_done(step, place):
        driver.run_step(step, place)


def test_a_finished_step_is_not_run_again(place, fake):
    go(counting(place), place)
    go(counting(place), place)
    assert count(place) == 1
    known = read(place.out / "times.json")["one"]
    assert known["finished"]
    assert known["seconds"] > 0


def test_other_settings_put_what_was_made_aside_and_run_it_anew(place, fake):
    write_toml(place.out / "s.toml", {"ppo": {"epochs": 1}})
    step = counting(place, settings=("s.toml",), makes=("count",))
    go(step, place)
    write_toml(place.out / "s.toml", {"ppo": {"epochs": 2}})
    go(step, place)
    assert count(place) == 1
    assert (place.out / "aside" / "1" / "count").read_text() == "x"


def test_what_was_there_before_the_first_run_is_left_alone(place, fake):
    (place.out / "count").write_text("x")
    go(counting(place, makes=("count",)), place)
    assert count(place) == 2


def test_a_step_is_run_again_after_one_that_it_needs(place, fake, monkeypatch):
    times = iter(["2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04"])
    monkeypatch.setattr(driver, "now", lambda: next(times))
    first, second = counting(place, "one"), counting(place, "two", needs=("one",))
    go(first, place)
    go(second, place)
    go(second, place)
    assert count(place) == 2
    driver.run_step(first, place)
    go(second, place)
    assert count(place) == 4


def test_a_step_that_fails_is_named_with_its_log_and_is_not_done(place, fake, monkeypatch):
    bad = Step("bad", lambda _: [("import sys; print('oh', file=sys.stderr); sys.exit(3)",)])
    with pytest.raises(SystemExit, match=r"bad ended with 3; see .*bad\.txt"):
        driver.run_step(bad, place)
    assert (place.out / "log" / "bad.txt").read_text() == "oh\n"
    assert not driver.is_done(bad, place)


def test_an_exit_status_that_is_a_result_is_kept_beside_what_was_printed(place, fake):
    gates = Step("comparison", lambda _: [("print('{}'); raise SystemExit(4)", "--json")], may_end_with=(0, 4))
    go(gates, place)
    assert (place.out / "comparison.json").read_text() == "{}\n"
    assert (place.out / "comparison.exit").read_text() == "4\n"
    assert driver.is_done(gates, place)


def test_looks_at_the_test_split_are_counted_once_a_configuration(place, fake, monkeypatch):
    write_toml(place.out / "s.toml", {"ppo": {"epochs": 1}})
    step = counting(place, settings=("s.toml",), looks="policy-0")
    driver.run_step(step, place)
    driver.run_step(step, place)
    assert [look["what"] for look in read(place.out / "looks.json")] == ["policy-0"]
    write_toml(place.out / "s.toml", {"ppo": {"epochs": 2}})
    driver.run_step(step, place)
    assert len(read(place.out / "looks.json")) == 2


def test_commands_are_told_without_the_places_of_this_machine(place):
    found = [driver.told(command, place) for step in all_steps(place)[:4] for command in step.commands(place)]
    assert found[0] == (
        "ecrctl train baseline --run runs/proof/base --data redial --config runs/proof/base.toml --resume auto"
    )
    assert not [text for text in found if str(place.out) in text or str(ROOT) in text]


def test_every_step_needs_only_what_comes_before_it(place):
    seen = set()
    for step in all_steps(place):
        assert set(step.needs) <= seen, step.name
        seen.add(step.name)
    assert len(seen) == len(all_steps(place))


def test_the_list_is_shown_and_nothing_is_run(place):
    command = [sys.executable, str(ROOT / "benchmarks" / "proof" / "run.py"), "--list", "--out", str(place.out)]
    shown = subprocess.run(
        [*command, "--data", "redial", "--goemotions", "goemotions"], capture_output=True, text=True, check=True
    )
    assert [line.split()[-1] for line in shown.stdout.splitlines()[:3]] == ["base", "decoding", "critic"]
    assert not (place.out / "times.json").exists()


def test_ctrl_c_is_written_down_and_the_seconds_are_kept(place, fake, monkeypatch):
    begun = place.out / "begun"
    slow = Step("slow", lambda _: [(f"open({str(begun)!r}, 'w').close(); import time; time.sleep(600)",)])

    class Stop(Exception):
        pass

    def stop(*_):
        raise Stop

    before = signal.signal(signal.SIGALRM, stop)
    try:
        signal.setitimer(signal.ITIMER_REAL, 1.5)
        with pytest.raises(Stop):
            driver.run_step(slow, place)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    known = read(place.out / "times.json")["slow"]
    assert known["finished"] is None
    assert known["seconds"] > 1
    assert not children()


def children():
    """Programs that this process has left running."""
    for _ in range(50):
        found = []
        for status in Path("/proc").glob("[0-9]*/status"):
            try:
                text = status.read_text()
            except OSError:
                continue
            if f"PPid:\t{os.getpid()}\n" in text and "State:\tZ" not in text and "time.sleep(600)" in cmdline(status):
                found.append(status)
        if not found:
            return []
        time.sleep(0.1)
    return found


def cmdline(status):
    try:
        return (status.parent / "cmdline").read_text()
    except OSError:
        return ""


def test_the_decoding_with_the_best_mean_is_chosen_and_variety_counts_up_to_the_references():
    row = {"bleu@1": 0.1, "bleu@2": 0.04, "distinct@1": 0.1, "reward/empathy": 0.3, "slot_f1": 0.5}
    table = {"greedy": row, "t1.0": {**row, "bleu@1": 0.08, "bleu@2": 0.02, "distinct@1": 0.4}}
    # Capped at .2: greedy (1 * 1 * .5)^(1/5) = .8706; sampled (.8 * .5 * 1)^(1/5) = .8326. At .4 it is .7579 to .8326.
    assert choosing.scores(table, 0.2) == pytest.approx({"greedy": 0.5**0.2, "t1.0": 0.4**0.2})
    assert choosing.best(table, 0.2) == "greedy"
    assert choosing.best(table, 0.4) == "t1.0"


def event(time, kind, stage="rl", step=0, **values):
    return json.dumps({"time": time, "stage": stage, "step": step, "kind": kind, "values": values})


def test_seconds_are_those_of_all_sittings_and_no_step_counts_twice(tmp_path):
    lines = [
        event(0.0, "stage_started"),
        event(10.0, "step", step=1, reward=0.1),
        event(20.0, "step", step=2, reward=0.2),
        event(1000.0, "stage_started"),
        event(1005.0, "step", step=2, reward=0.3),
        event(1006.0, "step", stage="baseline", step=9),
        event(1015.0, "stage_finished"),
        event(5000.0, "stage_skipped"),
        '{"torn',
    ]
    (tmp_path / "events.jsonl").write_text("\n".join(lines))
    # 0 to 20, and 1000 to 1015.
    assert measured.active_seconds(tmp_path, "rl") == 35.0
    assert [step["reward"] for step in measured.steps_of(tmp_path, "rl")] == [0.1, 0.3]


def test_the_gain_of_the_first_third_is_in_deviations_of_a_reward():
    told = [{"objective/reward": 0.1 * place, "objective/reward_std": 0.5} for place in range(9)]
    # Three updates, a slope of .1 an update over two of them, over .5.
    assert measured.early_gain(told) == pytest.approx(0.4)
