"""The file of dimensions, and what is made of it."""

import pytest
from tiny_judges import ROWS, tiny_judge

from ecr_engine.errors import DataError, UsageError
from ecr_engine.scoring.dimensions import dimension_set, dimension_sets, parse_dimensions
from ecr_engine.scoring.judge import DIMENSIONS
from ecr_engine.scoring.replies import ReplyError, read_reply
from ecr_engine.scoring.wording import case_text, json_question, question_text, task_text

TEXT = """
[mine]
summary = "One of my own."
low = 0.0
high = 10.0
ratings = [1, 3]
[mine.dimensions.good_humour]
definition = "Is it funny?"
rubric.3 = "very"
rubric.1 = "no"
"""
MORE = '[mine.dimensions.brevity]\ndefinition = "Is it short?"\nrubric.1 = "long"\n'
FIX = "see the lines at the top of the file"


def test_the_guides_dimensions_lie_in_0_1():
    guide = dimension_set("guide")
    assert guide.names == ("empathy", "informativeness", "recommendation", "engagement", "overall")
    assert {(each.low, each.high) for each in guide.dimensions} == {(0.0, 1.0)}
    assert set(DIMENSIONS) == set(guide.names) - {"overall"}


def test_the_papers_dimensions_go_from_0_to_9():
    paper = dimension_set("paper")
    assert paper.names == (
        "emotional_intensity",
        "emotional_persuasiveness",
        "logic_persuasiveness",
        "informativeness",
        "lifelikeness",
    )
    assert {(each.low, each.high) for each in paper.dimensions} == {(0.0, 9.0)}
    assert paper.score(paper.dimensions[0], 6.5) == pytest.approx(6.5)


def test_every_dimension_says_what_its_ends_mean():
    for each in dimension_sets():
        for dimension in each.dimensions:
            assert {level.rating for level in dimension.levels} >= {each.ratings[0], each.ratings[-1]}


def test_a_dimension_added_to_the_file_is_asked_for_and_scored():
    [mine] = parse_dimensions(TEXT + MORE, "here")
    assert mine.names == ("good_humour", "brevity")
    assert task_text(mine).splitlines()[-2:] == [
        "good humour: Is it funny? 1 = no; 3 = very.",
        "brevity: Is it short? 1 = long.",
    ]
    for judgement in tiny_judge(dimensions=mine).judge(ROWS):
        assert set(judgement.scores) == {"good_humour", "brevity"}
        assert all(0 < score < 10 for score in judgement.scores.values())
    assert mine.fingerprint != parse_dimensions(TEXT, "here")[0].fingerprint


def test_ratings_are_mapped_onto_the_range_in_equal_steps():
    [mine] = parse_dimensions(TEXT, "here")
    assert [mine.score(mine.dimensions[0], rating) for rating in (1, 2, 2.5, 3)] == [0.0, 5.0, 7.5, 10.0]


@pytest.mark.parametrize(
    ("text", "what", "fix"),
    [
        ("[mine", "the file of dimensions is not TOML: ", ""),
        (TEXT.replace("high = 10.0\n", ""), "the file of dimensions lacks 'high'", FIX),
        (TEXT.replace("definition", "says"), "the file of dimensions lacks 'definition'", FIX),
        (
            TEXT.replace("[1, 3]", "[1, 10]"),
            "the file of dimensions is wrong: the ratings of 'mine' are [1, 10], not two digits, the lower one first",
            FIX,
        ),
        (TEXT.replace("10.0", "0"), "the file of dimensions is wrong: the scores of 'mine' go from 0 to 0", FIX),
        (
            TEXT.replace("rubric.3", "rubric.4"),
            "the file of dimensions is wrong: the rubric of 'good_humour' speaks of 4, which is no rating",
            FIX,
        ),
        ("mine = 3", "the file of dimensions is wrong: ", FIX),
    ],
)
def test_what_is_wrong_in_the_file_is_said(text, what, fix):
    with pytest.raises(DataError) as caught:
        parse_dimensions(text, "dimensions.toml")
    problem = caught.value.problems[0]
    assert problem.what.startswith(what)
    assert (problem.at, problem.fix) == ("dimensions.toml", fix)


def test_unknown_names():
    with pytest.raises(UsageError) as caught:
        dimension_set("papr")
    problem = caught.value.problems[0]
    assert (problem.what, problem.at) == ("there are no dimensions 'papr'", "judge.dimensions")
    assert problem.fix == "did you mean 'paper'?"
    with pytest.raises(UsageError) as caught:
        dimension_set("guide").dimension("empaty")
    assert caught.value.problems[0].what == "the dimensions 'guide' have no 'empaty'"
    assert caught.value.problems[0].fix == "did you mean 'empathy'?"


def test_what_a_judge_reads():
    assert case_text(ROWS[0].example.context, [("", "I <s> see")], ["see"]) == (
        "Dialogue:\nseeker: hello there, i feel sad today\n\nResponse: I"
    )
    assert case_text((), [("A", "x"), ("B", "")]) == (
        "Dialogue:\n(the dialogue has just begun)\n\nResponse A: x\nResponse B: "
    )
    [mine] = parse_dimensions(TEXT + MORE, "here")
    assert question_text(mine.dimensions[0], mine) == "Rate the good humour, 1 to 3."
    assert json_question(mine).endswith('in the form {"good_humour": rating, "brevity": rating}.')
    assert task_text(mine, several=True).startswith("You rate the responses that different recommenders gave")


def test_a_reply_is_read_whatever_stands_around_it():
    [mine] = parse_dimensions(TEXT + MORE, "here")
    assert read_reply('Sure {here}: {"brevity": 1, "good_humour": 2.5} bye', mine) == {"good_humour": 7.5, "brevity": 0}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("I can't rate this.", 'the reply holds no JSON object: "I can\'t rate this."'),
        ('{"good_humour": 2', "the reply holds no JSON object: '{\"good_humour\": 2'"),
        ('{"brevity": 2}', "the reply has no rating for 'good_humour': '{\"brevity\": 2}'"),
        ('{"good_humour": "2", "brevity": 1}', "the reply's rating for 'good_humour' is no number: "),
        ('{"good_humour": true, "brevity": 1}', "the reply's rating for 'good_humour' is no number: "),
        ('{"good_humour": NaN, "brevity": 1}', "the reply's rating for 'good_humour' is no number: "),
        ('{"good_humour": 7, "brevity": 1}', "the reply rates 'good_humour' 7, the scale is 1 to 3"),
    ],
)
def test_a_reply_without_ratings_is_none(text, reason):
    [mine] = parse_dimensions(TEXT + MORE, "here")
    with pytest.raises(ReplyError) as caught:
        read_reply(text, mine)
    assert str(caught.value).startswith(reason)
