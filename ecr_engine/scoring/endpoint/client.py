"""One question to an endpoint: limits, time-outs, asking again, and what each status means."""

from __future__ import annotations

import random
import re
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import httpx

from ecr_engine.errors import EcrError, UnavailableError
from ecr_engine.scoring.endpoint.address import KEY, Endpoint
from ecr_engine.scoring.endpoint.limits import Limiter
from ecr_engine.scoring.endpoint.replies import BadAnswerError, Reply, read_body, read_error

BACKOFF_S = 0.5
"""Seconds before a request is sent again; twice as many each time, less up to half of them at random."""

LONGEST_BACKOFF_S = 30.0
LONGEST_WAIT_S = 120.0
"""A server may ask to be left alone for so many seconds; more counts as a failure."""

LARGEST_ANSWER = 1 << 20
"""Bytes of an answer that are read."""

CHARACTERS_PER_TOKEN = 4
"""What a token is taken for before the server has counted."""

_PASSING = {
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.INTERNAL_SERVER_ERROR,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
}
_TOO_LONG = re.compile(
    r"context.{0,20}(length|window|size)|too long|too many tokens|maximum.{0,20}tokens", re.IGNORECASE
)


class TooLongError(Exception):
    """The prompt is over the model's window; the message is what the server said."""


class TroubleError(Exception):
    """An answer could not be had; the message says why."""


class RefusedError(TroubleError):
    """The server refuses a request as it is.

    Args:
        reason: why, for the record.
        message: the server's own words.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(reason)
        self.message = message


class _PassingError(Exception):
    """A trouble that may be gone the next time.

    Args:
        reason: what happened, in half a sentence.
        wait: seconds that the server asks to be left alone; None if it does not say.
        unreachable: whether there was no server at all.
    """

    def __init__(self, reason: str, wait: float | None = None, *, unreachable: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.wait = wait
        self.unreachable = unreachable


@dataclass(frozen=True, slots=True)
class Answered:
    """The outcome of one exchange.

    Attributes:
        status: the HTTP status.
        phrase: its words.
        retry_after: the header; empty without.
        body: the content.
    """

    status: int
    phrase: str
    retry_after: str
    body: bytes

    @property
    def said(self) -> str:
        """Status and words."""
        return f"{self.status} {self.phrase}".strip()


class EndpointClient:
    """Asks an endpoint; threads share it. A context manager.

    Args:
        endpoint: where it is.
        key: sent as a bearer token if not empty; it appears in no message.
        limiter: how much may be asked.
        connections: requests that are under way at a time at most.
        timeout_s: seconds for one answer, from the connection to its last byte.
        retries: how often a request is sent again.

    Attributes:
        stopped: set when nobody waits for an answer any more.

    Raises:
        UnavailableError: the system's proxy can't be used.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        key: str,
        limiter: Limiter,
        *,
        connections: int,
        timeout_s: float,
        retries: int,
    ) -> None:
        self._endpoint = endpoint
        self._key = key
        self._limiter = limiter
        self._timeout_s = timeout_s
        self._retries = retries
        self._random = random.Random()
        self.stopped = threading.Event()
        headers = {"User-Agent": "ecrctl", **({"Authorization": f"Bearer {key}"} if key else {})}
        try:
            self._http = httpx.Client(
                timeout=httpx.Timeout(timeout_s),
                headers=headers,
                follow_redirects=False,
                limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
            )
        except (ImportError, ValueError, httpx.InvalidURL) as error:
            raise UnavailableError(
                f"the system's proxy can't be used: {error}",
                at="HTTPS_PROXY, HTTP_PROXY, ALL_PROXY",
                fix="unset them, or name the endpoint's host in NO_PROXY",
            ) from error

    def close(self) -> None:
        """Closes the connections."""
        self.stopped.set()
        self._http.close()

    def ask(self, payload: Mapping[str, Any], size: int) -> Reply:
        """One reply, asked for again after troubles that may pass.

        Args:
            payload: the body of the request.
            size: characters of the prompt, for the limit of tokens.

        Raises:
            TroubleError: no answer could be had.
            TooLongError: the prompt is over the model's window.
            BadAnswerError: the answer holds no reply, or another model's.
            UnavailableError: no other question would be answered either.
        """
        attempt = 0
        while True:
            attempt += 1
            try:
                reply = self._once(payload, size)
            except _PassingError as trouble:
                if attempt > self._retries or self.stopped.is_set() or (trouble.wait or 0.0) > LONGEST_WAIT_S:
                    raise self._given_up(trouble, attempt) from trouble
                self._rest(trouble, attempt)
            else:
                return reply

    def _once(self, payload: Mapping[str, Any], size: int) -> Reply:
        request = self._http.build_request("POST", self._endpoint.url, json=payload)
        slot = self._limiter.acquire(size // CHARACTERS_PER_TOKEN + 1, lambda: not self.stopped.is_set())
        answer = self._exchange(request)
        if answer.status != HTTPStatus.OK:
            raise self._refused(answer)
        reply = read_body(answer.body)
        if reply.prompt_tokens:
            self._limiter.settle(slot, reply.prompt_tokens)
        if reply.model and not self._endpoint.is_its_model(reply.model):
            raise BadAnswerError(
                f"the endpoint answered as another model: '{reply.model}', not '{self._endpoint.model}'"
            )
        return reply

    def _exchange(self, request: httpx.Request) -> Answered:
        """Sends and receives, within the time there is for both."""
        deadline = time.monotonic() + self._timeout_s
        try:
            response = self._http.send(request, stream=True)
            try:
                body = self._body(response, deadline)
            finally:
                response.close()
        except httpx.TimeoutException as error:
            raise _PassingError(self._too_late()) from error
        except (httpx.ConnectError, httpx.ProxyError) as error:
            if _certificate_fault(error):
                raise UnavailableError(
                    f"the endpoint's certificate is not trusted: {error}",
                    at=self._endpoint.base,
                    fix="name the authority's file in SSL_CERT_FILE",
                ) from error
            raise _PassingError(f"the endpoint can't be reached ({error})", unreachable=True) from error
        except (httpx.TransportError, httpx.StreamError, httpx.DecodingError) as error:
            raise _PassingError("the endpoint cut the connection") from error
        return Answered(
            response.status_code,
            response.reason_phrase,
            response.headers.get("retry-after", ""),
            self._without_key(body),
        )

    def _body(self, response: httpx.Response, deadline: float) -> bytes:
        """All of an answer, unless that is too much or takes too long."""
        body = bytearray()
        for part in response.iter_bytes():
            body += part
            if len(body) > LARGEST_ANSWER:
                raise BadAnswerError(f"the endpoint's answer is longer than {LARGEST_ANSWER} bytes")
            if time.monotonic() > deadline:
                raise _PassingError(self._too_late())
        return bytes(body)

    def _without_key(self, body: bytes) -> bytes:
        """What a server said, which may quote the key; whatever is kept of it goes into files."""
        return body.replace(self._key.encode(), "…".encode()) if self._key else body

    def _too_late(self) -> str:
        return f"the endpoint did not answer within {self._timeout_s:g} s"

    def _refused(self, answer: Answered) -> Exception:
        """What a status other than success means."""
        message = read_error(answer.body)
        said = f"the endpoint answers {answer.said}" + (f": {message}" if message else "")
        if answer.status in _PASSING:
            return _PassingError(f"the endpoint answers {answer.said}", _retry_after(answer.retry_after))
        if answer.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            return UnavailableError(said, at=self._endpoint.base, fix=f"put the right key into the environment: {KEY}")
        if answer.status == HTTPStatus.NOT_FOUND or answer.status in range(300, 400):
            return UnavailableError(
                said,
                at=self._endpoint.name,
                fix=f"see what there is: curl {self._endpoint.base}/models; addresses often end in /v1",
            )
        if answer.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE or _TOO_LONG.search(message):
            return TooLongError(message or answer.said)
        return RefusedError(said, message)

    def _rest(self, trouble: _PassingError, attempt: int) -> None:
        """Waits before the next attempt; what a server asks for holds for all threads."""
        longest: float = min(LONGEST_BACKOFF_S, BACKOFF_S * 2.0 ** (attempt - 1))
        seconds = self._random.uniform(longest / 2.0, longest)
        if trouble.wait is not None:
            self._limiter.pause(trouble.wait)
            seconds = max(seconds, trouble.wait) if trouble.wait else seconds
        self.stopped.wait(seconds)

    def _given_up(self, trouble: _PassingError, attempts: int) -> EcrError | TroubleError:
        times = f", asked {attempts} times" if attempts > 1 else ""
        wait = trouble.wait or 0.0
        asks = f" and asks to come back in {wait:.0f} s" if wait > LONGEST_WAIT_S else ""
        if trouble.unreachable:
            return UnavailableError(
                trouble.reason + times,
                at=self._endpoint.base,
                fix="start the server, then type the same command with --resume auto",
            )
        return TroubleError(trouble.reason + asks + times)


def _certificate_fault(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def _retry_after(text: str) -> float | None:
    """Seconds in a Retry-After header, which gives seconds or a date."""
    if text.isascii() and text.isdecimal():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
