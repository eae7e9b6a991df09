"""Runs a scoring job for the command line: resolve, check, judge, show."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ecr_engine.errors import ENDINGS, DataError, EcrError, UsageError
from ecrctl.flags import Typed
from ecrctl.options import Layers, Output

if TYPE_CHECKING:
    from ecr_engine.config.settings import Settings
    from ecr_engine.scoring.job import Responses
    from ecr_engine.scoring.list_job import ListedResponses
    from ecr_engine.scoring.tally import JobSummary


@dataclass(frozen=True, slots=True)
class ScoreRequest:
    """What a command line asks for.

    Attributes:
        source: address or file of the responses.
        target: the file of judgements.
        start: responses left out at the beginning.
        maximum: responses at most, as the guide says it.
        limit: the same in our own word.
        resume: go on with a file that is there.
        retry_failures: judge its failures again.
        cache: the cache; None for the user's own.
        no_cache: use none.
        layers: profiles, file and single settings.
        typed: settings that were given as flags.
        speech: how to speak.
        listwise: whose responses are laid beside those of the source; none to judge each by itself.
        swap_test: judge them in the opposite order too.
    """

    source: str
    target: Path
    start: int
    maximum: int | None
    limit: int | None
    resume: bool
    retry_failures: bool
    cache: Path | None
    no_cache: bool
    layers: Layers
    typed: Typed
    speech: Output
    listwise: tuple[str, ...] = ()
    swap_test: bool = False

    @property
    def goes_on(self) -> bool:
        """Whether a file that is there is not in the way."""
        return self.resume or self.retry_failures

    @property
    def most(self) -> int | None:
        """Responses at most.

        Raises:
            UsageError: `--max` and `--limit` contradict each other.
        """
        if self.maximum is not None and self.limit is not None and self.maximum != self.limit:
            raise UsageError(
                f"two numbers of responses: {self.maximum} and {self.limit}",
                at="--max and --limit",
                fix="leave one of them out",
            )
        return self.maximum if self.limit is None else self.limit

    def cache_file(self) -> Path | None:
        """The cache to use; None for none.

        Raises:
            UsageError: one is named, and none wanted.
        """
        from ecr_engine.scoring.cache import default_cache

        if self.no_cache and self.cache is not None:
            raise UsageError("a cache, and none", at="--cache and --no-cache", fix="leave one of them out")
        return None if self.no_cache else self.cache or default_cache()


def score(request: ScoreRequest, *, dry_run: bool) -> None:
    """Judges, or only says what would be judged.

    Raises:
        UsageError: settings, or the output, can't be used.
        DataError: the input holds no responses.
        EcrError: the judge can't go on.
    """
    if request.listwise or request.swap_test:
        _score_listed(request, dry_run=dry_run)
        return
    from ecr_engine.evaluation.judging import pays_judge
    from ecr_engine.scoring.judge import check_judge_name
    from ecrctl.samples import samples_path
    from ecrctl.ui import score_view

    settings = judge_settings(request.layers, request.typed)
    check_judge_name(settings.judge.name)
    path = samples_path(request.source)
    _check_target(request, path)
    cache = request.cache_file()
    responses = _responses(request, path)
    if dry_run:
        score_view.show_plan(_plan(request, settings, responses, path, cache), as_json=request.speech.json)
        return
    summary = _run(request, settings, responses, cache)
    paid = {request.source: pays_judge(path, settings.judge.name)}
    score_view.show_summary(summary, paid, as_json=request.speech.json)


def _score_listed(request: ScoreRequest, *, dry_run: bool) -> None:
    """Judges responses side by side, or only says what would be judged.

    Raises:
        UsageError: settings, the systems or the output can't be used.
        DataError: the files have no turn in common.
        EcrError: the judge can't go on.
    """
    from ecr_engine.evaluation.judging import pays_judge
    from ecr_engine.evaluation.listed import REFERENCE, System, read_listed
    from ecr_engine.scoring.listwise import check_list_judge
    from ecr_engine.scoring.score_report import file_report
    from ecrctl.samples import samples_path
    from ecrctl.ui import score_view

    _check_listed(request)
    settings = judge_settings(request.layers, request.typed)
    check_list_judge(settings.judge.name)
    first = System(request.source, samples_path(request.source))
    others = [System(name, None if name == REFERENCE else samples_path(name)) for name in request.listwise]
    paths = {system.address: system.path for system in (first, *others) if system.path is not None}
    _check_target(request, *paths.values())
    responses = read_listed(first, others, start=request.start, maximum=request.most)
    if dry_run:
        score_view.show_plan(_list_plan(request, settings, responses), as_json=request.speech.json)
        return
    summary = _run_listed(request, settings, responses)
    paid = {address: pays_judge(path, settings.judge.name) for address, path in paths.items()}
    score_view.show_listed(summary, file_report(request.target), responses.left_out, paid, as_json=request.speech.json)


def _check_listed(request: ScoreRequest) -> None:
    if not request.listwise:
        raise UsageError(
            "one response alone has no place among others that could be swapped",
            at="--swap-test",
            fix="name what is laid beside it: --listwise reference, or --listwise RUN",
        )
    if request.retry_failures:
        raise UsageError(
            "responses that were judged side by side can't be judged again one by one",
            at="--retry-failures and --listwise",
            fix="leave it out, and name another file with --output",
        )
    if request.cache is not None:
        raise UsageError(
            "the cache holds responses that were judged by themselves",
            at="--cache and --listwise",
            fix="leave one of them out",
        )


def judge_settings(layers: Layers, typed: Typed) -> Settings:
    """The settings; any name may be a judge's as far as they are concerned: the judge itself says whether it is."""
    from ecr_engine.config.resolve import resolve
    from ecr_engine.pipeline.job import known_choices

    choices = {key: names for key, names in known_choices().items() if key != "judge.name"}
    resolved = resolve(
        profiles=layers.profile or (),
        config=layers.config,
        sets=layers.sets or (),
        flags={**typed, **layers.flags()},
        choices=choices,
    )
    return resolved.settings


def _responses(request: ScoreRequest, path: Path) -> Responses:
    from ecr_engine.evaluation.responses import read_responses

    return read_responses(path, start=request.start, maximum=request.most)


def _plan(
    request: ScoreRequest, settings: Settings, responses: Responses, path: Path, cache: Path | None
) -> dict[str, object]:
    from ecr_engine.scoring.dimensions import dimension_set
    from ecr_engine.scoring.growing import count_rows

    return {
        "input": path,
        "responses": responses.total,
        "output": request.target,
        "judged_before": count_rows(request.target),
        "retry_failures": request.retry_failures,
        "judge": settings.judge.name,
        "dimensions": ", ".join(dimension_set(settings.judge.dimensions).names),
        "cache": cache,
        **{f"judge.{key}": value for key, value in settings.judge.model_dump().items() if key != "turns"},
        "device": settings.device,
    }


def _list_plan(request: ScoreRequest, settings: Settings, responses: ListedResponses) -> dict[str, object]:
    from ecr_engine.scoring.dimensions import dimension_set
    from ecr_engine.scoring.growing import count_rows

    return {
        "systems": ", ".join(responses.systems),
        "turns": responses.total,
        "left_out": responses.left_out,
        "output": request.target,
        "judged_before": count_rows(request.target),
        "swap_test": request.swap_test,
        "dimensions": ", ".join(dimension_set(settings.judge.dimensions).names),
        **{f"judge.{key}": value for key, value in settings.judge.model_dump().items() if key != "turns"},
        "device": settings.device,
        "seed": settings.seed,
    }


def _run_listed(request: ScoreRequest, settings: Settings, responses: ListedResponses) -> JobSummary:
    from ecr_engine.scoring.list_job import ListPlan, run_list_job
    from ecr_engine.scoring.listwise import find_list_judge
    from ecrctl.ui.score_progress import following

    judge = find_list_judge(settings.judge.name, settings.judge, device=settings.device)
    plan = ListPlan(request.target, settings.seed, request.swap_test, request.resume)
    with (
        _explaining_interrupts(request.target),
        following(request.target, quiet=request.speech.quiet, everything=request.speech.verbose) as listener,
    ):
        return run_list_job(responses, judge, plan, listener)


def _run(request: ScoreRequest, settings: Settings, responses: Responses, cache: Path | None) -> JobSummary:
    from ecr_engine.scoring.cache import JudgementCache
    from ecr_engine.scoring.job import JobPlan, run_job
    from ecr_engine.scoring.judge import find_judge
    from ecrctl.ui.score_progress import following

    judge = find_judge(settings.judge.name, settings.judge, device=settings.device)
    plan = JobPlan(request.target, request.resume, request.retry_failures)
    with (
        _explaining_interrupts(request.target),
        nullcontext() if cache is None else JudgementCache(cache) as known,
        following(request.target, quiet=request.speech.quiet, everything=request.speech.verbose) as listener,
    ):
        return run_job(responses, judge, plan, cache=known, listener=listener)


def _check_target(request: ScoreRequest, *sources: Path) -> None:
    """Refuses to write over anything, before time is spent.

    Raises:
        UsageError: there is something at the output.
        DataError: its folder is not there.
    """
    from ecr_engine.scoring.job import exists

    target = request.target
    if target.resolve() in {source.resolve() for source in sources}:
        raise UsageError("the output is the input", at=f"--output {target}", fix="name another file with --output")
    if not target.parent.is_dir():
        fix = f"mkdir -p {shlex.quote(str(target.parent))}"
        raise DataError(f"there is no folder '{target.parent}'", at=f"--output {target}", fix=fix)
    if target.is_dir():
        fix = f"--output {shlex.quote(str(target / 'judged.jsonl'))}"
        raise UsageError("the output is a folder", at=f"--output {target}", fix=fix)
    if target.exists() and not request.goes_on:
        raise exists(target)


@contextmanager
def _explaining_interrupts(target: Path) -> Iterator[None]:
    """Says what is kept when a job ends early."""
    from ecr_engine.scoring.growing import count_rows
    from ecrctl.ui.console import note

    def say(why: str) -> None:
        note(f"{why}; {count_rows(target)} judgements are kept in {target}")
        note("  fix  type the same command again with --resume auto to go on with it")

    try:
        yield
    except KeyboardInterrupt:
        say("interrupted")
        raise
    except SystemExit as leaving:
        if leaving.code in ENDINGS:
            say("interrupted")
        raise
    except EcrError:
        if count_rows(target):
            note(f"stopped; {count_rows(target)} judgements are kept in {target}")
        raise
