"""Value functions: zero at the start, and never a way for gradients into the policy."""

import torch
from tiny_models import tiny_critic

from ecr_engine.rl.values import CriticValues, TrunkValues

UNUSED = torch.zeros(0)


def test_a_head_on_the_trunk_says_0_at_the_start():
    hidden = torch.randn(2, 3, 8)
    assert TrunkValues(8)(hidden, UNUSED, UNUSED).tolist() == [[0.0] * 3] * 2


def test_a_head_on_the_trunk_is_linear_in_each_state():
    values = TrunkValues(2)
    with torch.no_grad():
        values.head.weight.copy_(torch.tensor([[2.0, -1.0]]))
        values.head.bias.fill_(0.5)
    hidden = torch.tensor([[[1.0, 0.0], [3.0, 4.0]]])
    assert values(hidden, UNUSED, UNUSED).tolist() == [[2.5, 2.5]]
    assert values(2 * hidden, UNUSED, UNUSED).tolist() == [[4.5, 4.5]]


def test_no_gradient_goes_into_the_trunk():
    hidden = torch.randn(2, 3, 8, requires_grad=True)
    values = TrunkValues(8)
    torch.nn.init.normal_(values.head.weight)
    (values(hidden, UNUSED, UNUSED) ** 2).sum().backward()
    assert hidden.grad is None
    assert values.head.weight.grad.norm() > 0


def test_the_trunk_is_trained_by_the_values_where_that_is_chosen():
    hidden = torch.randn(2, 3, 8, requires_grad=True)
    values = TrunkValues(8, trunk_gradient=True)
    with torch.no_grad():
        values.head.weight.fill_(0.5)
    values(hidden, UNUSED, UNUSED).sum().backward()
    # Each value is half the sum of its state's numbers.
    assert torch.equal(hidden.grad, torch.full((2, 3, 8), 0.5))


def test_the_critic_gives_one_value_to_all_tokens_of_a_response():
    critic = tiny_critic().eval()
    contexts = critic.encode(["seeker: hello", "seeker: i feel sad"], ["", ""])
    hidden = torch.randn(2, 4, 16, requires_grad=True)
    assert CriticValues(critic)(hidden, *contexts).tolist() == [[0.0] * 4] * 2
    torch.nn.init.normal_(critic.value_head.weight)
    found = CriticValues(critic)(hidden, *contexts)
    with torch.no_grad():
        alone = critic(*critic.encode(["seeker: i feel sad"], [""])).value
    assert torch.allclose(found[1], alone.expand(4), atol=1e-5)
    assert abs(float((found[0, 0] - found[1, 0]).detach())) > 1e-3
    found.sum().backward()
    assert hidden.grad is None
