"""The report in a real browser: on a phone and on a screen, light, dark and printed."""

from __future__ import annotations

import json
import re

import pytest
from browser import browser, find_browser
from run_maker import make_run

from ecr_engine.evaluation.report import write_report

PROGRAM = find_browser()
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="no Chromium is installed")

BEYOND = """
[...document.querySelectorAll('body *')]
  .filter(one => one.getBoundingClientRect().width && one.getBoundingClientRect().right > WIDTH + 1)
  .map(one => `${one.tagName} ${one.className}: ${one.textContent.trim().slice(0, 40)}`)
"""


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """A report with folded rows, long words and a command that is wider than a phone."""
    run = make_run(tmp_path_factory.mktemp("browser") / ("a-run-with-a-name-" + "long" * 20), turns=24)
    raw = json.loads(run.comparison.read_text())
    for label in ("happy", "like", "grateful", "nostalgia"):
        raw["metrics"][f"emotion_f1/{label}"] = raw["metrics"]["dist@1"]
    raw["dialogues_improved"][0]["b"] = "so" * 300
    run.comparison.write_text(json.dumps(raw))
    fix = "ecrctl rl train --run demo --set " + "prompt.resp_max_length=" + "1" * 90
    with run.events.open("a") as handle:
        values = {"name": "lengths_at_limit", "what": "w" * 90, "why": "long", "fix": fix}
        event = {"time": 1.0, "stage": "rl", "step": 3, "kind": "warning", "values": values}
        handle.write(json.dumps(event) + "\n")
    return write_report(run.root)


@pytest.fixture(scope="module")
def page():
    with browser(PROGRAM) as shown:
        yield shown


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_nothing_sticks_out_nothing_is_missing_nothing_is_fetched(report, page, width, dark):
    page.open(report, width=width, dark=dark)
    page.value("document.querySelectorAll('details').forEach(one => { one.open = true })")
    assert page.value(BEYOND.replace("WIDTH", str(width))) == []
    # A page that is too wide makes a phone zoom out: its window is wider then than its screen.
    assert page.value("[innerWidth, document.documentElement.scrollWidth]") == [width, width]
    assert page.value("document.images.length") == 10
    assert page.value("[...document.images].every(one => one.complete && one.naturalWidth == 1040)")
    assert page.requests() == [report.resolve().as_uri()]
    assert page.complaints() == []


def test_dark_and_light_are_two_looks(report, page):
    """Text on paper has a contrast of at least 7 to 1 in both, and plots are turned round in the dark."""
    looks = {}
    for dark in (False, True):
        page.open(report, width=1280, dark=dark)
        paper, ink = (page.value(f"getComputedStyle(document.body).{name}") for name in ("backgroundColor", "color"))
        looks[dark] = page.value("getComputedStyle(document.images[0]).filter")
        assert contrast(paper, ink) > 7
        assert (luminance(paper) > 0.5) is not dark
    assert looks == {False: "none", True: "invert(1) hue-rotate(180deg)"}


def test_a_folded_family_opens(report, page):
    page.open(report, width=1280)
    row = "[...document.querySelectorAll('td.fold tbody th')].find(one => one.textContent.includes('nostalgia'))"
    assert page.value(f"{row}.checkVisibility()") is False
    page.value("document.querySelector('td.fold summary').click()")
    assert page.value(f"{row}.checkVisibility()") is True


def test_it_is_printed_whole(report, page):
    """In print what is folded on the screen is open, and pages are the width of the paper."""
    page.open(report, width=1280)
    pages = len(re.findall(rb"/Type\s*/Page\b", page.pdf()))
    assert 4 <= pages <= 40
    page.call("Emulation.setEmulatedMedia", media="print")
    try:
        height = "document.querySelector('td.fold table').getBoundingClientRect().height"
        assert page.value(height) > 20
        assert page.value("getComputedStyle(document.querySelector('nav')).display") == "none"
    finally:
        page.call("Emulation.setEmulatedMedia", media="")


def luminance(colour):
    """Relative luminance of `rgb(r, g, b)` (WCAG 2.2)."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    """Contrast ratio of two colours (WCAG 2.2)."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)
