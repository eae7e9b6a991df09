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
import run
import running as driver
from files import read, write, write_toml
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
        driver.Sitting(place).run_step(step)


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
    driver.Sitting(place).run_step(first)
    go(second, place)
    assert count(place) == 4


def test_a_step_that_fails_is_named_with_its_log_and_is_not_done(place, fake, monkeypatch):
    bad = Step("bad", lambda _: [("import sys; print('oh', file=sys.stderr); sys.exit(3)",)])
    with pytest.raises(SystemExit, match=r"bad ended with 3; see .*bad\.txt"):
        driver.Sitting(place).run_step(bad)
    assert (place.out / "log" / "bad.txt").read_text() == "oh\n"
    assert not driver.is_done(bad, place)


def test_an_exit_status_that_is_a_result_is_kept_beside_what_was_printed(place, fake):
    gates = Step("comparison", lambda _: [("print('{}'); raise SystemExit(4)", "--json")], may_end_with=(0, 4))
    go(gates, place)
    assert (place.out / "comparison.json").read_text() == "{}\n"
    assert (place.out / "comparison.exit").read_text() == "4\n"
    assert driver.is_done(gates, place)


def plan_of(monkeypatch, *steps):
    monkeypatch.setattr(driver, "all_steps", lambda _: list(steps))


def meeting(place, mine, other):
    """A step that ends only after another has begun."""
    program = (
        "import sys, pathlib, time; pathlib.Path(sys.argv[1]).touch()\n"
        "while not pathlib.Path(sys.argv[2]).exists(): time.sleep(0.01)"
    )
    return Step(mine, lambda _: [(program, place.at(mine), place.at(other))])


def test_steps_that_do_not_need_each_other_run_at_once_each_with_its_share_of_the_cores(place, fake, monkeypatch):
    threads = Step("threads", lambda _: [("import os; print(os.environ['OMP_NUM_THREADS'])",)], needs=("a", "b"))
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(driver.os, "cpu_count", lambda: 4)
    plan_of(monkeypatch, meeting(place, "a", "b"), meeting(place, "b", "a"), threads)
    assert driver.Sitting(place, 2).run() == []
    known = read(place.out / "times.json")
    assert [mark["finished"] is not None for mark in known.values()] == [True] * 3
    assert known["a"]["machine_seconds"] == pytest.approx(known["a"]["seconds"] / 2)
    assert measured.share_of(place, "a") == pytest.approx(0.5)
    assert measured.share_of(place, "never run") == 1.0
    assert (place.out / "log" / "threads.txt").read_text() == "2\n"


def test_after_a_failure_all_is_run_that_does_not_need_it(place, fake, monkeypatch, capsys):
    bad = Step("bad", lambda _: [("raise SystemExit(3)",)])
    after, other = counting(place, "after", needs=("bad",)), counting(place, "other")
    plan_of(monkeypatch, bad, after, other)
    failures = driver.Sitting(place).run()
    assert [text.partition(";")[0] for text in failures] == ["bad ended with 3"]
    assert count(place) == 1
    assert list(read(place.out / "times.json")) == ["bad", "other"]
    assert "bad ended with 3; see" in capsys.readouterr().out


def test_nothing_is_run_on_what_will_be_made_anew(place, fake, monkeypatch):
    def step(name, needs=(), settings=()):
        program = f"import sys; open(sys.argv[1], 'a').write('{name}')"
        return Step(name, lambda place: [(program, place.at("count"))], needs=needs, settings=settings)

    steps = [step("a", (), ("s.toml",)), step("b", ("a",)), step("c", ("b",), ("s.toml",))]
    plan_of(monkeypatch, *steps)
    times = iter(range(100))
    monkeypatch.setattr(driver, "now", lambda: str(next(times)))
    write_toml(place.out / "s.toml", {"ppo": {"epochs": 1}})
    driver.Sitting(place, 3).run()
    write_toml(place.out / "s.toml", {"ppo": {"epochs": 2}})
    assert driver.finished(steps, place) == set()
    driver.Sitting(place, 3).run()
    assert (place.out / "count").read_text() == "abcabc"


def test_what_fails_beside_the_commands_names_its_step_and_is_in_its_log(place, fake, monkeypatch):
    def after(_):
        raise KeyError("metrics")

    plan_of(monkeypatch, counting(place, "one", after=after))
    log = place.out / "log" / "one.txt"
    assert driver.Sitting(place).run() == [f"one failed with KeyError: 'metrics'; see {log}"]
    assert "Traceback" in log.read_text()
    assert not driver.is_done(counting(place, "one"), place)


def test_settings_are_there_whole_whenever_they_are_read(place):
    path = place.out / "s.toml"
    write_toml(path, {"ppo": {"epochs": 1}})
    with path.open(encoding="utf-8") as reading:
        write_toml(path, {"ppo": {"epochs": 2}})
        assert reading.read() == "[ppo]\nepochs = 1\n"
    assert path.read_text() == "[ppo]\nepochs = 2\n"
    assert [file.name for file in place.out.iterdir()] == ["s.toml"]


def test_nothing_is_run_after_the_last_step_asked_for(place, fake, monkeypatch):
    plan_of(monkeypatch, counting(place, "one"), counting(place, "two", needs=("one",)), counting(place, "three"))
    driver.Sitting(place, 3).run(until="two")
    assert list(read(place.out / "times.json")) == ["one", "two"]


def test_a_signal_ends_all_that_runs_and_begins_nothing(place, fake, monkeypatch):
    class Stop(Exception):
        pass

    def slow(name):
        return Step(name, lambda _: [(f"open({place.at(name)!r}, 'w').close(); import time; time.sleep(600)",)] * 2)

    def stop(*_):
        if not all((place.out / name).exists() for name in ("one", "two")):
            signal.setitimer(signal.ITIMER_REAL, 0.2)
            return
        raise Stop

    plan_of(monkeypatch, slow("one"), slow("two"), counting(place, "three"))
    before = signal.signal(signal.SIGALRM, stop)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with pytest.raises(Stop):
            driver.Sitting(place, 2).run()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert not children()
    assert [mark["finished"] for mark in read(place.out / "times.json").values()] == [None, None]
    assert count(place) == 0


def test_ctrl_c_ends_the_driver_with_a_sentence(place, monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(run.Sitting, "run", interrupted)
    monkeypatch.setattr(run.signal, "signal", lambda *_: None)
    given = ["--data", str(ROOT), "--goemotions", str(ROOT), "--out", str(place.out)]
    monkeypatch.setattr(sys, "argv", ["run.py", *given])
    with pytest.raises(SystemExit) as ended:
        run.main()
    assert ended.value.code == 130
    assert capsys.readouterr().err == "stopped; the same command goes on from here\n"


def test_looks_at_the_test_split_are_counted_once_a_configuration(place, fake, monkeypatch):
    write_toml(place.out / "s.toml", {"ppo": {"epochs": 1}})
    step = counting(place, settings=("s.toml",), looks="policy-0")
    driver.Sitting(place).run_step(step)
    driver.Sitting(place).run_step(step)
    assert [look["what"] for look in read(place.out / "looks.json")] == ["policy-0"]
    write_toml(place.out / "s.toml", {"ppo": {"epochs": 2}})
    driver.Sitting(place).run_step(step)
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


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["--jobs", "0"], "run.py: error: --jobs is at least 1"),
        ([], "run.py: error: --data: there is no r"),
        (["--until", "policy-9"], "run.py: error: there is no step policy-9; --list shows them"),
    ],
)
def test_what_is_typed_wrong_is_said(place, typed, said):
    command = [sys.executable, str(ROOT / "benchmarks" / "proof" / "run.py"), "--out", str(place.out), *typed]
    ended = subprocess.run([*command, "--data", "r", "--goemotions", "g"], capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert said in ended.stderr


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
            driver.Sitting(place).run_step(slow)
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


@pytest.mark.parametrize(("base", "policies", "steps"), [(1.0, 1.0, 150), (0.5, 0.5, 150), (1.0, 0.5, 75)])
def test_the_longer_baseline_has_as_much_of_the_machine_as_the_policies(place, base, policies, steps):
    shares = {"base": base, **{f"policy-{seed}": policies for seed in (0, 1, 2)}}
    times = {name: {"seconds": 8.0, "machine_seconds": 8.0 * share} for name, share in shares.items()}
    write(place.out / "times.json", times)
    rates = [80.0] * 2 + [8.0] * 18
    rows = {
        "base": [event(at, "step", "baseline", at, **{"perf/samples_per_s": rate}) for at, rate in enumerate(rates)]
    }
    rows |= {f"policy-{seed}": [event(0.0, "stage_started"), event(300.0, "stage_finished")] for seed in (0, 1, 2)}
    for name, lines in rows.items():
        (place.out / name).mkdir()
        (place.out / name / "events.jsonl").write_text("\n".join(lines))
    # The third fastest of 20 steps counts: 16 examples at 8 a second take 2 s. RL took 300 s.
    assert measured.longer_steps(place) == steps


def test_the_gain_of_the_first_third_is_in_deviations_of_a_reward():
    told = [{"objective/reward": 0.1 * place, "objective/reward_std": 0.5} for place in range(9)]
    # Three updates, a slope of .1 an update over two of them, over .5.
    assert measured.early_gain(told) == pytest.approx(0.4)
