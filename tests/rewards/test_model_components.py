"""The components that ask a model or a judge: `similarity`, `critic` and `judge`."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
from reward_dialogues import examples, sample
from tiny_models import tiny_critic, tiny_tokenizer

from ecr_engine.data.schema import Sample
from ecr_engine.errors import EcrError, UnavailableError, UsageError
from ecr_engine.rewards.component import COMPONENTS
from ecr_engine.rewards.components.critic import squashed
from ecr_engine.rewards.components.judge import JudgeScore
from ecr_engine.rewards.composition import Composer
from ecr_engine.rewards.resources import Resources
from ecr_engine.scoring.dimensions import dimension_set
from ecr_engine.scoring.judge import Judgement


@pytest.fixture(scope="module")
def encoder(tmp_path_factory) -> Path:
    """The folder of a sentence encoder with random weights."""
    import torch
    from transformers import BertConfig, BertModel

    torch.manual_seed(3)
    folder = tmp_path_factory.mktemp("encoder")
    tokenizer = tiny_tokenizer()
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        pad_token_id=tokenizer.pad_token_id,
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def test_similarity_is_the_cosine_of_the_means_of_the_tokens(encoder):
    import torch
    from transformers import AutoModel, AutoTokenizer

    body, tokenizer = AutoModel.from_pretrained(encoder).eval(), AutoTokenizer.from_pretrained(encoder)

    def embedded(text):
        with torch.no_grad():
            return body(**tokenizer(text, return_tensors="pt")).last_hidden_state[0].mean(0)

    response, reference = "i am sorry you feel sad", "that is a good movie, and a much longer sentence it is too"
    cosine = torch.cosine_similarity(embedded(response), embedded(reference), dim=0)
    component = COMPONENTS.build("similarity", Resources(encoder=str(encoder)))
    found = component.score([sample(response, reference=reference), sample(reference, reference=reference)])
    assert found == [pytest.approx((1 + float(cosine)) / 2, abs=2e-5), pytest.approx(1.0, abs=2e-5)]


def test_similarity_encodes_a_reference_once(encoder, monkeypatch):
    component = COMPONENTS.build("similarity", Resources(encoder=str(encoder)))
    encoded = []
    embedded = component._embedded
    monkeypatch.setattr(component, "_embedded", lambda texts: (encoded.append(list(texts)), embedded(texts))[1])
    reference = "that is a good movie"
    first = component.score([sample("i am sorry", reference=reference)])
    again = component.score([sample("me too", reference=reference), sample("i am sorry", reference=reference)])
    same = component.score([sample(reference, reference=reference)])
    assert encoded == [["i am sorry", reference], ["me too", "i am sorry"], []]
    assert (again[1], same) == (first[0], [pytest.approx(1.0, abs=2e-5)])


def test_similarity_does_not_apply_without_a_reference_and_is_zero_without_words(encoder):
    component = COMPONENTS.build("similarity", Resources(encoder=str(encoder)))
    batch = [sample("fine", reference=" "), sample("?!", reference="fine"), sample("", reference=""), sample("")]
    assert component.score(batch) == [None, 0.0, None, None]


def test_similarity_needs_no_encoder_where_nothing_is_to_be_compared():
    component = COMPONENTS.build("similarity", Resources(encoder="no/such-encoder"))
    assert component.score([sample("fine")]) == [None]


def test_similarity_without_an_encoder_is_an_error():
    with pytest.raises(UsageError) as caught:
        COMPONENTS.build("similarity", Resources())
    problem = caught.value.problems[0]
    assert problem.what == "reward component 'similarity' needs a sentence encoder"
    assert problem.at == "reward_options.similarity_encoder"
    assert problem.fix == "--set reward_options.similarity_encoder=minilm-l6, or --set rewards.similarity=0"


def test_an_encoder_that_is_not_there_is_an_error_of_the_environment(tmp_path):
    composed = Composer({"similarity": 1.0}, resources=Resources(encoder=str(tmp_path)))
    with pytest.raises(UnavailableError) as caught:
        composed.score([sample("fine", reference="good")])
    problem = caught.value.problems[0]
    assert problem.what.startswith(f"encoder '{tmp_path}' can't be loaded: ")
    assert problem.at == "reward_options.similarity_encoder"
    assert problem.fix.endswith("--set rewards.similarity=0")


@pytest.fixture(scope="module")
def critic(tmp_path_factory) -> Path:
    """The folder of a critic whose value head says something."""
    import torch

    folder = tmp_path_factory.mktemp("critic")
    model = tiny_critic(tiny_tokenizer(), max_length=64)
    torch.manual_seed(5)
    torch.nn.init.normal_(model.value_head.weight, std=0.5)
    model.save(folder)
    return folder


def test_the_critic_gives_its_squashed_value(critic):
    import torch

    from ecr_engine.models.critic import load_critic

    model = load_critic(critic).eval()
    with torch.no_grad():
        ids, mask = model.encode(["seeker: i feel sad"], ["i am sorry"])
        value = float(model(ids, mask).value)
    one = sample("i am sorry", "i feel sad")
    found = COMPONENTS.build("critic", Resources(critic=critic)).score([one])
    assert found == [pytest.approx(1 / (1 + math.exp(-4 * (value - 0.5))), abs=2e-5)]


def test_the_squashing_keeps_the_order_and_never_leaves_the_range():
    # 1 / (1 + e^2) and so on
    assert [squashed(value) for value in (0.0, 0.5, 1.0)] == pytest.approx([0.1192029, 0.5, 0.8807971])
    assert squashed(-1e9) == 0.0 and squashed(1e9) == 1.0


def test_the_critic_without_a_checkpoint_is_an_error():
    with pytest.raises(UsageError) as caught:
        COMPONENTS.build("critic", Resources())
    problem = caught.value.problems[0]
    assert (problem.what, problem.at) == ("reward component 'critic' needs a trained critic", "rewards.critic")
    assert problem.fix == "train it first: ecrctl train critic --run DIR; or --set rewards.critic=0"


@pytest.mark.parametrize("name", ["similarity", "critic"])
def test_a_score_of_a_model_depends_on_its_sample_alone(name, encoder, critic):
    batch = [Sample(one, one.target[: 5 * n + 5], True, 9) for n, one in enumerate(examples())]
    component = COMPONENTS.build(name, Resources(encoder=str(encoder), critic=critic))
    together = component.score(batch)
    alone = [component.score([one])[0] for one in batch]
    assert together == pytest.approx(alone, abs=2e-5)
    assert len(set(together)) > 10


class Moody:
    """A judge that fails on empty responses, and counts what it is asked."""

    name, explanation, fingerprint = "moody", "fails", "moody-1"

    def __init__(self, dimensions="guide"):
        self.dimensions = dimension_set(dimensions)
        self.asked = []

    def judge(self, rows):
        rows = list(rows)
        self.asked.append([row.response for row in rows])
        for row in rows:
            if row.response:
                yield Judgement(row.example.example_id, {"empathy": 0.9, "overall": 0.25}, {})
            else:
                yield Judgement(row.example.example_id, {}, {}, "nothing to judge")


def test_the_judge_gives_its_overall_score_and_none_where_it_fails():
    component = JudgeScore(Moody())
    assert component.score([sample("a"), sample(""), sample("b")]) == [0.25, None, 0.25]
    assert component.explanation == "overall score of the judge 'moody'"


def test_a_response_is_judged_once_and_a_failure_again():
    judge = Moody()
    component = JudgeScore(judge)
    assert component.score([sample("a"), sample("a"), sample(""), sample("a", "i feel sad")]) == [
        0.25,
        0.25,
        None,
        0.25,
    ]
    assert component.score([sample("b"), sample("a"), sample("")]) == [0.25, 0.25, None]
    assert component.score([sample("a")]) == [0.25]
    # New responses of a batch are asked for together; another context is another question.
    assert judge.asked == [["a", "", "a"], ["b", ""]]


def test_judgements_outlive_the_process_where_there_is_a_file(tmp_path):
    first, second = Moody(), Moody()
    assert JudgeScore(first, tmp_path / "kept.sqlite3").score([sample("a"), sample("")]) == [0.25, None]
    assert JudgeScore(second, tmp_path / "kept.sqlite3").score([sample("a"), sample("")]) == [0.25, None]
    assert (first.asked, second.asked) == ([["a", ""]], [[""]])


def test_scores_in_another_range_are_shares_of_it():
    class Paper(Moody):
        def judge(self, rows):
            for row in rows:
                scores = {"lifelikeness": 9.0, "informativeness": 4.5}
                yield Judgement(row.example.example_id, scores, {})

    # From 0 to 9, and without a score of the whole: the mean of 1 and 1/2.
    assert JudgeScore(Paper("paper")).score([sample("a")]) == [0.75]


def test_the_judge_of_the_resources_is_asked():
    one = sample("You should watch <movie>.", "I'm sad, I had a rough week. Something light please.")
    # docs/rewards.md: empathy 0.10, informativeness 0.20, recommendation 0.70, engagement 0.85
    assert COMPONENTS.build("judge", Resources(judge="rubric")).score([one]) == [pytest.approx(0.4625)]


@pytest.mark.parametrize(
    ("name", "what"),
    [("", "reward component 'judge' needs a judge"), ("rubrik", "unknown judge 'rubrik'")],
)
def test_no_such_judge(name, what):
    with pytest.raises(UsageError) as caught:
        COMPONENTS.build("judge", Resources(judge=name))
    assert str(caught.value) == what


def test_a_judge_that_gives_too_few_judgements_is_an_error():
    class Tired(Moody):
        def judge(self, rows):
            yield from list(super().judge(rows))[:1]

    with pytest.raises(EcrError) as caught:
        Composer({"judge": 1.0}, {"judge": JudgeScore(Tired())}).score([sample("a"), replace(sample("b"))])
    assert str(caught.value) == "reward component 'judge' gave 1 scores for 2 samples"
