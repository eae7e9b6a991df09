"""The reference policy: the baseline as it was, however the policy is trained, and never a weight more than needed."""

import contextlib

import pytest
import torch
from adapter_toys import ADAPTER_SIZE, KINDS, adapter_toy, full_policy, nudge, trained_adapter
from tiny_models import same_weights

from ecr_engine.models.response import ResponseModel, collate
from ecr_engine.rl.reference import FrozenCopy, SwitchedAdapter, reference_of

BATCH = collate([[1, 4, 5, 6], [1, 7]], [[8, 9, 2], [5, 2]], 0)


@pytest.fixture(params=KINDS)
def policy(request):
    return KINDS[request.param]()


@torch.no_grad()
def measured(model):
    return ResponseModel(model.eval())(BATCH, temperature=0.7, with_entropy=True)


def storages(model):
    return {weight.untyped_storage().data_ptr() for weight in model.parameters()}


def test_it_says_what_the_policy_said_before_any_update(policy):
    wanted = measured(policy.model)
    reference = reference_of(policy)
    first = reference(BATCH, temperature=0.7, with_entropy=True)
    assert torch.equal(first.log_probs, wanted.log_probs)
    assert torch.equal(first.entropy, wanted.entropy)
    nudge(policy)
    moved = measured(policy.model)
    assert (moved.log_probs - wanted.log_probs).abs().max() > 0.05
    assert torch.equal(reference(BATCH, temperature=0.7).log_probs, wanted.log_probs)
    # And the policy is on again.
    assert torch.equal(measured(policy.model).log_probs, moved.log_probs)


def test_with_adapters_there_is_no_second_copy_of_the_base():
    expected = {"full": FrozenCopy, "new adapter": SwitchedAdapter, "trained adapter": SwitchedAdapter}
    added = {"new adapter": 0, "trained adapter": ADAPTER_SIZE}
    for name, make in KINDS.items():
        policy = make()
        before, size = storages(policy.model), policy.parameters
        reference = reference_of(policy)
        assert type(reference) is expected[name]
        with reference.model() as model:
            if name == "full":
                assert not storages(model) & before
            else:
                assert model is policy.model
                assert before <= storages(model)
                assert policy.parameters - size == added[name]


def test_neither_gradients_nor_flags_are_touched(policy):
    flags = {id(weight) for weight in policy.trained()}
    reference = reference_of(policy)
    assert {id(weight) for weight in policy.trained()} == flags
    policy.model.train()
    output = reference(BATCH)
    assert not output.log_probs.requires_grad
    assert policy.model.training
    with reference.model() as model:
        assert not model.training
    assert {id(weight) for weight in policy.trained()} == flags
    assert all(weight.grad is None for weight in policy.model.parameters())


def test_the_policy_is_on_again_after_an_error(policy):
    reference = reference_of(policy)
    nudge(policy)
    wanted = measured(policy.model).log_probs
    with contextlib.suppress(KeyError), reference.model():
        raise KeyError
    assert torch.equal(measured(policy.model).log_probs, wanted)
    assert policy.trained()


def test_it_computes_in_the_precision_of_the_policy(policy):
    def half():
        return torch.autocast("cpu", dtype=torch.bfloat16)

    with half():
        wanted = measured(policy.model).log_probs
    assert torch.equal(reference_of(policy, half)(BATCH, temperature=0.7).log_probs, wanted)


def test_the_log_probs_of_a_trained_adapter_are_not_those_of_the_bare_base():
    policy = trained_adapter()
    bare = measured(full_policy().model).log_probs
    assert (reference_of(policy)(BATCH, temperature=0.7).log_probs - bare).abs().max() > 0.05


@pytest.mark.parametrize("name", KINDS)
def test_ppo_moves_the_policy_and_leaves_its_reference_bit_equal(name):
    policy = KINDS[name]()
    reference = reference_of(policy)
    frozen = {key: value.clone() for key, value in policy.model.state_dict().items() if _is_frozen(key, name)}
    wanted = reference(BATCH).log_probs
    made = adapter_toy(policy, reference=reference, kl_coefficient=0.1)
    made.steps(3)
    assert torch.equal(reference(BATCH).log_probs, wanted)
    assert all(torch.equal(policy.model.state_dict()[key], value) for key, value in frozen.items())
    assert not same_weights(policy.model, made.start)
    assert made.series("objective/kl")[0] == pytest.approx(0.0, abs=1e-5)
    assert made.series("policy/first_ratio")[0] == pytest.approx(1.0, abs=1e-4)
    assert abs(made.series("objective/kl")[2]) > 1e-4
    assert all(weight.grad is None for weight in policy.model.parameters() if not weight.requires_grad)


def _is_frozen(key, name):
    """Whether a weight belongs to the base or to the reference's adapter."""
    return name != "full" and ".default." not in key
