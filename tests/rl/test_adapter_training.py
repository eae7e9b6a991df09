"""PPO on an adapter: the learning rate as it is stated, checkpoints that resume exactly, and where gradients go."""

import pytest
import torch
from adapter_toys import ADAPTER_SIZE, KINDS, adapter_toy, full_policy, new_adapter, trained_adapter
from rl_toys import timeless
from safetensors.torch import load_file
from tiny_models import same_weights
from transformers import AutoModelForCausalLM

from ecr_engine.models.policies import Tuning, load_trainable
from ecr_engine.models.response import collate

BATCH = collate([[1, 4, 5, 6]], [[8, 9, 2]], 0)


def saved(tmp_path, made):
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    made.trainer.write_state(folder)
    return folder


def test_the_rate_is_stated_for_adapters():
    changes = {"learning_rate": 0.01, "full_tuning_factor": 0.25}
    assert adapter_toy(new_adapter(), **changes).steps(1).series("train/lr") == [pytest.approx(0.01)]
    assert adapter_toy(full_policy(), **changes).steps(1).series("train/lr") == [pytest.approx(0.0025)]


def test_optimizer_state_is_kept_for_the_adapter_alone(tmp_path):
    folder = saved(tmp_path, adapter_toy(new_adapter()).steps(1))
    state = load_file(folder / "trainer" / "policy_optimizer.safetensors")
    moments = [value.numel() for name, value in state.items() if name.endswith("exp_avg")]
    assert sum(moments) == ADAPTER_SIZE


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("value", ["critic", "trunk"])
def test_a_training_is_taken_up_bit_for_bit(tmp_path, name, value):
    straight = adapter_toy(KINDS[name](), value=value).steps(4)
    broken = adapter_toy(KINDS[name](), value=value).steps(2)
    resumed = adapter_toy(KINDS[name](), value=value)
    resumed.trainer.restore(saved(tmp_path, broken))
    resumed.steps(2)
    assert same_weights(resumed.policy.model, straight.policy.model)
    assert same_weights(resumed.critic, straight.critic)
    ended = [event for event in timeless(straight.recorder) if event[1] > 2]
    assert [event for event in timeless(resumed.recorder) if event[1] > 2] == ended


@pytest.mark.parametrize("name", KINDS)
def test_a_checkpoint_is_a_model_folder_like_any_other(tmp_path, name):
    made = adapter_toy(KINDS[name]()).steps(2)
    folder = saved(tmp_path, made)
    plain = AutoModelForCausalLM.from_pretrained(folder).eval()
    with torch.no_grad():
        wanted = made.policy.model.eval()(input_ids=BATCH.ids).logits
        assert torch.equal(plain(input_ids=BATCH.ids).logits, wanted)


def test_the_adapter_of_the_reference_is_not_in_the_checkpoint(tmp_path):
    made = adapter_toy(trained_adapter()).steps(1)
    folder = saved(tmp_path, made)
    again = load_trainable(str(folder), Tuning(None, "none", "no", 0)).model
    assert not [name for name in again.state_dict() if "reference" in name]
    assert sum(weight.numel() for weight in load_file(folder / "adapter_model.safetensors").values()) == ADAPTER_SIZE


def test_an_adapter_learns_a_toy_reward():
    made = adapter_toy(new_adapter(), batch_size=24, minibatch_size=12, kl_coefficient=0.0, learning_rate=0.03)
    rewards = made.steps(9).series("objective/reward")
    # Sixteen words, one of them good: by chance one in sixteen.
    assert sum(rewards[:3]) / 3 < 0.1
    assert sum(rewards[-3:]) / 3 > 0.2


@pytest.mark.parametrize("kind", [full_policy, new_adapter])
@pytest.mark.parametrize(
    ("value", "trunk_gradient", "moved"),
    [("critic", False, False), ("critic", True, False), ("trunk", False, False), ("trunk", True, True)],
)
def test_the_value_loss_reaches_the_policy_through_a_shared_trunk_alone(kind, value, trunk_gradient, moved):
    made = adapter_toy(kind(), value=value, trunk_gradient=trunk_gradient, kl_coefficient=0.0)
    rollout_of, body = made.trainer._rollout, made.trainer.learner.body
    # Without advantages the policy's own loss has no gradient.
    made.trainer._rollout = lambda *given: rollout_of(*given)._replace(
        advantages=torch.zeros_like(rollout_of(*given).advantages)
    )
    before = {name: weight.clone() for name, weight in body.state_dict().items()}
    made.steps(1)
    assert same_weights(made.policy.model, made.start) is not moved
    assert any(not torch.equal(weight, before[name]) for name, weight in body.state_dict().items())
