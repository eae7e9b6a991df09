"""ShareGPT conversations, as LLaMA-Factory, Axolotl and FastChat read them: one JSON list, one object an example."""

from __future__ import annotations

from typing import Any

from ecr_engine.data.export import Exporter, Prompt, Style, answer
from ecr_engine.data.prompts import chat
from ecr_engine.data.schema import Example, Split

_SPEAKERS = {"user": "human", "assistant": "gpt"}


class ShareGPTExporter:
    """The exporter of ShareGPT conversations."""

    name = "sharegpt"
    explanation = "conversations of human and gpt"
    prompts: tuple[Prompt, ...] = (Prompt.DIALOGUE,)
    one_list = True
    reads_back = False

    def file_name(self, split: Split) -> str:
        """`train.sharegpt.json` and so on."""
        return f"{split}.sharegpt.json"

    def row(self, example: Example, style: Style) -> dict[str, Any]:
        """The conversation of one example; the last thing said is its target."""
        system, *said = chat(example.context, style.system, answer(example, style))
        return {
            "conversations": [{"from": _SPEAKERS[message.role], "value": message.content} for message in said],
            "system": system.content,
            "id": example.example_id,
        }


def build() -> Exporter:
    """The exporter."""
    return ShareGPTExporter()
