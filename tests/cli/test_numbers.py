"""Numbers as people read them; each expectation is written by hand."""

from __future__ import annotations

import math

import pytest
from rich.cells import cell_len

from ecrctl.ui.numbers import clip, duration, fixed, number, percent, signed, size, sparkline


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (0.12345, "0.1235"),
        (1.5, "1.500"),
        (12.345, "12.35"),
        (912.0, "912.0"),
        (1480.0, "1480"),
        (1234567.0, "1.23e+06"),
        (0.00001234, "1.23e-05"),
        (-0.5, "-0.5000"),
        (42, "42"),
        (math.nan, "NaN"),
        (math.inf, "∞"),
        (-math.inf, "-∞"),
    ],
)
def test_number(value, text) -> None:
    assert number(value) == text


def test_fixed_has_no_exponent_for_what_is_small() -> None:
    assert [fixed(value) for value in (0.0001234, -0.25, 0.0, 12.345, 1.0)] == [
        "0.0001",
        "-0.2500",
        "0",
        "12.35",
        "1.0000",
    ]


def test_signed_and_percent() -> None:
    assert [signed(value) for value in (0.25, -0.25, 0.0)] == ["+0.2500", "-0.2500", "0"]
    assert [percent(value) for value in (0.125, -0.5, math.inf)] == ["+12.5 %", "-50.0 %", "∞"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.42, "0.4 s"),
        (9.96, "10 s"),
        (42.4, "42 s"),
        (59.7, "1:00"),
        (187, "3:07"),
        (3723, "1:02:03"),
        (math.inf, "?"),
    ],
)
def test_duration(seconds, text) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(812, "812 B"), (1536, "1.5 KiB"), (5 * 2**20, "5.0 MiB"), (3 * 2**30, "3.0 GiB"), (2**42, "4096.0 GiB")],
)
def test_size(count, text) -> None:
    assert size(count) == text


@pytest.mark.parametrize(
    ("values", "width", "text"),
    [
        ([0, 1, 2, 3, 4, 5, 6, 7], 8, "▁▂▃▄▅▆▇█"),
        ([0, 0, 7, 7], 2, "▁█"),
        ([3, 3, 3], 5, "▅▅▅"),
        ([0, math.nan, 7], 3, "▁·█"),
        ([math.nan, math.inf], 5, "··"),
        ([], 5, ""),
        ([1, 2], 0, ""),
    ],
)
def test_sparkline(values, width, text) -> None:
    assert sparkline(values, width) == text


@pytest.mark.parametrize(
    ("text", "width", "clipped"),
    [
        ("short", 10, "short"),
        ("a longer text", 8, "a longe…"),
        ("千と千尋の神隠し", 7, "千と千…"),
        ("two\nlines\tand \x1b[31m red", 40, "two lines and [31m red"),
        ("anything", 0, ""),
    ],
)
def test_clip(text, width, clipped) -> None:
    assert clip(text, width) == clipped
    assert cell_len(clipped) <= max(width, 0)
