"""Gates: what they mean, and what is said where they are not met or not understood."""

from __future__ import annotations

import pytest

from ecr_engine.errors import ExitCode, UsageError
from ecr_engine.evaluation.comparison import Comparison, MetricComparison, Side
from ecr_engine.evaluation.gates import UnmetGatesError, check_gates, parse_gate, require
from ecr_engine.evaluation.statistics import Interval


def metric(key, a, b, **changes):
    fields = {
        "metric": key,
        "a": a,
        "b": b,
        "difference": b - a,
        "relative": (b - a) / a if a else None,
        "interval": Interval(0.01, 0.09),
        "p": 0.04,
        "p_holm": 0.08,
        "n": 40,
        "effect": 0.5,
        "interval_a": None,
        "interval_b": None,
        "higher_is_better": True,
        "in_reward": False,
        "wins": 24,
        "ties": 10,
        "losses": 6,
        "explanation": "",
    }
    return MetricComparison(**{**fields, **changes})


@pytest.fixture
def comparison():
    """`bleu@1` rose from 0.20 to 0.25, `dist@1` fell from 0.40 to 0.38 without an interval."""
    metrics = (
        metric("bleu@1", 0.20, 0.25),
        metric("reward/empathy", 0.5, 0.5, interval=Interval(-0.05, 0.05), p=1.0, p_holm=1.0),
        metric("dist@1", 0.40, 0.38, interval=None, p=None, p_holm=None, n=None, effect=None),
        metric("my.own", 0.0, 0.3, effect=None),
    )
    return Comparison(
        Side("old", "x", 0), Side("new", "y", 0), "test", 40, 10, {}, 0.95, 1000, 0, (),
        {"length": "only one side has it"}, {one.metric: one for one in metrics}, (), (), (),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "met"),
    [
        ("bleu@1>=0.25", True),
        ("bleu@1>0.25", False),
        ("bleu@1 >= 0.251", False),
        ("bleu@1<=.25", True),
        ("bleu@1<2.5e-1", False),
        ("bleu@1>=+25%", True),
        ("bleu@1>+25%", False),
        ("bleu@1>=+25.1 %", False),
        ("bleu@1.relative>=0.25", True),
        ("bleu@1.relative>=20%", True),
        ("dist@1>=-5%", True),
        ("dist@1>=-4.9%", False),
        ("bleu@1.a<0.21", True),
        ("bleu@1.b<0.21", False),
        ("bleu@1.difference>=0.05", True),
        ("bleu@1.p<0.05", True),
        ("bleu@1.p<5%", True),
        ("bleu@1.holm<0.05", False),
        ("bleu@1.interval.low>0", True),
        ("bleu@1.interval.low>=5%", True),
        ("bleu@1.interval.low>=6%", False),
        ("bleu@1.interval.high<0.1", True),
        ("bleu@1.effect>=0.5", True),
        ("bleu@1.wins>23", True),
        ("bleu@1.losses<=5", False),
        ("reward/empathy.p<0.05", False),
        ("my.own>=0.3", True),
        ("my.own.p<0.05", True),
        # What has no value is not met, whatever is asked.
        ("dist@1.p<=1", False),
        ("dist@1.interval.low>-1", False),
        ("my.own>=-100%", False),
        ("length>=0", False),
    ],
)
def test_what_a_gate_means(comparison, text, met):
    [outcome] = check_gates([parse_gate(text)], [comparison])
    assert outcome.met is met
    assert (outcome.gate, outcome.side) == (text, "new")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("bleu@1>=+30%", "the relative difference of bleu@1 is +25 %, and at least +30 % is required"),
        ("bleu@1>0.3", "bleu@1 of new is 0.25, and more than 0.3 is required"),
        ("bleu@1.a<=0.1", "bleu@1 of old is 0.2, and at most 0.1 is required"),
        ("bleu@1.holm<0.05", "Holm's p of bleu@1 is 0.08, and less than 0.05 is required"),
        ("bleu@1.interval.low>=10%", "the lower end of the interval of bleu@1 is +5 %, and at least +10 % is required"),
        ("dist@1.p<0.05", "there is no p of dist@1"),
        ("dist@1.interval.high>0", "there is no upper end of the interval of dist@1"),
        ("my.own>=+5%", "there is no relative difference of my.own"),
        ("length<20", "length was not compared: only one side has it"),
    ],
)
def test_what_is_said_of_a_gate_that_is_not_met(comparison, text, told):
    outcomes = check_gates([parse_gate("bleu@1.p<0.05"), parse_gate(text)], [comparison])
    with pytest.raises(UnmetGatesError) as error:
        require(outcomes)
    [problem] = error.value.problems
    assert (problem.what, problem.at) == (told, f"--require '{text}'")
    assert problem.fix == "see which turns got worse with --dialogues, or ask for less"
    assert error.value.exit_code == ExitCode.GATE == 4


def test_every_unmet_gate_is_named_and_every_side_has_to_meet_it(comparison):
    from dataclasses import replace

    other = replace(comparison, b=Side("third", "z", 0), metrics={"bleu@1": metric("bleu@1", 0.20, 0.21)})
    outcomes = check_gates([parse_gate("bleu@1>=0.24"), parse_gate("bleu@1<0.1")], [comparison, other])
    assert [(one.side, one.met) for one in outcomes] == [
        ("new", True),
        ("new", False),
        ("third", False),
        ("third", False),
    ]
    with pytest.raises(UnmetGatesError) as error:
        require(outcomes)
    assert [problem.what for problem in error.value.problems] == [
        "bleu@1 of new is 0.25, and less than 0.1 is required",
        "bleu@1 of third is 0.21, and at least 0.24 is required",
        "bleu@1 of third is 0.21, and less than 0.1 is required",
    ]


def test_gates_that_are_met_are_no_error(comparison):
    require(check_gates([parse_gate("bleu@1>=+20%")], [comparison]))
    require(())


@pytest.mark.parametrize(
    ("text", "what", "fix"),
    [
        ("bleu@2>0.1", "unknown metric 'bleu@2'", "did you mean 'bleu@1'?"),
        ("empathy.p<0.05", "unknown metric 'empathy'", "did you mean 'reward/empathy'?"),
        ("bleu@1.q<0.05", "unknown field 'q' of 'bleu@1'", None),
        ("bleu@1.pp<0.05", "unknown field 'pp' of 'bleu@1'", "did you mean 'p'?"),
        (
            "bleu@1.effect>=20%",
            "'effect' can't be given in percent",
            "leave the % out, or give it for one of: relative, p, holm, interval.low, interval.high",
        ),
    ],
)
def test_names_that_are_wrong(comparison, text, what, fix):
    with pytest.raises(UsageError) as error:
        check_gates([parse_gate(text)], [comparison])
    [problem] = error.value.problems
    assert (problem.what, problem.at) == (what, f"--require '{text}'")
    assert problem.fix == (fix or "choose from: a, b, difference, relative, p, holm, effect, wins, losses, "
                           "interval.low, interval.high")  # fmt: skip
    assert error.value.exit_code == ExitCode.USAGE == 2


@pytest.mark.parametrize(
    "text", ["", "bleu@1", "bleu@1>=", ">=0.2", "bleu@1=0.2", "bleu@1=>0.2", "bleu@1>=high", "bleu@1>=1>=0", "a b>1"]
)
def test_what_is_no_gate(text):
    with pytest.raises(UsageError) as error:
        parse_gate(text)
    [problem] = error.value.problems
    assert (problem.what, problem.at) == (f"'{text}' is no gate", f"--require '{text}'")
    assert problem.fix == "write METRIC[.FIELD]>=NUMBER[%], as in 'bleu@1>=+20%' or 'empathy.p<0.05'"
