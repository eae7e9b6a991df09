"""A causal language model as a judge.

The score of a dimension is the mean rating under the model's distribution over the next token, among the ratings alone.
It is read off, not generated: every model gives a valid answer to every question, and a mean of ratings tells responses
apart that would all be rated alike (Liu et al., "G-Eval", arXiv 2303.16634, section 2). The dialogue and the response
are read once for all dimensions, and the task once for all rows.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import islice
from typing import TypeVar

import torch

from ecr_engine.config.sections.evaluation import JudgeSettings
from ecr_engine.data.schema import Sample
from ecr_engine.errors import UnavailableError
from ecr_engine.models.generation import by_length
from ecr_engine.scoring import wording
from ecr_engine.scoring.dimensions import DimensionSet
from ecr_engine.scoring.judge import Judgement
from ecr_engine.scoring.listwise import PSEUDONYMS, ListedJudgement, ListedTurn, order_of
from ecr_engine.scoring.local.expectation import Expectation, reader_of
from ecr_engine.scoring.local.form import Form, places_of, token_texts
from ecr_engine.scoring.local.loading import LocalModel, load_local
from ecr_engine.scoring.local.prompts import Case, Prompts, TooLongError
from ecr_engine.scoring.local.writing import Writing
from ecr_engine.scoring.replies import read_reply

WINDOW_BATCHES = 16
"""So many batches of rows are held at a time, and sorted by length so that little is padded."""

EMPTY = "the response is empty"
NOT_FINITE = "the model's logits are not finite"

T = TypeVar("T")
R = TypeVar("R")

Answer = Sequence[float]
"""The scores of one response, in the order of the dimensions; NaN where the model says nothing."""


class LocalJudge:
    """Scores responses with a causal language model.

    Args:
        local: the model.
        dimensions: what is scored.
        settings: the section `[judge]`.

    Raises:
        UnavailableError: the model can't be asked for these dimensions.
    """

    def __init__(self, local: LocalModel, dimensions: DimensionSet, settings: JudgeSettings) -> None:
        self._local = local
        self._settings = settings
        self.name = local.name
        self.dimensions = dimensions
        self._writes = settings.mode == "generate"
        self._prompts, self._answers = self._writer() if self._writes else self._expecter()

    @property
    def explanation(self) -> str:
        """What kind of judge it is, in a sentence."""
        first, last = self.dimensions.ratings[0], self.dimensions.ratings[-1]
        how = "the rating that it writes" if self._writes else "mean of its distribution over the ratings"
        return f"language model ({self._local.description}): {how}, {first} to {last}"

    @property
    def fingerprint(self) -> str:
        """See `Judge`; the batch size is not in it, which changes nothing but the rounding."""
        facts = {
            "model": self._local.identity,
            "kind": self._local.description,
            "mode": self._settings.mode,
            "dimensions": self.dimensions.fingerprint,
            "wording": wording.VERSION,
            "window": self._prompts.window,
        }
        return "local-" + hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]

    def judge(self, rows: Iterable[Sample]) -> Iterator[Judgement]:
        """One judgement for each row, in order."""
        return self._in_windows(rows, self._prepare, self._score)

    def judge_list(
        self, turns: Iterable[ListedTurn], *, seed: int = 0, reverse: bool = False
    ) -> Iterator[ListedJudgement]:
        """See `ecr_engine.scoring.listwise.ListJudge`; read off, whatever the mode."""
        ordered = ((turn, order_of(turn, seed=seed, reverse=reverse)) for turn in turns)
        return self._in_windows(ordered, self._prepare_list, self._score_list)

    def _expecter(self) -> tuple[Prompts, Callable[[Sequence[Case]], list[Answer]]]:
        prompts = Prompts(self._local, self.dimensions, max_length=self._settings.max_length)
        expectation = Expectation(reader_of(self._local, prompts), prompts)
        asked = [(dimension, "") for dimension in self.dimensions.dimensions]

        def answers(cases: Sequence[Case]) -> list[Answer]:
            return [self._in_range(ratings) for ratings in expectation.ratings(cases, asked).tolist()]

        return prompts, answers

    def _writer(self) -> tuple[Prompts, Callable[[Sequence[Case]], list[Answer]]]:
        form = Form(places_of(self.dimensions), token_texts(self._local.tokenizer), self.name)
        prompts = Prompts(self._local, self.dimensions, max_length=self._settings.max_length, room=form.length)
        writing = Writing(self._local, prompts, form)

        def answers(cases: Sequence[Case]) -> list[Answer]:
            return [
                [math.nan] * len(self.dimensions.names)
                if text is None
                else list(read_reply(text, self.dimensions).values())
                for text in writing.write(cases)
            ]

        return prompts, answers

    @cached_property
    def _listed(self) -> tuple[Prompts, Expectation]:
        prompts = Prompts(self._local, self.dimensions, max_length=self._settings.max_length, several=True)
        return prompts, Expectation(reader_of(self._local, prompts), prompts)

    def _prepare(self, row: Sample) -> Case | Judgement:
        name = row.example.example_id
        if self._prompts.is_empty(row.response):
            return Judgement(name, {}, {}, EMPTY)
        try:
            return self._prompts.case(row.example.context, [("", row.response)])
        except TooLongError as error:
            return Judgement(name, {}, {}, str(error))

    def _score(self, rows: Sequence[Sample], cases: Sequence[Case]) -> list[Judgement]:
        answers = self._answers(cases)
        return [
            self._judgement(row.example.example_id, answer, case.turns_cut)
            for row, case, answer in zip(rows, cases, answers, strict=True)
        ]

    def _judgement(self, example_id: str, answer: Answer, turns_cut: int) -> Judgement:
        if not all(math.isfinite(score) for score in answer):
            return Judgement(example_id, {}, {}, NOT_FINITE)
        return Judgement(example_id, dict(zip(self.dimensions.names, answer, strict=True)), {}, None, turns_cut)

    def _prepare_list(self, row: tuple[ListedTurn, tuple[str, ...]]) -> Case | ListedJudgement:
        turn, order = row
        prompts, _ = self._listed
        try:
            return prompts.case(
                turn.example.context,
                [(pseudonym, turn.responses[name]) for pseudonym, name in zip(PSEUDONYMS, order, strict=False)],
            )
        except TooLongError as error:
            name = turn.example.example_id
            return ListedJudgement(name, order, {each: Judgement(name, {}, {}, str(error)) for each in order})

    def _score_list(
        self, rows: Sequence[tuple[ListedTurn, tuple[str, ...]]], cases: Sequence[Case]
    ) -> list[ListedJudgement]:
        _, expectation = self._listed
        most = max(len(order) for _, order in rows)
        asked = [(dimension, pseudonym) for pseudonym in PSEUDONYMS[:most] for dimension in self.dimensions.dimensions]
        found = []
        for (turn, order), case, ratings in zip(rows, cases, expectation.ratings(cases, asked).tolist(), strict=True):
            # Where a turn has fewer responses than its neighbours, what is said of the others is dropped.
            width = len(self.dimensions.names)
            parts = [ratings[place * width : (place + 1) * width] for place in range(len(order))]
            judgements = {
                system: self._listed_judgement(turn, system, self._in_range(part), case.turns_cut)
                for system, part in zip(order, parts, strict=True)
            }
            found.append(ListedJudgement(turn.example.example_id, order, judgements))
        return found

    def _in_range(self, ratings: Sequence[float]) -> Answer:
        pairs = zip(self.dimensions.dimensions, ratings, strict=True)
        return [self.dimensions.score(dimension, rating) for dimension, rating in pairs]

    def _listed_judgement(self, turn: ListedTurn, system: str, answer: Answer, turns_cut: int) -> Judgement:
        if self._prompts.is_empty(turn.responses[system]):
            return Judgement(turn.example.example_id, {}, {}, EMPTY)
        return self._judgement(turn.example.example_id, answer, turns_cut)

    def _in_windows(
        self,
        rows: Iterable[T],
        prepare: Callable[[T], Case | R],
        score: Callable[[Sequence[T], Sequence[Case]], list[R]],
    ) -> Iterator[R]:
        """What `score` says of each row, in order, or what `prepare` says of those that can't be scored."""
        size = self._settings.batch_size
        coming = iter(rows)
        while window := list(islice(coming, size * WINDOW_BATCHES)):
            done: dict[int, R] = {}
            cases: dict[int, Case] = {}
            for place, row in enumerate(window):
                prepared = prepare(row)
                if isinstance(prepared, Case):
                    cases[place] = prepared
                else:
                    done[place] = prepared
            places = list(cases)
            for batch in by_length([len(cases[place].ids) for place in places], size):
                chosen = [places[index] for index in batch]
                scored = self._guarded(score, [window[p] for p in chosen], [cases[p] for p in chosen])
                done.update(zip(chosen, scored, strict=True))
            yield from (done[place] for place in range(len(window)))

    def _guarded(
        self, score: Callable[[Sequence[T], Sequence[Case]], list[R]], rows: Sequence[T], cases: Sequence[Case]
    ) -> list[R]:
        try:
            return score(rows, cases)
        except torch.OutOfMemoryError as error:
            raise UnavailableError(
                f"judge '{self.name}' ran out of GPU memory with {len(rows)} responses at a time",
                at="judge.batch_size",
                fix=f"--set judge.batch_size={max(1, self._settings.batch_size // 2)}, or judge.quantisation=4bit",
            ) from error


def local_judge(name: str, dimensions: DimensionSet, settings: JudgeSettings, *, device: str) -> LocalJudge:
    """Loads a model and makes it a judge.

    Args:
        name: a registered model, a local folder or a hub id.
        dimensions: what is scored.
        settings: the section `[judge]`.
        device: `auto`, `cpu` or `cuda`.

    Raises:
        UnavailableError: the model can't be had, or can't be asked for these dimensions.
    """
    local = load_local(name, quantisation=settings.quantisation, precision=settings.precision, device=device)
    return LocalJudge(local, dimensions, settings)
