"""No sixty seconds hold more than allowed; time is made up here."""

from __future__ import annotations

from ecr_engine.scoring.endpoint.limits import Limiter


class Time:
    def __init__(self) -> None:
        self.now = 0.0

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def departures(requests, tokens, sizes, settle=None) -> list[float]:
    time = Time()
    limiter = Limiter(requests, tokens, clock=time.clock, sleep=time.sleep)
    found = []
    for size in sizes:
        slot = limiter.acquire(size)
        found.append(time.now)
        if settle is not None:
            limiter.settle(slot, settle)
        time.now += 1.0
    return found


def test_requests_in_a_minute():
    # Three at once a second apart, and then each a minute after the one three before it.
    assert departures(3, None, [1] * 7) == [0, 1, 2, 60, 61, 62, 120]


def test_tokens_in_a_minute():
    # 40 + 50 fit into 100; the next 40 have to wait for the first 40 to be a minute old.
    assert departures(None, 100, [40, 50, 40]) == [0, 1, 60]


def test_a_request_larger_than_the_limit_goes_alone():
    assert departures(None, 100, [500, 10]) == [0, 60]


def test_what_the_server_counted_is_what_counts():
    assert departures(None, 100, [40, 40, 40], settle=10) == [0, 1, 2]


def test_without_limits_nothing_waits():
    assert departures(None, None, [10**9] * 3) == [0, 1, 2]


def test_a_pause_holds_for_all():
    time = Time()
    limiter = Limiter(None, None, clock=time.clock, sleep=time.sleep)
    limiter.pause(7.5)
    limiter.pause(2.0)
    limiter.acquire(1)
    assert time.now == 7.5
