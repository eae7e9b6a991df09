"""`ecrctl score run`: one judge, any number of responses."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

# Typer carries its own copy of click, whose context is what this method is given.
from typer._click import Context
from typer.core import TyperCommand

from ecrctl.flags import Typed
from ecrctl.judge_flags import JUDGING
from ecrctl.options import DryRun, Layers, Limit, Output, Resume
from ecrctl.panels import Panel


class ScoreCommand(TyperCommand):
    """A command whose `--resume` may stand without its word."""

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """Gives a bare `--resume` the word `auto` before the arguments are parsed."""
        words = set(Resume)
        following = [*args[1:], ""]
        typed = [
            "--resume=auto" if word == "--resume" and after not in words else word
            for word, after in zip(args, following, strict=False)
        ]
        return super().parse_args(ctx, typed)


Source = Annotated[
    str,
    typer.Option(
        "--input",
        metavar="RUN|FILE",
        help="A run, an evaluation, or lines of JSON with a context and a response.",
        show_default=False,
        rich_help_panel=Panel.WHAT,
    ),
]
Target = Annotated[
    Path,
    typer.Option(
        "--output",
        metavar="FILE",
        help="File of judgements to write.",
        show_default=False,
        rich_help_panel=Panel.WHAT,
    ),
]
Cache = Annotated[
    Path | None,
    typer.Option(
        "--cache",
        metavar="FILE",
        help="What was judged before, by anyone who uses this file.",
        show_default="~/.cache/ecrctl/judgements.sqlite3",
        rich_help_panel=Panel.HOW,
    ),
]
Beside = Annotated[
    list[str] | None,
    typer.Option(
        "--listwise",
        metavar="RUN|FILE|reference",
        help="Lay these responses to the same turns beside those of --input, under shuffled names, and judge them "
        "together; repeatable. reference: the human ones.",
        show_default=False,
        rich_help_panel=Panel.WHAT,
    ),
]


def run(
    source: Source,
    target: Target,
    judging: Annotated[Typed, JUDGING],
    layers: Layers,
    output: Output,
    maximum: Annotated[
        int | None,
        typer.Option("--max", metavar="N", min=1, help="Score N responses at most.", rich_help_panel=Panel.HOW),
    ] = None,
    start: Annotated[
        int,
        typer.Option("--start", metavar="N", min=0, help="Leave out the first N responses.", rich_help_panel=Panel.HOW),
    ] = 0,
    limit: Limit = None,
    resume: Annotated[
        Resume,
        typer.Option(
            "--resume", help="auto (or --resume alone): go on with a file that is there.", rich_help_panel=Panel.HOW
        ),
    ] = Resume.NEVER,
    retry_failures: Annotated[
        bool,
        typer.Option(
            "--retry-failures",
            metavar="",
            help="Judge the failures of a file that is there again, and go on with it.",
            rich_help_panel=Panel.HOW,
        ),
    ] = False,
    cache: Cache = None,
    no_cache: Annotated[
        bool,
        typer.Option("--no-cache", metavar="", help="Ask the judge about every response.", rich_help_panel=Panel.HOW),
    ] = False,
    listwise: Beside = None,
    swap_test: Annotated[
        bool,
        typer.Option(
            "--swap-test",
            metavar="",
            help="With --listwise: in the opposite order too, to see what a place is worth. Scores are means of both.",
            rich_help_panel=Panel.HOW,
        ),
    ] = False,
    dry_run: DryRun = False,
) -> None:
    """Score responses, one judgement a line; a failure is recorded as one.

    Examples:
        ecrctl score run --input runs/demo --output judged.jsonl
        ecrctl score run --input responses.jsonl --output judged.jsonl --judge mistral-7b-instruct --max 50
        ecrctl score run --input runs/demo --output judged.jsonl --judge openai:http://127.0.0.1:8000/v1#MODEL --resume
        ecrctl score run --input runs/demo --listwise reference --swap-test --judge llama2-7b-chat --output both.jsonl
    """
    from ecrctl.scoring import ScoreRequest, score

    request = ScoreRequest(
        source=source,
        target=target,
        start=start,
        maximum=maximum,
        limit=limit,
        resume=resume is Resume.AUTO,
        retry_failures=retry_failures,
        cache=cache,
        no_cache=no_cache,
        layers=layers,
        typed=judging,
        speech=output,
        listwise=tuple(listwise or ()),
        swap_test=swap_test,
    )
    score(request, dry_run=dry_run)
