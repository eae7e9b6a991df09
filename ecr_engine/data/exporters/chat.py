"""Chat messages as TRL and most servers take them: one JSON object with `messages` a line, one line an example.

The Llama-2 chat template renders the messages before the last into the prompt that our backbones are trained on. A
dialogue that the recommender opens has an empty first message of the user.
"""

from __future__ import annotations

from typing import Any

from ecr_engine.data.export import Exporter, Prompt, Style, answer
from ecr_engine.data.prompts import chat
from ecr_engine.data.schema import Example, Split


class ChatExporter:
    """The exporter of chat messages."""

    name = "chat"
    explanation = "lists of system, user and assistant messages"
    prompts: tuple[Prompt, ...] = (Prompt.DIALOGUE,)
    one_list = False
    reads_back = False

    def file_name(self, split: Split) -> str:
        """`train.chat.jsonl` and so on."""
        return f"{split}.chat.jsonl"

    def row(self, example: Example, style: Style) -> dict[str, Any]:
        """The messages of one example; the last one is its target."""
        messages = chat(example.context, style.system, answer(example, style))
        return {"messages": [message._asdict() for message in messages]}


def build() -> Exporter:
    """The exporter."""
    return ChatExporter()
