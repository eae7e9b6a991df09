"""Odd texts, for every component that needs no model: a score in its range, or a reason why there is none."""

from dataclasses import replace

import pytest
from reward_dialogues import examples, sample

from ecr_engine.config.sections.rl import RewardOptionSettings
from ecr_engine.data.knowledge.graph import KnowledgeGraph
from ecr_engine.data.schema import Role, Sample, Turn
from ecr_engine.rewards.component import COMPONENTS
from ecr_engine.rewards.resources import Resources

GRAPH = KnowledgeGraph(
    names=["Heat (1995)", "Émile (2003)", "!!! (2007)"],
    kinds=["movie"] * 3,
    relations=[],
    triples=[],
    items={"1": 0, "2": 1, "3": 2},
)
PLAIN = Resources(judge="rubric")
GROUNDED = Resources(knowledge=GRAPH, options=RewardOptionSettings(recommendation_mode="grounded"))
COMPONENT = {
    name: COMPONENTS.build(name, PLAIN)
    for name in (
        *("bleu", "distinct", "emotion_alignment", "empathy", "format", "judge", "length", "recommendation"),
        *("repetition", "safety", "slot_recall"),
    )
} | {"grounded": COMPONENTS.build("recommendation", GROUNDED)}

ODD = {
    "empty": "",
    "blank": " \t\n ",
    "control characters": "a\x00b\x1b[31m\x7f",
    "right to left": "\u202eمرحبا، هل شاهدت <movie>؟\u202c",
    "emoji": "😀👩‍👩‍👧🎬 <movie> 🇫🇮",
    "chinese": "您好，我喜欢电影<movie>。",
    "finnish": "Hyvää päivää, minä olen iloinen että pidit siitä!",
    "combining": "e\u0301\u0301\u0301 n\u0303o",
    "lone surrogate": "a \ud800 b",
    "ten thousand words": "word " * 10_000,
    "ten thousand different words": " ".join(f"w{n}" for n in range(10_000)),
    "one long word": "a" * 20_000,
    "slots without an end": "<movie>" * 500,
    "broken slots": "<movie <movie>> movie> <MOVIE>",
    "marks": "?!" * 5000,
    "title of marks": "!!! (2007) and Émile (2003)",
}


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("name", COMPONENT)
def test_an_odd_response_has_a_score_in_the_range(name, odd):
    component = COMPONENT[name]
    value = component.score([sample(ODD[odd], "Can you recommend a good horror movie?", "Try <movie>.")])[0]
    assert value is not None and component.low <= value <= component.high


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("name", COMPONENT)
def test_so_has_a_fine_response_to_odd_words(name, odd):
    component = COMPONENT[name]
    value = component.score([sample("Try <movie>, it is fun.", ODD[odd], ODD[odd], earlier=("a", ODD[odd]))])[0]
    if name in ("bleu", "recommendation", "grounded") and not ODD[odd].strip():
        assert value is None  # there is no reference
    elif name == "slot_recall" and "<movie>" not in ODD[odd]:
        assert value is None
    else:
        assert value is not None and component.low <= value <= component.high


@pytest.mark.parametrize(
    "context",
    [(), (Turn(Role.RECOMMENDER, "Hi", "Hi"),), (Turn(Role.SEEKER, "", ""),), (Turn(Role.SEEKER, "", ""),) * 2],
    ids=["none", "the recommender", "an empty turn", "two empty turns"],
)
@pytest.mark.parametrize("name", COMPONENT)
def test_an_odd_context_is_no_error(name, context):
    one = sample("Try <movie>, it is fun.", reference="Try <movie>.")
    component = COMPONENT[name]
    value = component.score([replace(one, example=replace(one.example, context=context))])[0]
    if name == "emotion_alignment" and (not context or context[-1].role is Role.RECOMMENDER):
        assert value is None
    else:
        assert value is not None and component.low <= value <= component.high


@pytest.mark.parametrize("name", COMPONENT)
def test_no_samples_are_no_scores(name):
    assert COMPONENT[name].score([]) == []


@pytest.mark.parametrize("name", COMPONENT)
def test_a_score_depends_on_its_sample_alone(name):
    batch = [Sample(one, one.target, True, 9) for one in examples()]
    together = COMPONENT[name].score(batch)
    assert together[::-1] == COMPONENT[name].score(batch[::-1])
    assert together == [COMPONENT[name].score([one])[0] for one in batch]
