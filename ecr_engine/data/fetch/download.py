"""Downloads one file: in a stream to `NAME.part`, taken up where it stopped, hashed on the way, renamed when right."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import httpx

from ecr_engine.data.fetch.address import Address, check_scheme
from ecr_engine.data.fetch.part import Origin, Part
from ecr_engine.data.fetch.progress import Advance, Listener, Notice
from ecr_engine.data.fetch.transport import PassingError, asked, client, refused
from ecr_engine.data.fetch.verify import Received, check_hash, too_large
from ecr_engine.errors import DataError, UnavailableError

WAITS = (0.5, 1.0, 2.0, 4.0)
"""Seconds before the second, third … attempt; after the last of them, one more failure is the end."""

STEADY = 1 << 20
"""An attempt that brought so many bytes was worth it: the count of failures begins anew."""

_CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)")


def download(
    address: Address,
    target: Path,
    *,
    max_bytes: int,
    listener: Listener,
    sleep: Callable[[float], None] = time.sleep,
) -> Received:
    """Downloads a file.

    What an earlier call left in `target.part` is continued, if the server still has the same file.

    Args:
        address: where it is and what it must be.
        target: the file to make; its folder exists.
        max_bytes: more bytes are an error.
        listener: hears how far it is.
        sleep: waits for so many seconds.

    Raises:
        UsageError: the address can't be used.
        UnavailableError: the file can't be had from there.
        DataError: what came is another file, or too large.
        EcrError: the disk is full, or another process is fetching the same file.
    """
    check_scheme(address)
    with client() as http, Part(target, Origin(address.shown, address.sha256)) as part:
        job = _Download(http, address, part, max_bytes, listener, sleep)
        job.run()
        if job.continued and part.sha256 != address.sha256 != "":
            # The beginning may be of another version of the file, or was damaged on the disk.
            listener(Notice(f"{target.name}: the continued file is not the right one; fetching it from the start"))
            part.restart(Origin(address.shown, address.sha256))
            job.run()
        check_hash(part, address, address.shown)
        part.finish()
        return Received(part.sha256, part.size)


@dataclass(slots=True)
class _Download:
    """The attempts at one file.

    Attributes:
        continued: whether bytes were joined to those of an earlier answer.
    """

    http: httpx.Client
    address: Address
    part: Part
    max_bytes: int
    listener: Listener
    sleep: Callable[[float], None]
    continued: bool = False

    def run(self) -> None:
        """Asks until the file is there, or until it is not worth it any more."""
        self.continued = self.part.size > 0
        failures = 0
        best = self.part.size
        while not self._is_there():
            try:
                self._attempt()
                return
            except PassingError as trouble:
                if self.part.size >= best + STEADY:
                    failures, best = 0, self.part.size
                if failures == len(WAITS):
                    raise trouble.error from trouble
                self._wait(trouble, WAITS[failures])
                failures += 1

    def _is_there(self) -> bool:
        """Whether the part is the whole file: an earlier process was stopped before it could rename it."""
        return self.part.sha256 == self.address.sha256

    def _wait(self, trouble: PassingError, usual: float) -> None:
        seconds = usual if trouble.wait is None else trouble.wait
        self.listener(Notice(f"{self.part.target.name}: {trouble.reason}; trying again in {seconds:g} s"))
        self.sleep(seconds)

    def _attempt(self) -> None:
        with asked(self.http, self.address, self._headers()) as response:
            match response.status_code:
                case HTTPStatus.OK:
                    self._begin(response)
                case HTTPStatus.PARTIAL_CONTENT:
                    self._continue(response)
                case HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                    self._at_the_end(response)
                    return
                case _:
                    raise refused(response, self.address)
            self._take(response)
        self._check_length()

    def _headers(self) -> dict[str, str]:
        if not self.part.can_continue():
            return {}
        headers = {"Range": f"bytes={self.part.size}-"}
        if self.part.origin.validator:
            headers["If-Range"] = self.part.origin.validator
        return headers

    def _begin(self, response: httpx.Response) -> None:
        """The whole file comes: it is the first time, the server knows no ranges, or the file has changed."""
        length = response.headers.get("content-length", "")
        total = int(length) if length.isdecimal() else None
        self.continued = False
        self.part.restart(self._origin(response, total))

    def _continue(self, response: httpx.Response) -> None:
        """The rest of the file comes, if it is the rest that was asked for."""
        start, total = _content_range(response)
        known = self.part.origin.total
        if start != self.part.size or (known is not None and total is not None and known != total):
            self._start_over("the server sends another part than the one asked for")
        self.continued = True

    def _at_the_end(self, response: httpx.Response) -> None:
        """There is nothing after our last byte: the file is complete, or was a longer one."""
        _, total = _content_range(response)
        if total != self.part.size:
            self._start_over("the server's file is shorter than what is here of it")

    def _start_over(self, reason: str) -> None:
        self.part.restart(Origin(self.address.shown, self.address.sha256))
        error = UnavailableError(reason, at=self.address.shown, fix=f"set {self.address.url_setting} to a mirror")
        raise PassingError(reason, error)

    def _origin(self, response: httpx.Response, total: int | None) -> Origin:
        head = response.headers
        return Origin(
            url=self.address.shown,
            sha256=self.address.sha256,
            etag=head.get("etag", ""),
            modified=head.get("last-modified", ""),
            total=total,
        )

    def _take(self, response: httpx.Response) -> None:
        """Writes the body."""
        packing = response.headers.get("content-encoding", "identity")
        if packing != "identity":
            raise DataError(
                f"the server sends the file packed ({packing}), though it was asked not to",
                at=self.address.shown,
                fix=f"set {self.address.url_setting} to a mirror",
            )
        total = self.part.origin.total
        if total is not None and total > self.max_bytes:
            raise too_large(self.part, self.max_bytes, self.address.shown)
        for block in response.iter_raw():
            if self.part.size + len(block) > self.max_bytes:
                raise too_large(self.part, self.max_bytes, self.address.shown)
            self.part.write(block)
            self.listener(Advance(self.part.target.name, self.part.size, total))

    def _check_length(self) -> None:
        total = self.part.origin.total
        if total is not None and self.part.size < total:
            reason = f"the connection ended after {self.part.size:,} of {total:,} bytes"
            raise PassingError(reason, UnavailableError(reason, at=self.address.shown, fix="try again"))


def _content_range(response: httpx.Response) -> tuple[int | None, int | None]:
    """First byte and length of the whole file, as far as the server says them."""
    found = _CONTENT_RANGE.fullmatch(response.headers.get("content-range", ""))
    if found is None:
        return None, None
    start, total = found.groups()
    return (None if start is None else int(start)), (None if total == "*" else int(total))
