"""A web server on this machine that does what real ones do on bad days, and remembers what it was asked."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Asked:
    """One request: its path and the headers that matter here, empty where they were not sent."""

    path: str
    range: str
    if_range: str


@dataclass
class Resource:
    """A file on the server.

    Attributes:
        body: its content.
        etag: its version; no header if empty.
        ranges: whether the server knows ranges.
        heeds_if_range: whether it looks at If-Range before it sends a part.
        script: what to do with the first requests, one after the other; afterwards it is served as it should be.
    """

    body: bytes = b""
    etag: str = '"v1"'
    ranges: bool = True
    heeds_if_range: bool = True
    script: list[Callable[[Handler, Resource], None]] = field(default_factory=list)


class Loopback(ThreadingHTTPServer):
    """The server; `resources` by path, `asked` in the order of the requests."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.resources: dict[str, Resource] = {}
        self.asked: list[Asked] = []

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"

    def add(self, path: str, body: bytes = b"", *script: Callable[[Handler, Resource], None], **how) -> Resource:
        self.resources[path] = Resource(body, script=list(script), **how)
        return self.resources[path]

    def handle_error(self, request, client_address) -> None:
        """A client that goes away is no news."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Loopback

    def do_GET(self) -> None:
        head = self.headers
        self.server.asked.append(Asked(self.path, head.get("Range", ""), head.get("If-Range", "")))
        self.close_connection = True
        resource = self.server.resources.get(self.path)
        if resource is None:
            status(404)(self, Resource())
        elif resource.script:
            resource.script.pop(0)(self, resource)
        else:
            serve(self, resource)

    def log_message(self, *arguments) -> None:
        """Nothing on stderr."""

    def head(self, code: int, resource: Resource, length: int | None, **headers: str) -> None:
        self.send_response(code)
        if resource.etag:
            self.send_header("ETag", resource.etag)
        if length is not None:
            self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Connection", "close")
        self.end_headers()


def serve(handler: Handler, resource: Resource, limit: int | None = None) -> None:
    """The file, or the part of it that was asked for; only `limit` bytes of what was announced."""
    asked = handler.server.asked[-1]
    current = not (asked.if_range and resource.heeds_if_range) or asked.if_range == resource.etag
    start = re.fullmatch(r"bytes=(\d+)-", asked.range)
    if start is None or not resource.ranges or not current:
        handler.head(200, resource, len(resource.body))
        handler.wfile.write(resource.body[:limit])
        return
    first, size = int(start[1]), len(resource.body)
    if first >= size:
        handler.head(416, resource, 0, Content_Range=f"bytes */{size}")
        return
    handler.head(206, resource, size - first, Content_Range=f"bytes {first}-{size - 1}/{size}")
    handler.wfile.write(resource.body[first:][:limit])


def cut(after: int) -> Callable[[Handler, Resource], None]:
    """Announces everything, sends `after` bytes and hangs up."""
    return lambda handler, resource: serve(handler, resource, after)


def status(code: int, **headers: str) -> Callable[[Handler, Resource], None]:
    """A status with a short body."""

    def answer(handler: Handler, resource: Resource) -> None:
        handler.head(code, Resource(etag=""), 4, **headers)
        handler.wfile.write(b"sry\n")

    return answer


def endless(handler: Handler, resource: Resource) -> None:
    """A body without an announced length that goes on until the client has had enough."""
    handler.head(200, resource, None)
    try:
        while True:
            handler.wfile.write(b"x" * 65_536)
    except OSError:
        return


@contextmanager
def loopback() -> Iterator[Loopback]:
    """A running server."""
    with Loopback() as server:
        thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()
