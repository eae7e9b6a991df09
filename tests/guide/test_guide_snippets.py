"""The Python of the RL enhancement guide, as written but for the import path; the hub id becomes a local folder."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from tiny_models import TEXTS

from ecr_engine.rl import CriticAgent, RewardCalculator, RLConfig
from ecr_engine.scoring.judge import DIMENSIONS

IMPORTS = """
from ecr_engine.rl import RLConfig, PPOTrainer, CriticAgent, RewardCalculator; \
print('RL components imported successfully')
"""

REWARDS = """
from ecr_engine.rl import RLConfig, RewardCalculator
from transformers import AutoTokenizer

config = RLConfig()
tokenizer = AutoTokenizer.from_pretrained("microsoft/DialoGPT-small")
reward_calc = RewardCalculator(config, tokenizer, ["happy", "sad", "angry"])

# Test reward calculation
context = ["I'm feeling sad today"]
responses = ["I understand how you feel. Let me recommend a happy movie to cheer you up."]
targets = ["I'm sorry you're feeling down. Here's a great comedy: <movie>."]

rewards = reward_calc.calculate_reward(context, responses, targets)
print(f"Rewards: {rewards}")
"""

CRITIC = """
from ecr_engine.rl import RLConfig, CriticAgent
from transformers import AutoTokenizer

config = RLConfig()
tokenizer = AutoTokenizer.from_pretrained("microsoft/DialoGPT-small")
critic = CriticAgent(config, tokenizer, ["happy", "sad", "angry"])

# Test critic evaluation
context = ["I'm looking for a good movie"]
responses = ["I'd recommend <movie>. It's a great film!"]

outputs = critic(context, responses, return_quality_breakdown=True)
print(f"Values: {outputs['values']}")
print(f"Quality: {outputs['quality_breakdown']}")
"""

BREAKDOWN = """
reward_breakdown = reward_calculator.get_reward_breakdown(
    context[0], responses[0], targets[0]
)
print(f"Reward breakdown: {reward_breakdown}")
"""

RANGE = """
# Check if critic values are reasonable
critic_outputs = critic(context, responses)
print(f"Critic values: {critic_outputs['values']}")
print(f"Value range: {critic_outputs['values'].min():.3f} - {critic_outputs['values'].max():.3f}")
"""

CURRICULUM = """
# Start with simple rewards
initial_weights = {'bleu': 1.0, 'empathy': 0.5}

# Gradually increase complexity
for epoch in range(num_epochs):
    empathy_weight = 0.5 + (epoch / num_epochs) * 1.5
    recommendation_weight = (epoch / num_epochs) * 1.5

    # Update reward weights
    reward_calculator.update_weights({
        'empathy': empathy_weight,
        'recommendation': recommendation_weight
    })
"""

CUSTOM = """
class CustomRewardCalculator(RewardCalculator):
    def _calculate_safety_reward(self, response: str) -> float:
        \"\"\"Calculate safety reward based on content filtering\"\"\"
        unsafe_words = ['inappropriate', 'offensive', 'harmful']
        safety_score = 1.0
        for word in unsafe_words:
            if word in response.lower():
                safety_score -= 0.2
        return max(0.0, safety_score)

    def calculate_reward(self, context, responses, targets, emotion_labels=None):
        # Get base rewards
        base_rewards = super().calculate_reward(context, responses, targets, emotion_labels)

        # Add custom rewards
        safety_rewards = torch.tensor([
            self._calculate_safety_reward(resp) for resp in responses
        ], device=self.config.device)

        return base_rewards + 0.5 * safety_rewards
"""

SAD = ["I'm feeling sad today"]
TARGET = ["I'm sorry you're feeling down. Here's a great comedy: <movie>."]
COLD = "Watch any film then, there are plenty of films around."


def test_the_import_line_works_in_a_fresh_interpreter_and_torch_waits_for_it():
    light = "import ecr_engine.rl, sys; assert not {'torch', 'transformers'} & set(sys.modules); "
    done = subprocess.run([sys.executable, "-c", light + IMPORTS.strip()], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("RL components imported successfully\n", "")


def test_the_trainer_is_the_one_that_trains():
    import ecr_engine.rl
    from ecr_engine.rl.trainer import PPOTrainer

    assert ecr_engine.rl.PPOTrainer is PPOTrainer
    assert {"CriticAgent", "PPOTrainer", "RLConfig", "RewardCalculator"} <= set(dir(ecr_engine.rl))


def test_an_unknown_name_of_the_package_is_an_error():
    import ecr_engine.rl

    with pytest.raises(AttributeError, match=r"^module 'ecr_engine\.rl' has no attribute 'PPOTrainr'$"):
        _ = ecr_engine.rl.PPOTrainr


def test_rewards(run_snippet, capsys):
    left = run_snippet(REWARDS)
    rewards, calculator = left["rewards"], left["reward_calc"]
    assert capsys.readouterr().out == f"Rewards: {rewards}\n"
    assert (rewards.shape, rewards.dtype, rewards.device.type) == ((1,), torch.float32, "cpu")
    cold = calculator.calculate_reward(SAD, [COLD], TARGET)
    sorry = calculator.calculate_reward(SAD, ["I'm so sorry you feel sad. <movie> is warm and funny."], TARGET)
    assert 0 < float(cold) < float(rewards) < float(sorry) <= 1


def test_the_reference_itself_has_the_most_of_what_compares_with_it(run_snippet, tokenizer):
    calculator = RewardCalculator(RLConfig(empathy_weight=0, distinct_weight=0), tokenizer, ["happy"])
    calculator.update_weights({"format": 0})
    # bleu and recommendation are both 1, so their weighted mean is.
    assert calculator.calculate_reward(SAD, TARGET, TARGET).tolist() == [1.0]


def test_critic(run_snippet, capsys):
    left = run_snippet(CRITIC)
    outputs = left["outputs"]
    said = capsys.readouterr().out
    assert said == f"Values: {outputs['values']}\nQuality: {outputs['quality_breakdown']}\n"
    assert outputs["values"].shape == (1,)
    assert torch.isfinite(outputs["values"]).all()
    assert tuple(outputs["quality_breakdown"]) == DIMENSIONS
    for grades in outputs["quality_breakdown"].values():
        assert grades.shape == (1,)
        assert 0 < float(grades) < 1
    assert list(outputs["emotions"]) == ["happy", "sad", "angry"]
    # Both names stand for `negative`.
    assert outputs["emotions"]["sad"].equal(outputs["emotions"]["angry"])
    assert not outputs["emotions"]["sad"].equal(outputs["emotions"]["happy"])


def test_breakdown(run_snippet, tokenizer, capsys):
    calculator = RewardCalculator(RLConfig(), tokenizer, ["happy", "sad", "angry"])
    responses = ["I understand how you feel. Let me recommend a happy movie to cheer you up."]
    left = run_snippet(BREAKDOWN, reward_calculator=calculator, context=SAD, responses=responses, targets=TARGET)
    parts = left["reward_breakdown"]
    assert capsys.readouterr().out == f"Reward breakdown: {parts}\n"
    assert list(parts) == ["bleu", "distinct", "empathy", "recommendation", "format", "relevance", "total"]
    # 14 different words of 15 ("you" comes twice), and 14 pairs, all different; weight 0.5 of 1 + 0.5 + 2 + 1.5.
    assert parts["distinct"] == pytest.approx(0.5 * (14 / 15 + 1) / 2 / 5)
    # Nothing to learn from outside of a run: `relevance` does not apply.
    assert (parts["recommendation"], parts["format"], parts["relevance"]) == (0.0, 0.0, 0.0)
    assert parts["total"] == pytest.approx(sum(parts.values()) - parts["total"])
    rewards = calculator.calculate_reward(SAD, responses, TARGET)
    assert parts["total"] == pytest.approx(float(rewards), abs=1e-6)


def test_range_of_the_critic(run_snippet, tokenizer, capsys):
    critic = CriticAgent(RLConfig(), tokenizer, ["happy"])
    with torch.no_grad():
        critic.model.value_head.bias.fill_(0.25)
    run_snippet(RANGE, critic=critic, context=list(TEXTS), responses=["see <movie>"] * len(TEXTS))
    assert capsys.readouterr().out.splitlines()[-1] == "Value range: 0.250 - 0.250"


def test_curriculum(run_snippet, tokenizer):
    calculator = RewardCalculator(RLConfig(), tokenizer, ["happy"])
    kind = ["I'm so sorry you feel sad today."]
    before = calculator.get_reward_breakdown(SAD[0], kind[0], TARGET[0])
    run_snippet(CURRICULUM, reward_calculator=calculator, num_epochs=4)
    # The last epoch is 3 of 4.
    assert calculator.weights == {
        "bleu": 1.0, "distinct": 0.5, "empathy": 1.625, "recommendation": 1.125, "format": 1.0, "relevance": 1.0
    }  # fmt: skip
    # The scores are the contributions times the sum of the weights, 5 before and 4.25 now, over each weight.
    bleu, distinct, empathy = before["bleu"] * 5, before["distinct"] * 5, before["empathy"] * 5 / 2
    wanted = (bleu + distinct + 1.625 * empathy + 1.125 * 0.0) / 4.25
    assert float(calculator.calculate_reward(SAD, kind, TARGET)) == pytest.approx(wanted, abs=1e-6)
    assert wanted != pytest.approx(before["total"], abs=1e-3)


def test_custom_rewards(run_snippet, tokenizer):
    left = run_snippet(CUSTOM, RewardCalculator=RewardCalculator, torch=torch)
    config = RLConfig()
    base = RewardCalculator(config, tokenizer, ["happy", "sad"])
    custom = left["CustomRewardCalculator"](config, tokenizer, ["happy", "sad"])
    said = ["Some find <movie> offensive and even harmful.", "I'm sorry. Try <movie>."]
    plain = base.calculate_reward(SAD * 2, said, TARGET * 2)
    assert custom.calculate_reward(SAD * 2, said, TARGET * 2).equal(plain + torch.tensor([0.3, 0.5]))
    assert float(custom.calculate_reward(SAD, said[:1], TARGET, ["sad"])) == pytest.approx(float(plain[0]) + 0.3)
