"""`ecrctl eval`: answering held-out turns and measuring the answers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ecrctl.flags import EVAL_RUN, GENERAL, JUDGE, SettingFlag, Typed
from ecrctl.grouping import grouped
from ecrctl.options import Dataset, Layers, Limit, Output, check_dataset
from ecrctl.panels import Panel
from ecrctl.reward_flag import RewardLayers

if TYPE_CHECKING:
    from ecrctl.evaluations import Evaluation

app = typer.Typer(no_args_is_help=True, help="Generate and measure responses on held-out turns.")

PLACE = tuple(flag for flag in GENERAL if flag.name in {"seed", "device"})
ANSWERS = (
    SettingFlag(
        "perplexity", "evaluation.perplexity", bool, "", "Also measure how unexpected the references are.", Panel.HOW
    ),
)

Metrics = Annotated[
    list[str] | None,
    typer.Option(
        "--metric",
        metavar="NAME",
        help="A metric's name, key or pattern, default or all; repeatable. Sets evaluation.metrics.",
        show_default=False,
        rich_help_panel=Panel.HOW,
    ),
]
Target = Annotated[
    Path | None,
    typer.Option(
        "--output-dir",
        metavar="DIR",
        help="Folder to write.",
        show_default="the evaluation itself",
        rich_help_panel=Panel.WHAT,
    ),
]
Evaluated = Annotated[
    str,
    typer.Argument(metavar="EVALUATION", help="RUN, RUN:baseline, or an evaluation's folder.", show_default=False),
]


@dataclass(frozen=True, slots=True)
class Answering:
    """What is answered by whom, and where the answers go."""

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
    output_dir: Annotated[
        Path | None,
        typer.Option(
            "--output-dir",
            metavar="DIR",
            help="Folder to write.",
            show_default="RUN/evaluation/NAME",
            rich_help_panel=Panel.GUIDE,
        ),
    ] = None
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            metavar="DIR",
            help="A processed folder or a run.",
            show_default="that of the run",
            rich_help_panel=Panel.WHAT,
        ),
    ] = None
    name: Annotated[
        str | None,
        typer.Option(
            "--name",
            metavar="NAME",
            help="What it is called in tables.",
            show_default="baseline, policy, …",
            rich_help_panel=Panel.WHAT,
        ),
    ] = None
    limit: Limit = None
    dataset: Dataset = "redial"


@app.callback()
def evaluate() -> None:
    """Generate and measure responses on held-out turns."""


@app.command()
@grouped
def run(
    typed: Annotated[Typed, PLACE],
    guide: Annotated[Typed, EVAL_RUN],
    answers: Annotated[Typed, ANSWERS],
    answering: Answering,
    layers: RewardLayers,
    output: Output,
    metric: Metrics = None,
    use_rl_eval: Annotated[
        bool,
        typer.Option(
            "--use-rl-eval", metavar="", help="Always so here: the reward is measured too.", rich_help_panel=Panel.GUIDE
        ),
    ] = False,
) -> None:
    """Answer the held-out turns with a checkpoint, and measure the answers.

    The settings are those of the checkpoint's run, unless --profile or
    --config is given. Killed, it goes on where it was.

    Examples:
        ecrctl eval run runs/demo
        ecrctl eval run runs/demo:policy@best --split valid --limit 50
        ecrctl eval run runs/demo --metric default --metric similarity
    """
    from ecrctl.evaluations import evaluate_request

    evaluate_request(
        _request(answering, {**typed, **guide, **answers, **_chosen(metric)}, layers, output, "ecrctl eval run")
    )


@app.command()
@grouped
def generate(
    typed: Annotated[Typed, PLACE],
    guide: Annotated[Typed, EVAL_RUN],
    answers: Annotated[Typed, ANSWERS],
    answering: Answering,
    layers: Layers,
    output: Output,
) -> None:
    """Answer the held-out turns with a checkpoint, and only save the answers.

    `ecrctl eval rescore` measures them, as often as you like, without the
    model. Killed, it goes on where it was.

    Examples:
        ecrctl eval generate runs/demo:baseline --perplexity
        ecrctl eval generate runs/demo --split valid --output-dir answers
    """
    from ecrctl.evaluations import generate_request

    generate_request(_request(answering, {**typed, **guide, **answers}, layers, output, "ecrctl eval generate"))


@app.command()
@grouped
def rescore(
    evaluation: Evaluated,
    typed: Annotated[Typed, PLACE[1:]],
    layers: RewardLayers,
    output: Output,
    metric: Metrics = None,
    output_dir: Target = None,
) -> None:
    """Measure saved answers again, without the model that gave them.

    Without --metric the reward and all metrics are measured anew; with it
    only the named ones, beside those that are there.

    Examples:
        ecrctl eval rescore runs/demo:policy
        ecrctl eval rescore runs/demo --metric 'bleu_*' --metric rouge_l
    """
    from ecrctl.rescoring import Rescoring, rescore_request

    rescore_request(Rescoring(evaluation, output_dir, layers, typed, output), metric or [])


@app.command()
@grouped
def judge(
    evaluation: Evaluated,
    judge_flags: Annotated[Typed, JUDGE],
    typed: Annotated[Typed, PLACE[1:]],
    layers: Layers,
    output: Output,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit",
            metavar="N",
            min=1,
            help="Judge N answers at most, evenly spread.",
            rich_help_panel=Panel.HOW,
        ),
    ] = None,
    output_dir: Target = None,
) -> None:
    """Let a judge score saved answers, and add its scores to the metrics.

    Examples:
        ecrctl eval judge runs/demo:policy
        ecrctl eval judge runs/demo --judge mistral-7b-instruct --limit 200
    """
    from ecrctl.rescoring import Rescoring, judge_request

    judge_request(Rescoring(evaluation, output_dir, layers, {**typed, **judge_flags}, output), limit)


def _chosen(metric: list[str] | None) -> Typed:
    return {"evaluation.metrics": (",".join(metric), "--metric")} if metric else {}


def _request(answering: Answering, typed: Typed, layers: Layers, output: Output, command: str) -> Evaluation:
    from ecrctl.evaluations import Evaluation

    check_dataset(answering.dataset)
    return Evaluation(
        address=answering.checkpoint or answering.model_path,
        data=answering.data,
        output=answering.output_dir,
        name=answering.name,
        limit=answering.limit,
        layers=layers,
        typed=typed,
        speech=output,
        command=command,
    )
