"""One question to a web server: redirects, statuses and broken connections, each as what it means for a download."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import httpx

from ecr_engine.data.fetch.address import Address
from ecr_engine.errors import EcrError, UnavailableError, UsageError

ELSEWHERE = "fetch it elsewhere and give the file: --from FILE"

LONGEST_WAIT = 120.0
"""A server may ask to be left alone for so many seconds; more is an error."""

_REDIRECTS = 10
_TIMEOUT = httpx.Timeout(30.0, connect=15.0)
_PASSING = {
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.INTERNAL_SERVER_ERROR,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
}


class PassingError(Exception):
    """A trouble that may be gone the next time.

    Args:
        reason: what happened, in half a sentence.
        error: what to raise when it does not go away.
        wait: seconds that the server asks to be left alone; None if it does not say.
    """

    def __init__(self, reason: str, error: EcrError, wait: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.error = error
        self.wait = wait


def client() -> httpx.Client:
    """A client that takes files as they are; it follows no redirect by itself, and the system's proxy is used.

    Raises:
        UnavailableError: the system's proxy is of a kind that can't be used.
    """
    headers = {"Accept-Encoding": "identity", "User-Agent": "ecrctl"}
    try:
        return httpx.Client(timeout=_TIMEOUT, headers=headers, follow_redirects=False)
    except (ImportError, ValueError, httpx.InvalidURL) as error:
        raise UnavailableError(
            f"the system's proxy can't be used: {error}", at="HTTPS_PROXY, HTTP_PROXY, ALL_PROXY", fix=ELSEWHERE
        ) from error


@contextmanager
def asked(http: httpx.Client, address: Address, headers: dict[str, str]) -> Iterator[httpx.Response]:
    """The answer to a GET, its body not yet read; whatever breaks while it is read is explained too.

    Args:
        http: the client.
        address: what to ask for.
        headers: Range and its like.

    Raises:
        PassingError: the connection broke or could not be made.
        UnavailableError: the server can't be trusted, or redirects in circles or to an http address.
        UsageError: the address is malformed.
    """
    try:
        with _followed(http, address, headers) as response:
            yield response
    except httpx.InvalidURL as error:
        raise UsageError(f"{address.url_setting} is malformed: {error}", at=address.url_setting) from error
    except httpx.TransportError as error:
        raise _explained(error, address) from error


@contextmanager
def _followed(http: httpx.Client, address: Address, headers: dict[str, str]) -> Iterator[httpx.Response]:
    request = http.build_request("GET", address.url, headers=headers)
    for _ in range(_REDIRECTS):
        response = http.send(request, stream=True)
        try:
            if response.next_request is None:
                yield response
                return
            following = response.next_request
        finally:
            response.close()
        if request.url.scheme == "https" and following.url.scheme != "https":
            raise UnavailableError(
                f"the server redirects from https to {following.url.scheme}", at=address.shown, fix=ELSEWHERE
            )
        request = following
    raise UnavailableError(f"the server redirects more than {_REDIRECTS} times", at=address.shown, fix=ELSEWHERE)


def _explained(error: httpx.TransportError, address: Address) -> Exception:
    """What broke: passing, or final where a certificate is wrong."""
    if _certificate_fault(error):
        return UnavailableError(
            f"the server's certificate is not trusted: {error}",
            at=address.shown,
            fix=f"name the authority's file in SSL_CERT_FILE, or {ELSEWHERE}",
        )
    if isinstance(error, httpx.TimeoutException):
        reason = "the server does not answer"
    elif isinstance(error, (httpx.ConnectError, httpx.ProxyError)):
        reason = f"the server can't be reached ({error})"
    else:
        reason = f"the connection broke ({error or type(error).__name__})"
    return PassingError(reason, UnavailableError(reason, at=address.shown, fix=ELSEWHERE))


def _certificate_fault(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def refused(response: httpx.Response, address: Address) -> Exception:
    """What a status other than success means: an error, or a trouble that may pass."""
    status = response.status_code
    said = f"{status} {response.reason_phrase}".strip()
    fix = f"set {address.url_setting} to a mirror, or {ELSEWHERE}"
    if status in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
        return UnavailableError(f"the server has no such file: {said}", at=address.shown, fix=fix)
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return UnavailableError(f"the server does not give the file to us: {said}", at=address.shown, fix=fix)
    reason = f"the server answers {said}"
    error = UnavailableError(reason, at=address.shown, fix=fix)
    if status not in _PASSING:
        return error
    wait = _retry_after(response.headers.get("retry-after", ""))
    if wait is not None and wait > LONGEST_WAIT:
        return UnavailableError(f"{reason} and asks to come back in {wait:.0f} s", at=address.shown, fix=fix)
    return PassingError(reason, error, wait)


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
