"""The first signal is noted, the second takes effect, and the handlers are those from before."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from ecr_engine.runs.stopping import SIGNALS, Stop


class Ended(BaseException):
    """What a handler raises."""


@pytest.fixture
def handled():
    """Handlers that note what reaches them."""
    found = []

    def handler(number, frame):
        found.append(number)
        raise Ended

    before = {number: signal.signal(number, handler) for number in SIGNALS}
    yield handler, found
    for number, former in before.items():
        signal.signal(number, former)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_waits_until_the_training_leaves(handled, number):
    handler, found = handled
    told = []
    stop = Stop(told.append)
    with pytest.raises(Ended), stop.held():
        assert not stop.asked
        signal.raise_signal(number)
        assert (stop.asked, found, told) == (True, [], [number])
        stop.leave()
    assert found == [number]
    assert signal.getsignal(signal.SIGINT) is signal.getsignal(signal.SIGTERM) is handler


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
def test_the_second_takes_effect_at_once(handled, second):
    handler, found = handled
    with pytest.raises(Ended), Stop().held():
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(second)
        pytest.fail("it went on")
    assert found == [second]
    assert signal.getsignal(signal.SIGINT) is handler


def test_a_hang_up_is_never_the_second(handled):
    _, found = handled
    told = []
    stop = Stop(told.append)
    with pytest.raises(Ended), stop.held():
        for number in (signal.SIGHUP, signal.SIGHUP, signal.SIGHUP):
            signal.raise_signal(number)
        assert (found, told) == ([], [signal.SIGHUP] * 3)
        signal.raise_signal(signal.SIGTERM)
    assert found == [signal.SIGTERM]


def test_a_handler_that_the_end_changes_is_left_as_it_is_then(handled):
    def once(number, frame):
        signal.signal(number, signal.SIG_IGN)
        raise Ended

    signal.signal(signal.SIGHUP, once)
    stop = Stop()
    with pytest.raises(Ended), stop.held():
        signal.raise_signal(signal.SIGHUP)
        stop.leave()
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def test_an_end_that_is_asked_for_without_a_signal(handled):
    stop = Stop()
    with pytest.raises(SystemExit) as caught, stop.held():
        assert stop.holds
        stop.ask(signal.SIGPIPE)
        assert stop.asked
        stop.leave()
    assert (caught.value.code, stop.holds, handled[1]) == (141, False, [])


def test_one_that_no_step_looked_for_takes_effect_at_the_end(handled):
    with pytest.raises(Ended), Stop().held():
        signal.raise_signal(signal.SIGINT)
    assert handled[1] == [signal.SIGINT]


def test_an_error_goes_before_a_signal(handled):
    with pytest.raises(ZeroDivisionError), Stop().held():
        signal.raise_signal(signal.SIGINT)
        raise ZeroDivisionError
    assert handled[1] == []
    assert signal.getsignal(signal.SIGINT) is handled[0]


def test_without_a_signal_nothing_happens(handled):
    with Stop().held():
        pass
    assert (handled[1], signal.getsignal(signal.SIGTERM)) == ([], handled[0])


def test_another_process_that_was_asked_ends_this_one_too():
    with pytest.raises(SystemExit) as caught, Stop().held():
        Stop().leave()
    assert caught.value.code == 143


def test_what_is_ignored_stays_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        stop = Stop()
        with stop.held():
            signal.raise_signal(signal.SIGINT)
            assert not stop.asked
    finally:
        signal.signal(signal.SIGINT, before)


def test_outside_of_the_main_thread_no_handler_is_set():
    before, seen = signal.getsignal(signal.SIGINT), []

    def work():
        with Stop().held():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]


def test_a_process_without_a_handler_of_its_own_is_ended_by_the_signal_itself():
    script = (
        "import signal\nfrom ecr_engine.runs.stopping import Stop\nstop = Stop()\n"
        "with stop.held():\n    signal.raise_signal(signal.SIGTERM)\n    print('saved', flush=True)\n    stop.leave()\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=dict(os.environ))
    assert (done.returncode, done.stdout) == (-signal.SIGTERM, "saved\n")
