"""The table of metrics: what stands where, what is folded, and what is said of it."""

from __future__ import annotations

from ecr_engine.evaluation.comparison import Comparison, MetricComparison, Side
from ecr_engine.evaluation.report import mood
from ecr_engine.evaluation.statistics import Interval
from ecr_engine.evaluation.table_rows import family, grouped_rows


def metric(key, *, paid=False, p=1.0, interval=(-0.1, 0.1), difference=0.0, better=True):
    tested = p is not None
    return MetricComparison(
        metric=key,
        a=0.5,
        b=0.5 + difference,
        difference=difference,
        relative=difference / 0.5,
        interval=Interval(*interval) if tested else None,
        p=p,
        p_holm=p,
        n=100 if tested else None,
        effect=0.0,
        interval_a=None,
        interval_b=None,
        higher_is_better=better,
        in_reward=paid,
        wins=0,
        ties=100,
        losses=0,
        explanation="",
    )


def comparison(*metrics, dialogues=50):
    sides = (Side("baseline", "a", 0), Side("policy", "b", 0))
    by_key = {each.metric: each for each in metrics}
    return Comparison(*sides, "test", 100, dialogues, {}, 0.95, 1000, 0, (), {}, by_key, (), (), ())


def test_the_groups_and_their_order():
    """Objective, components, held out, paid for; what the guide speaks of first, then what was tested."""
    found = grouped_rows(
        comparison(
            metric("length", paid=True),
            metric("dist@1", paid=True, p=None),
            metric("chrf", p=None),
            metric("safety"),
            metric("reward", paid=True),
            metric("bleu@1", paid=True),
            metric("reward/empathy", paid=True),
            metric("reward/bleu", paid=True),
        )
    )
    assert [(group.title, [row.metric for row in group.rows]) for group in found] == [
        ("Objective", ["reward"]),
        ("Components of the reward", ["reward/empathy", "reward/bleu"]),
        ("Held out from the reward", ["safety", "chrf"]),
        ("Paid for by the reward", ["bleu@1", "dist@1", "length"]),
    ]


def test_families_are_folded_behind_their_first_row():
    labels = [metric(f"emotion_f1/{name}", p=None) for name in ("happy", "like", "grateful")]
    bleu = [metric(f"bleu@{n}") for n in (1, 2, 3)]
    bleu.append(metric("bleu@4", p=0.001, interval=(-0.3, -0.1), difference=-0.2))
    (group,) = grouped_rows(comparison(*labels, metric("emotion_f1", p=None), *bleu, metric("hit@1"), metric("hit@10")))
    assert [row.metric for row in group.rows] == ["bleu@1", "bleu@2", "hit@1", "hit@10", "emotion_f1"]
    folds = {key: [row.metric for row in fold.rows] for key, fold in group.folds.items()}
    assert folds == {
        "emotion_f1": ["emotion_f1/happy", "emotion_f1/like", "emotion_f1/grateful"],
        "bleu@2": ["bleu@3", "bleu@4"],
    }
    assert group.folds["bleu@2"].counted(0.95) == "2 more of bleu: 1 worse, 1 unclear"
    assert group.folds["emotion_f1"].counted(0.95) == "3 more of emotion_f1: 3 not tested"
    assert [row.metric for row in group.all_rows][:4] == ["bleu@1", "bleu@2", "bleu@3", "bleu@4"]


def test_a_family_is_not_torn_from_its_mark():
    """A member that the reward pays for stands under its own heading."""
    found = grouped_rows(comparison(metric("empathy"), metric("empathy/reaction", paid=True)))
    assert [(group.title, [row.metric for row in group.rows]) for group in found] == [
        ("Held out from the reward", ["empathy"]),
        ("Paid for by the reward", ["empathy/reaction"]),
    ]


def test_families():
    assert [family(key) for key in ("bleu@2", "emotion_f1/happy", "self_bleu", "hit_all@10")] == [
        "bleu",
        "emotion_f1",
        "self_bleu",
        "hit_all",
    ]


def test_the_colour_of_the_verdict_claims_no_more_than_the_verdict():
    def reward(p, interval):
        return metric("reward", paid=True, p=p, interval=interval)

    assert mood(comparison(reward(0.001, (0.1, 0.2)))) == "better"
    assert mood(comparison(reward(0.001, (-0.2, -0.1)))) == "worse"
    assert mood(comparison(reward(0.2, (0.1, 0.2)))) == "unclear"
    assert mood(comparison(reward(0.001, (-0.1, 0.2)))) == "unclear"
    assert mood(comparison(reward(0.001, (0.1, 0.2)), dialogues=9)) == "unclear"
    assert mood(comparison(metric("bleu@1"))) == mood(None) == "unclear"
