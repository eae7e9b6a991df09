"""A comparison as Markdown, CSV and HTML, and the comparisons of earlier versions."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from ecr_engine.evaluation.compare import Resampling, compare, compare_all, comparison_from_json
from ecr_engine.evaluation.comparison_html import comparison_html
from ecr_engine.evaluation.comparison_markdown import comparison_markdown
from ecr_engine.evaluation.comparison_rows import comparison_csv
from ecr_engine.evaluation.gates import check_gates, parse_gate
from ecr_engine.evaluation.setting_changes import SettingChange

SETTINGS = {"resamples": 500, "confidence": 0.95, "seed": 0}
HOSTILE = "a|b <script>alert(1)</script> *x*"


class Cells(HTMLParser):
    """The rows of the first table of a page, and all its text."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.text = ""
        self.tags: set[str] = set()
        self._cell = False

    def handle_starttag(self, tag: str, attrs) -> None:
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        self._cell = tag in ("td", "th")
        if self._cell:
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        self._cell = False

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._cell:
            self.rows[-1][-1] += data


@pytest.fixture
def comparison(evaluation):
    """`reward` rose from 0.25 to 0.5 on each turn, `bleu@1` fell from 0.2 to 0.15."""
    a = evaluation("before", [0.25] * 24, outside={"bleu@1": [0.2] * 24})
    b = evaluation("after", [0.5] * 24, outside={"bleu@1": [0.15] * 24})
    found = compare(a, b, names=("before", HOSTILE), **SETTINGS)
    return replace(found, settings=(SettingChange("ppo.epochs", "4", "2"),), skipped={"length": "only one side has it"})


def gates(comparison):
    return check_gates([parse_gate("reward>=0.4"), parse_gate("bleu@1>=+20%")], [comparison])


def test_markdown_holds_the_table_and_what_belongs_to_it(comparison):
    text = comparison_markdown([comparison], gates(comparison))
    lines = text.splitlines()
    name = "a\\|b \\<script\\>alert(1)\\</script\\> \\*x\\*"
    assert lines[0] == f"# {name} against before"
    assert (
        f"| Metric | before | {name} | Difference | Relative | Guide | 95 % interval | p | Holm's p | Effect | "
        "Wins/ties/losses | Outcome |"
    ) in lines
    [reward] = [line for line in lines if line.startswith("| reward")]
    assert reward.startswith("| reward \\* | 0.250 | 0.500 | +0.250 | +100.0 % |  | +0.250 to +0.250 | ")
    assert reward.endswith(" | – | 24/0/0 | better |")
    [bleu] = [line for line in lines if line.startswith("| bleu")]
    assert "| −25.0 % | expected +20 %, got −25.0 % | −0.050 to −0.050 |" in bleu
    assert bleu.endswith(" | 0/0/24 | worse |")
    assert "- length: not compared, only one side has it." in lines
    assert "| ppo.epochs | 4 | 2 |" in lines
    assert "- met: `reward>=0.4` (reward of " + name + " is 0.5, and at least 0.4 is required)" in lines
    assert any(line.startswith("- not met: `bleu@1>=+20%`") for line in lines)
    assert "## Most improved" in lines and "## Most harmed" not in lines
    assert "- before (reward 0.250): before says 0" in lines
    assert "> seeker: I feel low & like Heat (1995)  " in lines


def test_html_holds_the_same_and_escapes_what_runs_say(comparison):
    page = Cells()
    page.feed(comparison_html([comparison], gates(comparison)))
    head, reward, bleu = page.rows[:3]
    assert head[:4] == ["Metric", "before", HOSTILE, "Difference"]
    assert reward[:5] == ["reward *", "0.250", "0.500", "+0.250", "+100.0 %"]
    assert bleu[5] == "expected +20 %, got −25.0 %"
    assert ["ppo.epochs", "4", "2"] in page.rows
    assert "not met: bleu@1>=+20%" in page.text
    assert "Most improved" in page.text and "Most harmed" not in page.text
    assert not page.tags & {"script", "link", "img", "iframe"}


def test_csv_holds_the_numbers_as_they_are(comparison, evaluation):
    other = replace(comparison, b=replace(comparison.b, name="third"))
    rows = list(csv.DictReader(io.StringIO(comparison_csv([comparison, other]))))
    assert [(row["system"], row["metric"]) for row in rows] == [
        (HOSTILE, "reward"),
        (HOSTILE, "bleu@1"),
        ("third", "reward"),
        ("third", "bleu@1"),
    ]
    bleu = rows[1]
    assert float(bleu["difference"]) == comparison.metrics["bleu@1"].difference
    assert (float(bleu["expected"]), bleu["effect"], bleu["in_reward"], bleu["losses"]) == (0.2, "", "false", "24")
    assert (float(bleu["low"]), float(bleu["high"])) == (pytest.approx(-0.05), pytest.approx(-0.05))


def test_several_seeds_are_shown_with_their_values(evaluation):
    first = [evaluation("a1", [0.1] * 4), evaluation("a2", [0.3] * 4)]
    found = compare_all([first, [evaluation("b1", [0.2] * 4)]], Resampling(500, 0.95, 0), names=["a", "b"])
    assert "| reward | 0.100, 0.300 | 0.200 |" in comparison_markdown(found).splitlines()
    page = Cells()
    page.feed(comparison_html(found))
    assert ["reward", "0.100, 0.300", "0.200"] in page.rows
    [row] = csv.DictReader(io.StringIO(comparison_csv(found)))
    assert row["runs_a"].split() == ["0.1", "0.3"]


def test_a_comparison_of_an_earlier_version_is_read(comparison):
    raw = json.loads(json.dumps(comparison.to_json()))
    assert comparison_from_json(raw) == comparison
    raw.pop("settings")
    for side in ("a", "b"):
        raw[side].pop("runs")
    for metric in raw["metrics"].values():
        for key in ("expected", "method", "runs_a", "runs_b"):
            metric.pop(key)
    old = comparison_from_json(raw)
    assert (old.settings, old.a.runs, old.metrics["bleu@1"].runs_a, old.metrics["bleu@1"].expected) == (
        (),
        (),
        (),
        None,
    )
    assert old.metrics["bleu@1"].method == "bootstrap"
    assert old.metrics["reward"].p == comparison.metrics["reward"].p
