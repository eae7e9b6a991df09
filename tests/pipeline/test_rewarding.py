"""What reward components are given in a run, and what a run tells of them."""

import pytest

from ecr_engine.config.settings import Settings
from ecr_engine.data.knowledge.graph import KnowledgeGraph
from ecr_engine.data.schema import Sample
from ecr_engine.errors import UsageError
from ecr_engine.pipeline.rewarding import check_rewards, resources_for
from ecr_engine.pipeline.stages.rl import describer
from ecr_engine.rewards.composition import Composer
from ecr_engine.runs.checkpoints import save_checkpoint
from ecr_engine.runs.folder import RunFolder


def test_settings_alone():
    settings = Settings(judge={"name": "other"}, reward_options={"similarity_encoder": "here"}, device="cpu")
    found = resources_for(None, settings)
    assert (found.encoder, found.judge, found.device) == ("here", "other", "cpu")
    assert (found.emotion.name, found.empathy.name) == ("lexical", "lexical")
    assert (found.corpus, found.fitted, found.knowledge, found.critic) == (None, None, None, None)
    assert found.options is settings.reward_options


def test_what_a_run_has(tmp_path):
    folder = RunFolder(tmp_path / "demo")
    folder.create()
    empty = resources_for(folder, Settings())
    assert (empty.corpus, empty.knowledge, empty.critic) == (None, None, None)
    assert empty.fitted == folder.root / "rewards"
    KnowledgeGraph(names=["Heat"], kinds=["movie"], relations=[], triples=[], items={"1": 0}).save(
        folder.data / "knowledge.json"
    )

    def write(place):
        (place / "weights.json").write_text("[]", encoding="utf-8")

    save_checkpoint(folder.stage("critic"), 10, write, metrics={}, best=True, keep_last=2)
    save_checkpoint(folder.stage("critic"), 20, write, metrics={}, best=False, keep_last=2)
    full = resources_for(folder, Settings())
    assert full.knowledge is not None and full.knowledge.name_of("1") == "Heat"
    assert full.critic is not None and full.critic.resolve().name == "step-000010"  # the best, not the newest


def test_a_recogniser_that_is_not_there():
    with pytest.raises(UsageError) as caught:
        resources_for(None, Settings(emotion={"recogniser": "lexicul"}))
    problem = caught.value.problems[0]
    assert (problem.what, problem.at) == ("unknown emotion recogniser 'lexicul'", "emotion.recogniser")


def test_components_are_looked_for_before_a_run_but_not_those_without_a_weight():
    check_rewards(Settings(rewards={"empathy": 1.0, "no.such:Thing": 0.0}))
    with pytest.raises(UsageError, match="there is no module 'no'"):
        check_rewards(Settings(rewards={"empathy": 1.0, "no.such:Thing": 0.5}))


class Given:
    """Gives what the response says."""

    low, high, explanation = 0.0, 1.0, "given"

    def __init__(self, name, low=0.0, high=1.0):
        self.name, self.low, self.high = name, low, high

    def score(self, batch: list[Sample]):
        return [float(one.response) for one in batch]


def test_what_a_step_tells_of_each_component():
    parts = {"a": Given("a"), "b": Given("b"), "p": Given("p", -1.0, 0.0)}
    describe = describer(Composer({"a": 1.0, "b": 3.0, "p": 1.0}, parts), {"a": 0.25, "p": 0.0})
    told = describe({"a": [1.0, 0.0], "b": [0.5, None], "p": [-1.0, 0.0]})
    # contributions: a 1/4 and 0; b 3/8 and nothing; p -1/2 and 0: sizes 2/8, 3/8, 4/8 of 9/8
    assert told == {
        "rewards/a/mean": 0.5,
        "rewards/a/std": 0.5,
        "rewards/a/share": pytest.approx(2 / 9),
        "rewards/a/difference": 0.25,
        "rewards/b/mean": 0.5,
        "rewards/b/std": 0.0,
        "rewards/b/share": pytest.approx(3 / 9),
        "rewards/p/mean": -0.5,
        "rewards/p/std": 0.5,
        "rewards/p/share": pytest.approx(4 / 9),
        "rewards/p/difference": -0.5,
    }
