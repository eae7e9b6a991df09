"""Alpaca rows, as the ECR paper's `llama_train.json` and LLaMA-Factory have them: instruction, input, output.

A row also has `example`, all that the store knows of the example but its target, which is the output: from it
`ecrctl data process` makes the same examples again. Rows whose output names movies have none, since their slots are
gone.

With the prompt `ecr` a row's input is the four lines of the ECR paper (arXiv 2409.10527): movie name, related entities,
related knowledge, first sentence.
"""

from __future__ import annotations

import json
from typing import Any

from ecr_engine.data.export import Exporter, Prompt, Style, answer, named_target
from ecr_engine.data.prompts import transcript
from ecr_engine.data.schema import Example, Split
from ecr_engine.data.store import encode


class AlpacaExporter:
    """The exporter of alpaca rows."""

    name = "alpaca"
    explanation = "rows of instruction, input and output"
    prompts: tuple[Prompt, ...] = (Prompt.DIALOGUE, Prompt.ECR)
    one_list = True
    reads_back = True

    def file_name(self, split: Split) -> str:
        """`llama_train.json` and so on."""
        return f"llama_{split}.json"

    def row(self, example: Example, style: Style) -> dict[str, Any] | None:
        """One row; none for a target without a movie if the prompt is about its movies."""
        asked = _dialogue(example, style) if style.graph is None else _four_lines(example, style)
        if asked is None:
            return None
        row: dict[str, Any] = {**asked, "output": answer(example, style)}
        return row if style.names else {**row, "example": _without_target(example)}


def build() -> Exporter:
    """The exporter."""
    return AlpacaExporter()


def _dialogue(example: Example, style: Style) -> dict[str, str]:
    return {"instruction": style.system, "input": transcript(example.context)}


def _four_lines(example: Example, style: Style) -> dict[str, str] | None:
    from ecr_engine.data.four_lines import INSTRUCTION, four_lines, render

    if style.graph is None or not example.items:
        return None
    lines = four_lines(example.items, style.graph, named_target(example))
    return {"instruction": INSTRUCTION, "input": render(lines)}


def _without_target(example: Example) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(encode(example))
    del fields["target"]
    return fields
