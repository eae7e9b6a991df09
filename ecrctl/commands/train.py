"""`ecrctl train`: the supervised stages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ecr_engine.errors import UsageError
from ecrctl.flags import GENERAL, TRAIN_BASELINE, SettingFlag, Typed
from ecrctl.grouping import grouped
from ecrctl.options import (
    Dataset,
    DryRun,
    Execution,
    Layers,
    Output,
    OutputDir,
    Resume,
    ResumeOption,
    Smoke,
    check_dataset,
)
from ecrctl.panels import Panel
from ecrctl.tree import JobCommand

app = typer.Typer(no_args_is_help=True, help="Train the baseline, the critic or a recogniser.")

CRITICS = Path("critics/critic")
"""Where a critic goes that belongs to no run."""

TRAIN_CRITIC = (
    SettingFlag(
        "encoder",
        "critic.encoder",
        str,
        "NAME",
        "Text encoder: small, a registered one, a folder or a hub id.",
        Panel.WHAT,
    ),
    SettingFlag("critic_learning_rate", "critic.learning_rate", float, "RATE", "Peak learning rate."),
    SettingFlag("num_train_epochs", "critic.epochs", int, "N", "Passes over the judged responses at most."),
    SettingFlag("per_device_train_batch_size", "critic.batch_size", int, "N", "Judged responses in one step."),
)
TRAIN_EMOTION = (
    SettingFlag(
        "encoder",
        "emotion.encoder",
        str,
        "NAME",
        "What is fine-tuned: a registered encoder, a folder or a hub id.",
        Panel.WHAT,
    ),
    *(flag for flag in GENERAL if flag.name in {"seed", "device"}),
)
TRAIN_EMPATHY = (
    SettingFlag(
        "encoder",
        "empathy_training.encoder",
        str,
        "NAME",
        "Text encoder: a registered one, a folder or a hub id.",
        Panel.WHAT,
    ),
    *(flag for flag in GENERAL if flag.name in {"seed", "device"}),
)


@app.command(cls=JobCommand)
@grouped
def baseline(
    execution: Execution,
    general: Annotated[Typed, GENERAL],
    guide: Annotated[Typed, TRAIN_BASELINE],
    layers: Layers,
    output: Output,
    output_dir: OutputDir = None,
    dataset: Dataset = "redial",
    resume: ResumeOption = Resume.NEVER,
) -> None:
    """Fine-tune the backbone on the recommender's turns: the baseline.

    A run folder that exists brings its own settings and data, unless --profile, --config or --data is given.

    Examples:
        ecrctl train baseline --run runs/demo
        ecrctl train baseline --data redial/ --num_train_epochs 3 --learning_rate 1e-5 --output_dir runs/redial
    """
    from ecrctl.jobs import Request, start

    check_dataset(dataset)
    start(Request("baseline", execution, layers, {**general, **guide}, output, resume, output_dir))


@app.command(cls=JobCommand)
@grouped
def critic(
    execution: Execution,
    general: Annotated[Typed, GENERAL],
    guide: Annotated[Typed, TRAIN_CRITIC],
    layers: Layers,
    output: Output,
    scores: Annotated[
        list[Path] | None,
        typer.Option(
            "--scores",
            metavar="FILE",
            help="Learn from this file of judgements, outside of a run; repeatable. --data is the processed folder "
            "that was judged, --run a run with it.",
            show_default="those of the run's judge",
            rich_help_panel=Panel.WHAT,
        ),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--output",
            metavar="DIR",
            help="Folder to write, with --scores.",
            show_default=str(CRITICS),
            rich_help_panel=Panel.WHAT,
        ),
    ] = None,
    output_dir: OutputDir = None,
    resume: ResumeOption = Resume.NEVER,
) -> None:
    """Train the critic on the judge's scores; runs what it needs first.

    With --scores it learns from files of judgements, and makes a folder of its own. Its report, on dialogues that
    nothing was chosen on, has the mean and the number of words as predictors beside it. Settings are critic.*.

    Examples:
        ecrctl train critic --run runs/demo
        ecrctl train critic --run runs/demo --set critic.epochs=2
        ecrctl train critic --scores judged.jsonl --data processed/ --encoder minilm-l6 --output critics/minilm
    """
    typed = {**general, **guide}
    if scores:
        from ecrctl.critics import from_scores

        from_scores(scores, folder or output_dir or CRITICS, execution, layers, typed, output, resume)
        return
    if folder is not None:
        raise UsageError(
            "a critic that learns from its run's judge is written into the run",
            at=f"--output {folder}",
            fix="leave it out, or name files of judgements: --scores FILE",
        )
    from ecrctl.jobs import Request, start

    start(Request("critic", execution, layers, typed, output, resume, output_dir))


@app.command(cls=JobCommand)
@grouped
def emotion(
    data: Annotated[
        Path,
        typer.Option(
            "--data",
            metavar="FOLDER",
            help="GoEmotions' train.tsv, dev.tsv, test.tsv and labels.txt.",
            show_default=False,
            rich_help_panel=Panel.WHAT,
        ),
    ],
    flags: Annotated[Typed, TRAIN_EMOTION],
    layers: Layers,
    output: Output,
    folder: Annotated[
        Path, typer.Option("--output", metavar="DIR", help="Folder to write.", rich_help_panel=Panel.WHAT)
    ] = Path("recognisers/emotion"),
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit", metavar="N", min=20, help="Use N texts of each split at most.", rich_help_panel=Panel.HOW
        ),
    ] = None,
    smoke: Smoke = None,
    dry_run: DryRun = False,
) -> None:
    """Train a recogniser of emotions on labelled texts (GoEmotions, its 28 labels mapped to the nine).

    The report, on the test split, has the lexical default and the majority beside it. Settings are emotion.*.

    Examples:
        ecrctl train emotion --data goemotions/raw --encoder minilm-l6 --output recognisers/emotion
        ecrctl train emotion --data goemotions/raw --output quick/ --limit 4000 --set emotion.epochs=1
        ecrctl data annotate processed/ --recogniser recognisers/emotion
    """
    from ecr_engine.data.staging import check_output
    from ecr_engine.emotion.goemotions import read_goemotions
    from ecr_engine.training.emotion_plan import cut, plan_emotion
    from ecrctl.jobs import settings_from
    from ecrctl.ui import emotion_view
    from ecrctl.ui.telling import telling

    settings = settings_from(layers, flags).settings
    emotion, seed = settings.emotion, settings.seed
    corpus = cut(read_goemotions(data), emotion, limit=limit, smoke=smoke)
    if dry_run:
        plan = plan_emotion(corpus, folder, emotion, seed=seed, device=settings.device, most_steps=smoke)
        check_output(folder, lambda _: False)
        emotion_view.show_plan(plan, as_json=output.json)
        return

    from ecr_engine.models.backbone import pick_device
    from ecr_engine.training.emotion import train_emotion

    with telling("emotion", folder, output) as emit:
        training = train_emotion(
            corpus,
            folder,
            emotion,
            seed=seed,
            scaled=settings.backbone.scale_learning_rate,
            device=pick_device(settings.device),
            emit=emit,
            most_steps=smoke,
        )
    emotion_view.show_training(training, as_json=output.json)


@app.command(cls=JobCommand)
@grouped
def empathy(
    data: Annotated[
        list[str],
        typer.Option(
            "--data",
            metavar="FILE.csv",
            help="A file in EPITOME's format, MECHANISM=FILE.csv, or a folder of such files; repeatable.",
            show_default=False,
            rich_help_panel=Panel.WHAT,
        ),
    ],
    flags: Annotated[Typed, TRAIN_EMPATHY],
    layers: Layers,
    output: Output,
    folder: Annotated[
        Path, typer.Option("--output", metavar="DIR", help="Folder to write.", rich_help_panel=Panel.WHAT)
    ] = Path("recognisers/empathy"),
    limit: Annotated[
        int | None,
        typer.Option("--limit", metavar="N", min=1, help="Use N posts at most.", rich_help_panel=Panel.HOW),
    ] = None,
    smoke: Smoke = None,
    dry_run: DryRun = False,
) -> None:
    """Train a recogniser of three mechanisms of empathy on graded responses (EPITOME).

    A file's mechanism (reaction, interpretation or exploration) is told by its name. The posts are split into train,
    valid and test by a hash; the report, on test, has the lexical default and the commonest level beside it. Settings
    are empathy_training.*.

    Examples:
        ecrctl train empathy --data epitome/ --encoder minilm-l6 --output recognisers/empathy
        ecrctl train empathy --data emotional-reactions-reddit.csv --data exploration=mine.csv
        ecrctl train empathy --data epitome/ --limit 500 --set empathy_training.epochs=2 --output quick/
    """
    from ecr_engine.data.staging import check_output
    from ecr_engine.emotion.epitome import find_files, prepare
    from ecr_engine.training.emotion_plan import check_encoder
    from ecrctl.jobs import settings_from
    from ecrctl.ui import empathy_view
    from ecrctl.ui.telling import telling

    settings = settings_from(layers, flags).settings
    training = settings.empathy_training
    check_encoder(training.encoder, "empathy_training.encoder", "grade empathy")
    shares = {"validation_share": training.validation_share, "test_share": training.test_share}
    graded = prepare(find_files(data), **shares, limit=limit)
    if dry_run:
        check_output(folder, lambda _: False)
        plan = empathy_view.plan_of(graded, folder, training, seed=settings.seed, device=settings.device)
        empathy_view.show_plan(plan, as_json=output.json)
        return

    from ecr_engine.models.backbone import pick_device
    from ecr_engine.training.empathy import Placement, train_empathy

    placement = Placement(pick_device(settings.device), scaled=settings.backbone.scale_learning_rate)
    with telling("empathy", folder, output) as emit:
        report = train_empathy(graded, folder, training, placement, seed=settings.seed, emit=emit, max_steps=smoke)
    empathy_view.show_report(report, as_json=output.json)
