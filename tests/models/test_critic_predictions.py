"""What a critic says by name: the same as its heads say by place, whatever else is asked with it."""

import pytest
import torch
from tiny_models import tiny_critic

from ecr_engine.models.critic_predictions import predict

CONTEXTS = ["seeker: hello there", "seeker: i feel sad today and i want a movie", "seeker: thank you"]
RESPONSES = ["have you seen <movie> ?", "i am sorry you feel sad", ""]


@pytest.fixture(scope="module")
def critic():
    model = tiny_critic(dimensions=("empathy", "engagement"), emotions=("like", "negative"))
    torch.manual_seed(2)
    torch.nn.init.normal_(model.value_head.weight, std=0.3)
    return model


def test_each_head_goes_by_its_name(critic):
    said = predict(critic.train(), CONTEXTS, RESPONSES)
    assert critic.training
    critic.eval()
    with torch.no_grad():
        whole = critic(*critic.encode(CONTEXTS, RESPONSES))
        alone = critic(*critic.encode(CONTEXTS, [""] * 3))
    assert said.value == pytest.approx(whole.value.tolist(), abs=1e-5)
    assert said.before == pytest.approx(alone.value.tolist(), abs=1e-5)
    # An empty response is the context alone.
    assert said.value[2] == pytest.approx(said.before[2], abs=1e-5)
    assert list(said.quality) == ["empathy", "engagement"]
    assert said.quality["engagement"] == pytest.approx(torch.sigmoid(whole.quality[:, 1]).tolist(), abs=1e-5)
    assert said.emotions["negative"] == pytest.approx(torch.sigmoid(alone.emotion[:, 1]).tolist(), abs=1e-5)


def test_more_responses_than_fit_into_a_batch_keep_their_order(critic):
    some = predict(critic, CONTEXTS, RESPONSES)
    many = predict(critic, CONTEXTS * 40, RESPONSES * 40)
    assert many.value == pytest.approx(some.value * 40, abs=1e-5)
    assert many.quality["empathy"] == pytest.approx(some.quality["empathy"] * 40, abs=1e-5)
