"""A model behind an OpenAI-compatible endpoint as a judge.

Each dimension is one question, whose answer is one number. Where the server gives log-probabilities the score is the
mean over those of the ratings, as for local models; else it is that of the number. In the mode `generate` all
dimensions are one question, and the answer is a JSON object of ratings.

One worker sees to all questions of a response, so that as many requests are under way as there are workers, and what
the questions share is in the server's cache. Judgements come in the order of the rows.
"""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any, TypeVar

from ecr_engine.config.sections.evaluation import JudgeSettings
from ecr_engine.data.schema import Example, Sample, Turn
from ecr_engine.errors import UnavailableError
from ecr_engine.scoring import wording
from ecr_engine.scoring.dimensions import DimensionSet
from ecr_engine.scoring.endpoint.address import Endpoint, key_of, parse_address
from ecr_engine.scoring.endpoint.client import EndpointClient, RefusedError, TooLongError, TroubleError
from ecr_engine.scoring.endpoint.limits import Limiter
from ecr_engine.scoring.endpoint.replies import BadAnswerError, Reply, read_rating
from ecr_engine.scoring.endpoint.workers import Workers
from ecr_engine.scoring.judge import Judgement
from ecr_engine.scoring.listwise import PSEUDONYMS, ListedJudgement, ListedTurn, order_of
from ecr_engine.scoring.replies import ReplyError, read_reply

VERSION = 1
"""Goes up when what is asked, or how an answer is read, changes."""

AHEAD = 8
"""Rows handed out for each request that may be under way, so that one slow answer keeps no worker idle."""

OUTAGE = 20
"""So many responses in a row without an answer from the server are not the fault of the responses."""

LIKELY = 20
"""Tokens whose log-probabilities are asked for; the most that servers give."""

NUMBER_TOKENS = 8
ANSWER = "Answer with the number only."
EMPTY = "the response is empty"
_OPTIONAL = {"logprobs": ("logprobs", "top_logprobs"), "response_format": ("response_format",)}
"""Parts of a request that a server may not know, by the word that its refusal has."""


T = TypeVar("T")
R = TypeVar("R")

_Outcome = tuple[R, str]
"""What is said, and why the server gave no answer; empty where it gave one."""


class EndpointJudge:
    """Scores responses with a model behind an endpoint.

    Args:
        endpoint: where it is.
        dimensions: what is scored.
        settings: the section `[judge]`.
        key: the key of the endpoint; empty for none.
    """

    def __init__(self, endpoint: Endpoint, dimensions: DimensionSet, settings: JudgeSettings, key: str) -> None:
        self._endpoint = endpoint
        self._settings = settings
        self._key = key
        self._writes = settings.mode == "generate"
        self._left_out: frozenset[str] = frozenset()
        self._room_word = "max_tokens"
        self.name = endpoint.name
        self.dimensions = dimensions

    @property
    def explanation(self) -> str:
        """What kind of judge it is, in a sentence."""
        first, last = self.dimensions.ratings[0], self.dimensions.ratings[-1]
        how = "ratings as JSON" if self._writes else "a number for each dimension, or the mean of its log-probabilities"
        return f"language model {self._endpoint.model} at {self._endpoint.base}: {how}, {first} to {last}"

    @property
    def fingerprint(self) -> str:
        """See `Judge`; what a server does behind one name and address can't be seen from here."""
        facts = {
            "url": self._endpoint.base,
            "model": self._endpoint.model,
            "mode": self._settings.mode,
            "dimensions": self.dimensions.fingerprint,
            "wording": wording.VERSION,
            "version": VERSION,
        }
        return "endpoint-" + hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]

    def judge(self, rows: Iterable[Sample]) -> Iterator[Judgement]:
        """One judgement for each row, in order.

        Raises:
            UnavailableError: the endpoint can't be reached, does not know the model, refuses the key, or has failed for
                many responses in a row.
        """
        return self._through(rows, self._row, "type the same command with --resume auto --retry-failures")

    def judge_list(
        self, turns: Iterable[ListedTurn], *, seed: int = 0, reverse: bool = False
    ) -> Iterator[ListedJudgement]:
        """See `ecr_engine.scoring.listwise.ListJudge`; one number a question, whatever the mode.

        Raises:
            UnavailableError: as for `judge`.
        """
        ordered = ((turn, order_of(turn, seed=seed, reverse=reverse)) for turn in turns)
        return self._through(ordered, self._turn, "judge into another file: --output FILE")

    def _through(self, rows: Iterable[T], work: Callable[[EndpointClient, T], _Outcome[R]], remedy: str) -> Iterator[R]:
        """What is said of each row, in order; many are asked about at a time.

        Args:
            rows: what is asked about.
            work: asks about one.
            remedy: what to do once the server is well again.
        """
        settings = self._settings
        limiter = Limiter(settings.requests_per_minute, settings.tokens_per_minute)
        client = EndpointClient(
            self._endpoint,
            self._key,
            limiter,
            connections=settings.concurrency,
            timeout_s=settings.timeout_s,
            retries=settings.retries,
        )
        try:
            with Workers[T, _Outcome[R]](settings.concurrency, partial(work, client)) as workers:
                yield from self._in_order(workers, iter(rows), remedy)
        finally:
            client.close()

    def _in_order(self, workers: Workers[T, _Outcome[R]], rows: Iterator[T], remedy: str) -> Iterator[R]:
        waiting: deque[Future[_Outcome[R]]] = deque()
        troubles = 0
        while True:
            while len(waiting) < AHEAD * self._settings.concurrency and (row := next(rows, None)) is not None:
                waiting.append(workers.submit(row))
            if not waiting:
                return
            said, trouble = waiting.popleft().result()
            troubles = troubles + 1 if trouble else 0
            yield said
            if troubles == OUTAGE:
                raise UnavailableError(
                    f"the endpoint has failed for {OUTAGE} responses in a row; the last time: {trouble}",
                    at=self._endpoint.base,
                    fix=f"see to the server, then {remedy}",
                )

    def _row(self, client: EndpointClient, row: Sample) -> _Outcome[Judgement]:
        """All of one response; what goes wrong with it becomes its failure."""
        name = row.example.example_id
        if not row.response.strip():
            return Judgement(name, {}, {}, EMPTY), ""
        return self._fitted(client, row.example, [("", row.response)], "")

    def _turn(self, client: EndpointClient, row: tuple[ListedTurn, tuple[str, ...]]) -> _Outcome[ListedJudgement]:
        """All responses to one turn, each shown with the others and asked about by its pseudonym."""
        turn, order = row
        shown = [(letter, turn.responses[name]) for letter, name in zip(PSEUDONYMS, order, strict=False)]
        found: dict[str, Judgement] = {}
        troubles = []
        for (letter, response), name in zip(shown, order, strict=True):
            if response.strip():
                found[name], trouble = self._fitted(client, turn.example, shown, letter)
                troubles += [trouble] if trouble else []
            else:
                found[name] = Judgement(turn.example.example_id, {}, {}, EMPTY)
        return ListedJudgement(turn.example.example_id, order, found), next(iter(troubles), "")

    def _fitted(
        self, client: EndpointClient, example: Example, shown: Sequence[tuple[str, str]], letter: str
    ) -> _Outcome[Judgement]:
        """One response, with as much of its context as the model reads; what goes wrong becomes its failure."""
        name, turns = example.example_id, example.context
        while True:
            cut = len(example.context) - len(turns)
            try:
                scores, reasons = self._scores(client, turns, shown, letter)
            except TooLongError as error:
                if not turns:
                    return Judgement(name, {}, {}, f"the response is over the model's window: {error}", cut), ""
                turns = turns[(len(turns) + 1) // 2 :]
            except (TroubleError, BadAnswerError, ReplyError) as error:
                trouble = str(error) if isinstance(error, TroubleError) else ""
                return Judgement(name, {}, {}, str(error), cut), trouble
            else:
                return Judgement(name, scores, reasons, None, cut), ""

    def _scores(
        self, client: EndpointClient, turns: Sequence[Turn], shown: Sequence[tuple[str, str]], letter: str
    ) -> tuple[dict[str, float], dict[str, str]]:
        """Score and reason of each dimension for the response of this pseudonym; a single one has an empty one."""
        task = wording.task_text(self.dimensions, several=bool(letter))
        before = f"{task}\n\n{wording.case_text(turns, shown)}\n\n"
        if self._writes and not letter:
            question = before + wording.json_question(self.dimensions)
            room = NUMBER_TOKENS * (1 + len(self.dimensions.names)) * 2
            reply = self._ask(client, question, room, {"response_format": _json_format(self.dimensions)})
            return read_reply(reply.text, self.dimensions), {}
        scores, reasons = {}, {}
        for dimension in self.dimensions.dimensions:
            question = f"{before}{wording.question_text(dimension, self.dimensions, letter)} {ANSWER}"
            reply = self._ask(client, question, NUMBER_TOKENS, {"logprobs": True, "top_logprobs": LIKELY})
            scores[dimension.name], reasons[dimension.name] = read_rating(reply, dimension, self.dimensions)
        return scores, reasons

    def _ask(self, client: EndpointClient, text: str, room: int, more: dict[str, Any]) -> Reply:
        """Asks; a part of the request that the server does not know is left out from then on."""
        while True:
            left_out, room_word = self._left_out, self._room_word
            payload = {
                "model": self._endpoint.model,
                "messages": [{"role": "user", "content": text}],
                "temperature": 0.0,
                room_word: room,
                **{key: value for key, value in more.items() if key not in left_out},
            }
            try:
                return client.ask(payload, len(text))
            except RefusedError as refusal:
                if not self._adapt(refusal.message, payload):
                    raise

    def _adapt(self, message: str, payload: dict[str, Any]) -> bool:
        """Whether a refused request should be sent again in another form."""
        if "max_completion_tokens" in message and "max_tokens" in payload:
            self._room_word = "max_completion_tokens"
            return True
        for word, keys in _OPTIONAL.items():
            if word in message and word in payload:
                self._left_out |= frozenset(keys)
                return True
        return False


def _json_format(dimensions: DimensionSet) -> dict[str, Any]:
    """The form that servers with constrained decoding keep an answer to."""
    rating = {"type": "integer", "minimum": dimensions.ratings[0], "maximum": dimensions.ratings[-1]}
    schema = {
        "type": "object",
        "properties": dict.fromkeys(dimensions.names, rating),
        "required": list(dimensions.names),
        "additionalProperties": False,
    }
    return {"type": "json_schema", "json_schema": {"name": "ratings", "strict": True, "schema": schema}}


def endpoint_judge(name: str, dimensions: DimensionSet, settings: JudgeSettings) -> EndpointJudge:
    """The judge at an address; nothing is asked yet.

    Args:
        name: `openai:URL#MODEL`.
        dimensions: what is scored.
        settings: the section `[judge]`.

    Raises:
        UsageError: the address or the key can't be used.
    """
    return EndpointJudge(parse_address(name), dimensions, settings, key_of())
