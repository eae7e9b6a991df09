"""`ecrctl chat`: talking to a trained run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from ecrctl.flags import GENERAL, SettingFlag, Typed
from ecrctl.options import Layers, Output
from ecrctl.panels import Panel

DECODING = (
    *(flag for flag in GENERAL if flag.name in {"seed", "device"}),
    SettingFlag("temperature", "evaluation.temperature", float, "T", "Temperature of sampling.", Panel.HOW),
    SettingFlag("top_p", "evaluation.top_p", float, "P", "Nucleus of sampling.", Panel.HOW),
    SettingFlag("max_new_tokens", "prompt.resp_max_length", int, "TOKENS", "Tokens of a reply at most.", Panel.HOW),
)


@dataclass(frozen=True, slots=True)
class Talk:
    """With whom, and from where what is said comes."""

    checkpoint: Annotated[
        str | None,
        typer.Argument(
            metavar="CHECKPOINT", help="RUN, RUN:baseline, RUN:policy@best, or a folder.", show_default=False
        ),
    ] = None
    model_path: Annotated[
        str | None,
        typer.Option(
            "--model-path", metavar="CHECKPOINT", help="The same, as the guide names it.", rich_help_panel=Panel.GUIDE
        ),
    ] = None
    script: Annotated[
        Path | None,
        typer.Option(
            "--script",
            metavar="FILE|-",
            help="Say the lines of this file, one turn a line; - reads stdin.",
            rich_help_panel=Panel.WHAT,
        ),
    ] = None
    scores: Annotated[
        bool,
        typer.Option("--scores", metavar="", help="Show the reward of every reply.", rich_help_panel=Panel.OUTPUT),
    ] = False


def chat(talk: Talk, decoding: Annotated[Typed, DECODING], layers: Layers, output: Output) -> None:
    """Talk to a trained run: the emotion it recognises, its reply, its reward.

    The settings are those of the checkpoint's run, unless --profile or
    --config is given. /help lists what can be typed beside talk.

    Examples:
        ecrctl chat runs/demo
        ecrctl chat runs/demo:baseline --temperature 0.3 --seed 7
        ecrctl chat runs/demo --script lines.txt --scores --json
    """
    from ecrctl.chatting import Request, start

    start(Request(talk.checkpoint or talk.model_path, talk.script, talk.scores, layers, decoding, output))
