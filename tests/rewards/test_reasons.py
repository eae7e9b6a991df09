"""The reasons behind the scores, worked out by hand, and which components can be had."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ecr_engine.config.sections.rl import RewardOptionSettings
from ecr_engine.data.knowledge.graph import KnowledgeGraph
from ecr_engine.data.schema import Example, Item, Role, Sample, Turn
from ecr_engine.emotion.empathy import EmpathyLevels
from ecr_engine.emotion.recognition import RECOGNISERS
from ecr_engine.errors import EcrError, UsageError
from ecr_engine.rewards.component import COMPONENTS
from ecr_engine.rewards.custom import build_component
from ecr_engine.rewards.reasons import Explains, Reason, at_hand, explained, shown_by
from ecr_engine.rewards.resources import Resources
from ecr_engine.scoring.judge import Judgement

GRAPH = KnowledgeGraph(
    names=("Heat (1995)", "Paper Moon (1973)", "Al Pacino"),
    kinds=("movie", "movie", "person"),
    relations=("star",),
    triples=((0, 0, 2),),
    items={"11": 0, "22": 1},
)


def sample(response, *said, reference="", emotions=(), finished=True, items=()):
    """A response to turns that alternate, the last one the seeker's."""
    sides = [Role.SEEKER if (len(said) - place) % 2 else Role.RECOMMENDER for place in range(len(said))]
    turns = tuple(Turn(side, text, text) for side, text in zip(sides, said, strict=True))
    example = Example("1:2", "1", len(said), turns, reference, items, (), tuple(emotions), "test.jsonl", 1)
    return Sample(example, response, finished, 1)


def reason(name, given, **changed):
    component = build_component(name, Resources(**changed))
    assert isinstance(component, Explains)
    return component.explain(given)


@pytest.mark.parametrize(
    ("name", "given", "text"),
    [
        (
            "bleu",
            sample("i love it", "hello", reference="i love this movie"),
            "2 of 3 words and 1 of 2 pairs shared, 3 words to the reference's 4",
        ),
        ("bleu", sample("see this fine movie now", reference="a movie"), "1 of 5 words and 0 of 4 pairs shared"),
        ("bleu", sample("hello"), "no reference"),
        ("distinct", sample("so so so good, I think so"), "4 of 7 words and 5 of 6 pairs different"),
        ("distinct", sample("great!"), "1 of 1 words and 0 of 0 pairs different, counted as of 6 words"),
        ("format", sample("[INST] @123", finished=False), "template leftover 0.5, raw movie id 0.5, unfinished 0.5"),
        ("format", sample(" "), "empty 1"),
        ("format", sample("Hello!"), "no fault"),
        ("length", sample("Try <movie>, please."), "3 words, 4 to 30 are good"),
        ("recommendation", sample("<movie>", reference="<movie> or <movie>"), "1 slot, the reference has 2"),
        ("recommendation", sample("no", reference="no"), "0 slots, the reference has 0"),
        ("recommendation", sample("no"), "no reference"),
        ("slot_recall", sample("<movie>", reference="<movie> or <movie>"), "1 of the reference's 2"),
        ("slot_recall", sample("<movie>", reference="no"), "the reference has no slot"),
        (
            "repetition",
            # Runs of three: abc, bca, cab, abc: one of four comes again. Nothing was said before.
            sample("a b c a b c", "hello"),
            "25% of its runs of 3 words come again, 0% of its words were said before",
        ),
        (
            "repetition",
            sample("Do you like old funny movies? Or new?", "Do you like old funny movies?", "hello"),
            "0% of its runs of 3 words come again, 75% of its words were said before",
        ),
        ("safety", sample("You are an idiot."), "insult 0.5"),
        ("safety", sample("You are kind."), "no hazard"),
        ("emotion_alignment", sample("Hi", emotions=("happy",)), "the seeker has not spoken last"),
        ("emotion_alignment", sample("...", "I feel sad"), "the response has no words"),
        ("empathy", sample("", "I feel sad"), "nothing like a sentence"),
        ("empathy", sample("I'm so sorry to hear that.", "I feel sad"), "reaction 2: 'sorry to hear'"),
    ],
)
def test_reasons(name, given, text):
    assert reason(name, given) == text


def test_the_band_of_the_settings_is_named():
    options = RewardOptionSettings(length_shortest=1, length_longest=2)
    assert reason("length", sample("three words here"), options=options) == "3 words, 1 to 2 are good"


def test_titles_and_what_they_are_worth():
    liked = (Item("11", "Heat (1995)", liked=True), Item("22", "Paper Moon (1973)", liked=False))
    given = sample("See Heat (1995), or Paper Moon, or <movie>", "hello", reference="<movie> or <movie>", items=liked)
    options = RewardOptionSettings(recommendation_mode="grounded")
    assert reason("recommendation", given, options=options, knowledge=GRAPH) == (
        "1 slot, 'Heat (1995)' worth 1.00, 'Paper Moon (1973)' worth 0.00, the reference has 2 slots"
    )


class Fixed:
    """A recogniser that always says the same."""

    name = "fixed"
    explanation = "always the same"
    labels = ("negative", "happy")

    def recognise(self, texts):
        return [(("negative", 0.5), ("happy", 0.25))] * len(texts)

    def levels(self, pairs):
        return [EmpathyLevels(0, 1, 2)] * len(pairs)


def test_what_both_sides_show():
    given = sample("Oh no", "I feel sad")
    told = "seeker negative, happy; response negative 0.50, happy 0.25, without care"
    assert reason("emotion_alignment", given, emotion=Fixed(), empathy=Fixed()) == told
    annotated = sample("Oh no", "I feel sad", emotions=("curious",))
    told = "seeker curious; response negative 0.50, happy 0.25"
    assert reason("emotion_alignment", annotated, emotion=Fixed(), empathy=Fixed()) == told


def test_levels_of_a_trained_recogniser_and_what_takes_the_score_down():
    long = sample("You should see this one, it is a film. " * 8, "I loved that old western, it was so great")
    # A sentence that comes again is none: 9 of 72 words count.
    assert reason("empathy", long, empathy=Fixed()) == (
        "reaction 0; interpretation 1; exploration 2; could be said to anyone; only 12% in sentences; 72 words"
    )
    copied = sample("I had such a rough week. Try <movie>.", "I had such a rough week")
    assert "75% copied" in reason("empathy", copied).split("; ")


def test_what_a_judge_says():
    class Strict:
        name, explanation = "strict", "says what it is told"

        def judge(self, rows):
            scores = {"empathy": 0.25, "engagement": 1.0, "overall": 0.625}
            for row in rows:
                if row.response:
                    yield Judgement(row.example.example_id, scores, {"empathy": "cold"})
                else:
                    yield Judgement(row.example.example_id, {}, {}, "no answer")

    from ecr_engine.rewards.components.judge import JudgeScore

    assert JudgeScore(Strict()).explain(sample("Hello")) == "empathy 0.25 (cold); engagement 1.00"
    assert JudgeScore(Strict()).explain(sample("")) == "no answer"


def test_the_rows_are_the_composers_with_reasons():
    given = sample("<movie><movie>", "hello", reference="<movie>")
    names = ("recommendation", "format")
    built = {name: build_component(name, Resources()) for name in names}
    assert explained(built, {"recommendation": 2.0, "format": 1.0, "bleu": 9.0}, given) == [
        Reason("recommendation", 0.5, 0.0, 1.0, 2.0, 0.5, "2 slots, the reference has 1"),
        Reason("format", -0.25, -1.0, 0.0, 1.0, -0.125, "glued slots 0.25"),
    ]


def test_a_component_need_not_explain():
    class Silent:
        name, low, high, explanation = "silent", 0.0, 1.0, "says nothing"

        def score(self, batch):
            return [0.5 for _ in batch]

    assert explained({"silent": Silent()}, {"silent": 1.0}, sample("a")) == [
        Reason("silent", 0.5, 0.0, 1.0, 1.0, 0.5, "")
    ]


def test_what_can_be_had():
    built, missing = at_hand(["critic", "bleu", "similarity"], Resources())
    assert list(built) == ["bleu"]
    assert [(one.component, one.needs) for one in missing] == [
        ("critic", "reward component 'critic' needs a trained critic"),
        ("similarity", "reward component 'similarity' needs a sentence encoder"),
    ]


def test_a_model_is_missed_only_when_there_is_something_to_score():
    nowhere = Resources(encoder="./no-encoder-here")
    assert list(at_hand(["similarity"], nowhere)[0]) == ["similarity"]
    built, [missing] = at_hand(["similarity"], nowhere, sample("a film", reference="a movie"))
    assert built == {}
    assert missing.needs.startswith("encoder './no-encoder-here' can't be loaded")


def test_one_from_elsewhere_that_can_not_be_made_is_an_error_where_it_counts():
    _, [missing] = at_hand(["nopackage.rewards:Polite"], Resources())
    assert missing.needs == "there is no module 'nopackage'"
    with pytest.raises(UsageError, match=r"^there is no module 'nopackage'$"):
        at_hand(["nopackage.rewards:Polite"], Resources(), sample("a"))


def test_a_reason_that_raises_names_its_component():
    class Broken:
        name, low, high, explanation = "broken", 0.0, 1.0, "raises"

        def score(self, batch):
            return [0.5 for _ in batch]

        def explain(self, sample):
            return 1 / 0

    with pytest.raises(EcrError) as caught:
        explained({"broken": Broken()}, {"broken": 1.0}, sample("a"))
    [problem] = caught.value.problems
    assert problem.what.startswith("reward component 'broken' raised ZeroDivisionError: division by zero (")
    assert (problem.at, problem.fix) == ("example 1:2", "mend its method explain")


def test_what_the_seeker_shows():
    lexical = RECOGNISERS.build("lexical")
    assert shown_by(sample("a", "I feel so sad").example, lexical) == ("negative",)
    assert shown_by(sample("a", "I feel so sad").example, Fixed()) == ("negative", "happy")
    assert shown_by(sample("a", "I feel so sad", emotions=("like",)).example, lexical) == ("like",)
    assert shown_by(sample("a").example, lexical) == ("neutral",)
    example = sample("a", "hello", "I feel sad").example
    assert shown_by(replace(example, context=example.context[:1]), lexical) == ("neutral",)


def test_every_component_of_words_explains():
    built, _ = at_hand(COMPONENTS.names(), Resources(judge="rubric"))
    assert {name for name, one in built.items() if not isinstance(one, Explains)} <= {"relevance"}
    assert len(built) >= 10
