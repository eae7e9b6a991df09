"""Opens a conversation with a checkpoint: loaded as evaluation does it, with the recogniser and rewards of its run.

from ecr_engine.config.resolve import resolve
from ecr_engine.pipeline.conversing import open_conversation
from ecr_engine.pipeline.partner import find_partner

partner = find_partner("runs/demo")
settings = resolve(config=partner.run.resolved_config).settings
conversation = open_conversation(partner, settings)
reply = conversation.say("I feel low today")
print(reply.emotions, reply.text, conversation.scores(reply).total)
"""

from __future__ import annotations

from ecr_engine.config.settings import Settings
from ecr_engine.evaluation.generate import decoding_of, precision_of, prompt_encoder
from ecr_engine.pipeline.partner import Partner
from ecr_engine.pipeline.rewarding import resources_for
from ecr_engine.pipeline.stages.baseline import check_window, load_checkpoint
from ecr_engine.serving.conversation import Conversation, Voice
from ecr_engine.serving.movies import movies_of


def open_conversation(partner: Partner, settings: Settings) -> Conversation:
    """A conversation with a checkpoint.

    Args:
        partner: whom to talk to.
        settings: the sections `prompt`, `evaluation`, `emotion` and `rewards`, the seed and the device are used.

    Raises:
        EcrError: the model can't be loaded, or the settings do not fit it.
    """
    backbone = load_checkpoint(partner.checkpoint, settings.device)
    check_window(backbone, settings.prompt)
    resources = resources_for(partner.run, settings)
    voice = Voice(
        backbone.model,
        backbone.tokenizer,
        prompt_encoder(backbone.tokenizer, settings.prompt),
        decoding_of(settings.evaluation, settings.prompt),
        settings.seed,
        precision_of(settings.evaluation.precision, backbone.model),
    )
    movies = movies_of(None if partner.run is None else partner.run.data, resources.knowledge)
    return Conversation(voice, resources=resources, weights=settings.rewards, movies=movies)
