"""What a sitting keeps to: a stop between commands, the caller's threads, seconds by settings, cooler decodings."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

import pytest
import running as driver
from decodings import cooler_decodings
from files import read, write, write_toml
from steps import Place, Step


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A proof folder; commands are Python programs."""
    monkeypatch.setattr(driver, "full", lambda command: [sys.executable, "-c", *command])
    (tmp_path / "out").mkdir()
    return Place(tmp_path / "out", tmp_path / "redial", tmp_path / "goemotions")


def test_after_a_signal_no_further_command_of_a_step_is_run_even_if_the_last_one_ended_well(place, monkeypatch):
    first = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))\n"
        "open(sys.argv[1], 'w').close()\n"
        "time.sleep(60)"
    )
    second = "import sys; open(sys.argv[1], 'w').close()"
    step = Step("one", lambda _: [(first, place.at("first")), (second, place.at("second"))])
    monkeypatch.setattr(driver, "all_steps", lambda _: [step])

    def stop_once_begun():
        while not (place.out / "first").exists():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        threading.Thread(target=stop_once_begun).start()
        with pytest.raises(SystemExit, match="143"):
            driver.Sitting(place).run()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert not (place.out / "second").exists()
    assert read(place.out / "times.json")["one"]["finished"] is None


def test_threads_that_the_caller_has_set_stay(place, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    step = Step("threads", lambda _: [("import os; print(os.environ['OMP_NUM_THREADS'])",)])
    driver.Sitting(place, 2).run_step(step)
    assert (place.out / "log" / "threads.txt").read_text() == "7\n"


def test_seconds_with_other_settings_do_not_count(place):
    write_toml(place.out / "s.toml", {"ppo": {"epochs": 1}})
    step = Step("one", lambda _: [("pass",)], settings=("s.toml",))
    spent = {"seconds": 1000.0, "machine_seconds": 500.0, "finished": None}
    write(place.out / "times.json", {"one": {**spent, "settings": driver.fingerprint(step, place)}})
    driver.Sitting(place).run_step(step)
    known = read(place.out / "times.json")["one"]
    assert known["seconds"] > 1000
    assert 500 < known["machine_seconds"] < 1000
    write_toml(place.out / "s.toml", {"ppo": {"epochs": 2}})
    driver.Sitting(place).run_step(step)
    assert read(place.out / "times.json")["one"]["seconds"] < 1000


@pytest.mark.parametrize(("chosen", "cooler"), [("greedy", []), ("t0.3", [None]), ("t0.7", [None, 0.3, 0.5])])
def test_cooler_are_the_decodings_below_the_chosen_one(place, chosen, cooler):
    assert cooler_decodings(place) == []
    write(place.out / "decoding.json", {"chosen": chosen})
    assert cooler_decodings(place) == cooler
