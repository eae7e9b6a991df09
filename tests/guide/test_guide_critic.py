"""`CriticAgent` beyond the guide's snippets: other tokenizers, checkpoints, and that its heads can learn."""

from __future__ import annotations

import pytest
import torch
from tiny_models import tiny_critic, tiny_tokenizer

from ecr_engine.data.prompts import transcript
from ecr_engine.data.schema import EMOTIONS
from ecr_engine.errors import DataError, UsageError
from ecr_engine.rl import CriticAgent, RLConfig
from ecr_engine.rl.guide.dialogue import turns_of
from ecr_engine.scoring.judge import DIMENSIONS

TALK = [["I love comedies!", "Which ones?", "Old ones, i feel sad"], "hello there"]
SAID = ["have you seen <movie> ?", "you might like <movie> too"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A critic whose value head says something, in a folder."""
    critic = tiny_critic(dimensions=DIMENSIONS, emotions=EMOTIONS)
    with torch.no_grad():
        critic.value_head.weight.normal_(generator=torch.Generator().manual_seed(1))
    folder = tmp_path_factory.mktemp("critic")
    critic.save(folder)
    return critic.eval(), folder


def test_a_checkpoint_says_what_the_model_says(trained):
    model, folder = trained
    agent = CriticAgent.from_checkpoint(folder, emotion_list=["sad", "nostalgia"])
    outputs = agent(TALK, SAID, return_quality_breakdown=True)
    read = ["seeker: I love comedies!\nrecommender: Which ones?\nseeker: Old ones, i feel sad", "seeker: hello there"]
    assert [transcript(turns_of(entry)) for entry in TALK] == read
    with torch.no_grad():
        wanted = model(*model.encode(read, SAID))
        before = model(*model.encode(read, ["", ""]))
    assert outputs["values"].tolist() == pytest.approx(wanted.value.tolist(), abs=1e-6)
    assert outputs["values"][0] != outputs["values"][1]
    assert not outputs["values"].requires_grad
    quality = outputs["quality_breakdown"]["engagement"]
    assert quality.tolist() == pytest.approx(torch.sigmoid(wanted.quality[:, 3]).tolist(), abs=1e-6)
    # negative is the fifth of the nine, nostalgia the seventh.
    for name, place in {"sad": 4, "nostalgia": 6}.items():
        chances = torch.sigmoid(before.emotion[:, place]).tolist()
        assert outputs["emotions"][name].tolist() == pytest.approx(chances, abs=1e-6)


def test_values_alone(trained):
    assert list(CriticAgent.from_checkpoint(trained[1])(TALK, SAID)) == ["values"]


def test_an_empty_response_asks_for_the_value_of_the_context(trained):
    agent = CriticAgent.from_checkpoint(trained[1])
    assert torch.isfinite(agent(["hello", ""], ["", ""])["values"]).all()


def test_the_callers_tokenizer_stays_as_it_is(tokenizer):
    before = len(tokenizer)
    agent = CriticAgent(RLConfig(), tokenizer, ["happy"])
    assert (len(tokenizer), tokenizer.pad_token_id) == (before, None)
    assert len(agent.model.tokenizer.encode("<movie>", add_special_tokens=False)) == 1
    assert agent.model.tokenizer.pad_token_id != agent.model.tokenizer.eos_token_id


def test_a_padded_row_has_the_value_it_has_alone(tokenizer):
    agent = CriticAgent(RLConfig(), tokenizer, ["happy"])
    with torch.no_grad():
        agent.model.value_head.weight.normal_(generator=torch.Generator().manual_seed(1))
    both = agent(["hello", "hello there " * 300], SAID)["values"]
    assert float(both[0]) == pytest.approx(float(agent(["hello"], SAID[:1])["values"]), abs=1e-5)


def test_the_seed_decides_the_weights():
    grades = [
        CriticAgent(RLConfig(seed=seed), tiny_tokenizer(), ["happy"])(["hello"], SAID[:1], True)["quality_breakdown"]
        for seed in (1, 1, 2)
    ]
    assert float(grades[0]["empathy"]) == float(grades[1]["empathy"]) != float(grades[2]["empathy"])


def test_in_training_mode_it_learns_a_value():
    agent = CriticAgent(RLConfig(), tiny_tokenizer(), ["happy"]).train()
    optimizer = torch.optim.Adam(agent.parameters(), lr=1e-3)
    for _ in range(20):
        loss = (agent(TALK, SAID)["values"] - torch.tensor([1.0, 0.0])).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    values = agent.eval()(TALK, SAID)["values"]
    assert float(values[0]) > 0.6 > 0.4 > float(values[1])


def test_a_tokenizer_that_can_separate_nothing():
    tokenizer = tiny_tokenizer()
    tokenizer.eos_token = None
    with pytest.raises(UsageError) as caught:
        CriticAgent(RLConfig(), tokenizer, ["happy"])
    [found] = caught.value.problems
    assert (found.what, found.at, found.fix) == (
        "the tokenizer has neither a separator nor an end-of-text token",
        "tokenizer",
        "give it one: tokenizer.eos_token = …",
    )


def test_a_folder_without_a_critic(tmp_path):
    with pytest.raises(DataError) as caught:
        CriticAgent.from_checkpoint(tmp_path)
    [found] = caught.value.problems
    assert (found.what, found.at, found.fix) == (
        f"there is no critic in '{tmp_path}'",
        str(tmp_path / "critic.json"),
        "name a checkpoint of one, such as runs/demo/critic/checkpoints/best",
    )


def test_lists_that_do_not_belong_together(trained):
    with pytest.raises(UsageError, match=r"^context has 2 entries where responses has 1$"):
        CriticAgent.from_checkpoint(trained[1])(TALK, SAID[:1])
