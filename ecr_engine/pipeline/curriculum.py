"""The curriculum of a run's PPO stage: rewards whose weights move, and the order of its dialogues."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ecr_engine.config.settings import Settings
from ecr_engine.data.prompts import PromptEncoder
from ecr_engine.data.schema import Example, Sample
from ecr_engine.models.backbone import Backbone
from ecr_engine.models.response import ResponseModel
from ecr_engine.rewards.composition import Composer
from ecr_engine.rewards.resources import Resources
from ecr_engine.rl.curriculum import used_components
from ecr_engine.rl.order import Order, order_of, response_losses


class MovingScore:
    """The composite reward as rollouts want it, with weights that a trainer can set.

    Args:
        composer: the composite reward of the training alone: what measures the policy keeps its own.
    """

    def __init__(self, composer: Composer) -> None:
        self._composer = composer

    def __call__(self, samples: Sequence[Sample]) -> tuple[Sequence[float], dict[str, Sequence[float | None]]]:
        """Totals under the weights of the moment, and the score of each component, one a sample."""
        reward = self._composer.score(samples)
        return reward.total, dict(reward.components)

    def update_weights(self, weights: Mapping[str, float]) -> None:
        """Weighs components like this from now on."""
        self._composer.update_weights(weights)


def training_composer(settings: Settings, resources: Resources) -> Composer:
    """The composite reward of a training, with every component built that its curriculum will come to.

    Args:
        settings: the run's settings.
        resources: what components are built from.

    Raises:
        EcrError: a component can't be built.
    """
    used = used_components(settings.curriculum, settings.rewards)
    composer = Composer(settings.rewards, resources=resources)
    # One that can't be built has to be told of now, and not when its ramp begins.
    composer.update_weights(dict.fromkeys(used, 1.0))
    composer.update_weights(dict.fromkeys(used, 0.0) | settings.rewards)
    return composer


def training_order(
    settings: Settings, examples: Sequence[Example], encoder: PromptEncoder, baseline: Backbone
) -> Order | None:
    """The order in which a training comes to its dialogues; None if it draws from all of them from the start.

    Args:
        settings: the run's settings.
        examples: the training examples.
        encoder: makes prompts and targets of them.
        baseline: the baseline, before any update.
    """

    def losses() -> list[float]:
        encoded = [encoder.encode(example) for example in examples]
        model = baseline.model.eval()
        return response_losses(
            ResponseModel(model),
            [row.prompt for row in encoded],
            [row.target for row in encoded],
            pad=int(baseline.tokenizer.pad_token_id),
            batch_size=settings.ppo.micro_batch_size,
            device=model.device,
        )

    return order_of(settings.curriculum, examples, losses)
