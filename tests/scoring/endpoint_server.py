"""A chat-completions server on this machine that answers well, or as it is told to."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MODEL = "judge-7b"

Act = Callable[["Handler", dict], None]


class ChatServer(ThreadingHTTPServer):
    """The server.

    Attributes:
        act: what it does with a request.
        script: what it does with the first requests instead.
        asked: the requests, in order.
        headers: their headers.
        most: requests that were under way at a time at most.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, act: Act) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.act = act
        self.script: list[Act] = []
        self.asked: list[dict] = []
        self.headers: list[dict[str, str]] = []
        self.times: list[float] = []
        self.under_way = 0
        self.most = 0
        self.lock = threading.Lock()

    @property
    def address(self) -> str:
        return f"openai:{self.base}#{MODEL}"

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def handle_error(self, request, client_address) -> None:
        """A client that goes away is no news."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: ChatServer

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server = self.server
        with server.lock:
            server.asked.append(asked)
            server.headers.append(dict(self.headers))
            server.times.append(time.monotonic())
            server.under_way += 1
            server.most = max(server.most, server.under_way)
            act = server.script.pop(0) if server.script else server.act
        self.counted = True
        try:
            act(self, asked)
        finally:
            self.done()

    def done(self) -> None:
        """The request is no longer under way: as soon as its answer may be read, the next may come."""
        with self.server.lock:
            self.server.under_way -= self.counted
            self.counted = False

    def log_message(self, *arguments) -> None:
        """Nothing on stderr."""

    def send(self, body: bytes, code: int = 200, **headers: str) -> None:
        head = {"Content-Length": str(len(body)), **{key.replace("_", "-"): text for key, text in headers.items()}}
        self.done()
        lines = [f"HTTP/1.1 {code} {self.responses[code][0]}", *(f"{key}: {text}" for key, text in head.items())]
        self.wfile.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)


def completion(text: str | None, *, model: str = MODEL, logprobs: list | None = None, **more) -> bytes:
    """The body of an answer; `logprobs` are the likely tokens at each place, first the one that was taken."""
    choice: dict = {"index": 0, "message": {"role": "assistant", "content": text, **more}, "finish_reason": "stop"}
    if logprobs is not None:
        choice["logprobs"] = {
            "content": [
                {
                    "token": next(iter(place)),
                    "logprob": next(iter(place.values())),
                    "top_logprobs": [{"token": token, "logprob": log} for token, log in place.items()],
                }
                for place in logprobs
            ]
        }
    return json.dumps({"model": model, "choices": [choice], "usage": {"prompt_tokens": 100}}).encode()


def says(text: str | None, **how) -> Act:
    """Answers with a text."""
    return lambda handler, asked: handler.send(completion(text, **how))


def sends(body: bytes, code: int = 200, **headers: str) -> Act:
    """Answers with a body."""
    return lambda handler, asked: handler.send(body, code, **headers)


def late(seconds: float, act: Act) -> Act:
    """Answers after a while."""

    def answer(handler: Handler, asked: dict) -> None:
        time.sleep(seconds)
        act(handler, asked)

    return answer


def cuts(handler: Handler, asked: dict) -> None:
    """Announces more than it sends, and hangs up."""
    handler.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"choices"')
    handler.close_connection = True
    handler.connection.shutdown(2)


@contextmanager
def chat_server(act: Act) -> Iterator[ChatServer]:
    """A running server."""
    with ChatServer(act) as server:
        thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()
