"""What a reward draws on: its judges, also through its critic, and its encoders; and the mark beside the policy."""

import json

import pytest
from tiny_models import tiny_critic

from ecr_engine.errors import DataError
from ecr_engine.models.critic import CriticOrigin
from ecr_engine.rewards.resources import Resources
from ecr_engine.rewards.sources import RewardSources, sources_from_json, sources_of, trained_with, write_sources


@pytest.fixture
def critic(tmp_path):
    """The folder of a critic that learned the scores of two judges."""
    model = tiny_critic()
    model.origin = CriticOrigin("minilm-l6", ("rubric", "mistral-7b-instruct"))
    folder = tmp_path / "critic"
    folder.mkdir()
    model.save(folder)
    return folder


def test_a_reward_of_words_has_no_judge():
    resources = Resources(judge="rubric", encoder="minilm-l6")
    assert sources_of(["format", "bleu"], resources) == RewardSources(("bleu", "format"))


def test_judge_and_similarity_name_whom_they_ask():
    resources = Resources(judge="rubric", encoder="roberta-base")
    assert sources_of(["judge", "similarity"], resources) == RewardSources(
        ("judge", "similarity"), ("rubric",), ("roberta-base",)
    )


def test_a_critic_stands_for_the_judges_it_learned_from_and_for_its_encoder(critic):
    found = sources_of(["critic"], Resources(judge="dialogpt-large", critic=critic))
    assert found == RewardSources(("critic",), ("mistral-7b-instruct", "rubric"), ("minilm-l6",))


def test_a_critic_of_before_stands_for_its_runs_judge(critic):
    facts = critic / "critic.json"
    facts.write_text(json.dumps({**json.loads(facts.read_text()), "judges": [], "encoder": ""}))
    assert sources_of(["critic"], Resources(judge="rubric", critic=critic)) == RewardSources(("critic",), ("rubric",))


def test_a_judge_is_known_under_all_its_names():
    sources = RewardSources(("judge",), ("mistral-7b-instruct",))
    assert sources.has_judge("mistral-7b-instruct")
    assert sources.has_judge("mistralai/Mistral-7B-Instruct-v0.2")
    assert sources.has_judge("openai:http://127.0.0.1:8000/v1#mistralai/Mistral-7B-Instruct-v0.2")
    assert not sources.has_judge("llama2-7b-chat") and not sources.has_judge("rubric")


def test_an_encoder_is_known_under_all_its_names():
    sources = RewardSources((), (), ("minilm-l6",))
    assert sources.has_encoder("sentence-transformers/all-MiniLM-L6-v2")
    assert not sources.has_encoder("roberta-base")


def test_two_rewards_together():
    both = RewardSources(("bleu",), ("rubric",), ("a",)) | RewardSources(("bleu", "judge"), (), ("b",))
    assert both == RewardSources(("bleu", "judge"), ("rubric",), ("a", "b"))


def test_the_mark_stands_beside_the_policy(tmp_path):
    sources = RewardSources(("judge",), ("rubric",), ())
    write_sources(tmp_path / "policy", sources)
    assert json.loads((tmp_path / "policy" / "reward.json").read_text()) == {
        "components": ["judge"],
        "judges": ["rubric"],
        "encoders": [],
    }
    checkpoint = tmp_path / "policy" / "checkpoints" / "step-000100"
    checkpoint.mkdir(parents=True)
    (tmp_path / "policy" / "best").symlink_to("checkpoints/step-000100")
    assert trained_with(checkpoint) == sources
    # A link is followed: it lies one folder higher.
    assert trained_with(tmp_path / "policy" / "best") == sources
    assert trained_with(tmp_path / "baseline" / "checkpoints" / "step-000001") == RewardSources()
    assert sources_from_json({}) == RewardSources()


def test_a_mark_that_is_damaged(tmp_path):
    stage = tmp_path / "policy"
    write_sources(stage, RewardSources())
    (stage / "reward.json").write_text('{"judges": 3}')
    with pytest.raises(DataError) as caught:
        trained_with(stage / "checkpoints" / "step-000001")
    problem = caught.value.problems[0]
    assert problem.what == "what trained the policy can't be read: 'int' object is not iterable"
    assert (problem.at, problem.fix) == (str(stage / "reward.json"), "restore the file, or train again")
