"""Downloads of one file from a server that cuts, forgets, changes and lies."""

from __future__ import annotations

import fcntl
import hashlib
import json
import random
import socket
import ssl
from pathlib import Path

import httpx
import pytest
from loopback import Loopback, cut, endless, loopback, status

from ecr_engine.data.fetch.address import Address, address_of, check_scheme
from ecr_engine.data.fetch.corpus import RemoteFile
from ecr_engine.data.fetch.download import download
from ecr_engine.data.fetch.progress import Advance, Notice
from ecr_engine.data.fetch.transport import PassingError, asked
from ecr_engine.errors import DataError, EcrError, UnavailableError, UsageError

BODY = random.Random(5).randbytes(300_000)
OTHER = random.Random(6).randbytes(200_000)
MIB = 2**20


@pytest.fixture(scope="module")
def running():
    with loopback() as server:
        yield server


@pytest.fixture
def server(running: Loopback) -> Loopback:
    running.resources.clear()
    running.asked.clear()
    return running


class Call:
    """A download with what it told and how long it wanted to wait."""

    def __init__(self, server: Loopback, folder: Path) -> None:
        self.server = server
        self.target = folder / "file.bin"
        self.news: list[Advance | Notice] = []
        self.waits: list[float] = []

    def __call__(self, content: bytes = BODY, *, max_bytes: int = 16 * MIB):
        address = Address("corpus", self.server.url("/f"), hashlib.sha256(content).hexdigest())
        return download(address, self.target, max_bytes=max_bytes, listener=self.news.append, sleep=self.waits.append)

    def fails(self, kind: type[EcrError], content: bytes = BODY, *, max_bytes: int = 16 * MIB):
        with pytest.raises(kind) as caught:
            self(content, max_bytes=max_bytes)
        return caught.value.problems[0]

    def left(self) -> list[str]:
        return sorted(path.name for path in self.target.parent.iterdir())

    def ranges(self) -> list[str]:
        return [one.range for one in self.server.asked]

    def notices(self) -> list[str]:
        return [one.text for one in self.news if isinstance(one, Notice)]


@pytest.fixture
def call(server: Loopback, tmp_path: Path) -> Call:
    return Call(server, tmp_path)


def test_a_file_comes_whole(call: Call, server: Loopback) -> None:
    server.add("/f", BODY)
    received = call()
    assert call.target.read_bytes() == BODY
    assert (received.size, received.sha256) == (300_000, hashlib.sha256(BODY).hexdigest())
    assert call.left() == ["file.bin"]
    assert call.ranges() == [""]
    assert call.news[-1] == Advance("file.bin", 300_000, 300_000)
    assert call.waits == []


def test_a_cut_connection_is_continued_where_it_broke(call: Call, server: Loopback) -> None:
    server.add("/f", BODY, cut(100_000), cut(50_000))
    call()
    assert call.target.read_bytes() == BODY
    assert call.ranges() == ["", "bytes=100000-", "bytes=150000-"]
    assert [one.if_range for one in server.asked] == ["", '"v1"', '"v1"']
    assert call.waits == [0.5, 1.0]
    assert call.left() == ["file.bin"]


def test_as_long_as_attempts_bring_a_mebibyte_they_go_on(call: Call, server: Loopback) -> None:
    content = bytes(7 * MIB)
    server.add("/f", content, *[cut(MIB)] * 6)
    call(content)
    assert call.target.stat().st_size == 7 * MIB
    assert call.ranges() == ["", *(f"bytes={number * MIB}-" for number in range(1, 7))]
    assert call.waits == [0.5] * 6


def test_attempts_that_bring_little_end(call: Call, server: Loopback) -> None:
    server.add("/f", BODY, *[cut(10)] * 9)
    problem = call.fails(UnavailableError)
    assert problem.what.startswith("the connection broke (")
    assert len(server.asked) == 5
    assert call.waits == [0.5, 1.0, 2.0, 4.0]
    assert (call.target.parent / "file.bin.part").read_bytes() == BODY[:50]


def test_a_later_call_continues(call: Call, server: Loopback) -> None:
    server.add("/f", BODY, cut(70_000), status(404))
    call.fails(UnavailableError)
    assert call.left() == ["file.bin.part", "file.bin.part.json"]
    call()
    assert call.ranges() == ["", "bytes=70000-", "bytes=70000-"]
    assert call.target.read_bytes() == BODY
    assert call.left() == ["file.bin"]


def test_a_server_without_ranges_sends_all_again(call: Call, server: Loopback) -> None:
    server.add("/f", BODY, cut(70_000), ranges=False)
    call()
    assert call.ranges() == ["", "bytes=70000-"]
    assert call.target.read_bytes() == BODY


def test_a_file_that_changed_starts_anew(call: Call, server: Loopback) -> None:
    server.add("/f", BODY, cut(70_000), status(404))
    call.fails(UnavailableError, OTHER)
    server.add("/f", OTHER, etag='"v2"')
    call(OTHER)
    assert server.asked[-1].if_range == '"v1"'
    assert call.target.read_bytes() == OTHER


def test_the_part_of_another_file_is_not_continued(call: Call, server: Loopback) -> None:
    server.add("/f", BODY, cut(70_000), status(404))
    call.fails(UnavailableError, BODY)
    server.add("/f", OTHER, etag='"v2"')
    call(OTHER)
    assert call.ranges()[-1] == ""
    assert call.target.read_bytes() == OTHER


def test_a_server_that_mixes_two_versions_is_asked_for_all_of_it(call: Call, server: Loopback) -> None:
    server.add("/f", BODY, cut(70_000), status(404))
    call.fails(UnavailableError, BODY[:-1] + b"!")
    server.add("/f", BODY[:-1] + b"!", heeds_if_range=False)
    # The first bytes went bad on the disk.
    part = call.target.with_name("file.bin.part")
    part.write_bytes(b"bad" + part.read_bytes()[3:])
    call(BODY[:-1] + b"!")
    assert call.ranges()[2:] == ["bytes=70000-", ""]
    assert call.target.read_bytes() == BODY[:-1] + b"!"
    assert call.notices()[-1] == ("file.bin: the continued file is not the right one; fetching it from the start")


def test_without_any_validator_a_hash_is_enough_to_continue(call: Call, server: Loopback) -> None:
    server.add("/f", BODY, cut(70_000), etag="")
    call()
    assert [(one.range, one.if_range) for one in server.asked] == [("", ""), ("bytes=70000-", "")]


def test_a_weak_etag_is_no_validator(call: Call, server: Loopback) -> None:
    server.add("/f", BODY, cut(70_000), etag='W/"v1"')
    call()
    assert [(one.range, one.if_range) for one in server.asked] == [("", ""), ("bytes=70000-", "")]


def test_a_complete_part_needs_no_server(call: Call, server: Loopback) -> None:
    server.add("/f", BODY, cut(70_000), status(404))
    call.fails(UnavailableError)
    call.target.with_name("file.bin.part").write_bytes(BODY)
    server.asked.clear()
    call()
    assert server.asked == []
    assert call.target.read_bytes() == BODY


def test_nothing_after_our_last_byte(call: Call, server: Loopback) -> None:
    """416 for a part as long as the file, and wrong: all of it is fetched; likewise for one that is longer."""
    for content in (b"?" * 300_000, b"?" * 300_001):
        server.add("/f", BODY, cut(70_000), status(404))
        call.fails(UnavailableError)
        call.target.with_name("file.bin.part").write_bytes(content)
        server.asked.clear()
        call()
        assert call.ranges() == [f"bytes={len(content)}-", ""]
        assert call.target.read_bytes() == BODY


def test_another_part_than_the_one_asked_for(call: Call, server: Loopback) -> None:
    def wrong_part(handler, resource) -> None:
        handler.head(206, resource, 10, Content_Range="bytes 0-9/300000")
        handler.wfile.write(resource.body[:10])

    server.add("/f", BODY, cut(70_000), wrong_part)
    call()
    assert call.ranges() == ["", "bytes=70000-", ""]
    assert call.target.read_bytes() == BODY


def test_a_wrong_file_is_removed(call: Call, server: Loopback) -> None:
    server.add("/f", OTHER)
    problem = call.fails(DataError)
    right, wrong = hashlib.sha256(BODY).hexdigest(), hashlib.sha256(OTHER).hexdigest()
    assert problem.what == f"what came is not the file asked for: its SHA-256 is {wrong}, not {right}"
    assert problem.at == server.url("/f")
    assert problem.fix == (
        f"set fetch.corpus_url to a mirror; if the file was rightly changed: --set fetch.corpus_sha256={wrong}"
    )
    assert call.left() == []


def test_a_web_page_in_the_place_of_a_file_is_called_one(call: Call, server: Loopback) -> None:
    server.add("/f", b"\n<!DOCTYPE html><title>Sign in</title>")
    assert call.fails(DataError).what.startswith("what came is a web page, not the file asked for: its SHA-256 is ")


@pytest.mark.parametrize(
    ("code", "what"),
    [
        (404, "the server has no such file: 404 Not Found"),
        (410, "the server has no such file: 410 Gone"),
        (403, "the server does not give the file to us: 403 Forbidden"),
        (401, "the server does not give the file to us: 401 Unauthorized"),
        (418, "the server answers 418 I'm a Teapot"),
    ],
)
def test_refusals_are_final(call: Call, server: Loopback, code: int, what: str) -> None:
    server.add("/f", BODY, status(code))
    problem = call.fails(UnavailableError)
    assert problem.what == what
    assert problem.fix == ("set fetch.corpus_url to a mirror, or fetch it elsewhere and give the file: --from FILE")
    assert len(server.asked) == 1
    assert call.left() == []


def test_a_server_that_recovers(call: Call, server: Loopback) -> None:
    server.add("/f", BODY, status(500), status(503, Retry_After="7"), status(429, Retry_After="0"))
    call()
    assert call.target.read_bytes() == BODY
    assert call.waits == [0.5, 7.0, 0.0]
    assert call.notices()[:2] == [
        "file.bin: the server answers 500 Internal Server Error; trying again in 0.5 s",
        "file.bin: the server answers 503 Service Unavailable; trying again in 7 s",
    ]


def test_a_server_that_does_not(call: Call, server: Loopback) -> None:
    server.add("/f", BODY, *[status(500)] * 9)
    assert call.fails(UnavailableError).what == "the server answers 500 Internal Server Error"
    assert len(server.asked) == 5


def test_a_server_that_asks_for_an_hour(call: Call, server: Loopback) -> None:
    server.add("/f", BODY, status(429, Retry_After="3600"))
    problem = call.fails(UnavailableError)
    assert problem.what == "the server answers 429 Too Many Requests and asks to come back in 3600 s"
    assert call.waits == []


def test_a_date_that_is_past_is_no_wait(call: Call, server: Loopback) -> None:
    server.add("/f", BODY, status(503, Retry_After="Sun, 06 Nov 1994 08:49:37 GMT"))
    call()
    assert call.waits == [0.0]


def test_redirects_are_followed_and_keep_the_range(call: Call, server: Loopback) -> None:
    server.add("/f", b"", status(302, Location="/g"), status(307, Location="/g"))
    server.add("/g", BODY, cut(70_000))
    call()
    assert [(one.path, one.range) for one in server.asked] == [
        ("/f", ""),
        ("/g", ""),
        ("/f", "bytes=70000-"),
        ("/g", "bytes=70000-"),
    ]
    assert call.target.read_bytes() == BODY


def test_redirects_in_a_circle(call: Call, server: Loopback) -> None:
    server.add("/f", b"", *[status(302, Location="/f")] * 20)
    assert call.fails(UnavailableError).what == "the server redirects more than 10 times"


def answering(handler) -> httpx.Client:
    return httpx.Client(transport=httpx.MockTransport(handler))


def ask(http: httpx.Client, url: str = "https://a.example/f") -> None:
    with asked(http, Address("corpus", url, ""), {}):
        pass


def test_https_does_not_fall_to_http() -> None:
    def redirect(request: httpx.Request) -> httpx.Response:
        return httpx.Response(302, headers={"Location": "http://a.example/f"})

    with pytest.raises(UnavailableError) as caught:
        ask(answering(redirect))
    assert caught.value.problems[0].what == "the server redirects from https to http"


def test_a_certificate_that_is_not_trusted_is_not_tried_again() -> None:
    def untrusted(request: httpx.Request) -> httpx.Response:
        try:
            raise ssl.SSLCertVerificationError("self-signed certificate")
        except ssl.SSLError as error:
            raise httpx.ConnectError(str(error)) from error

    with pytest.raises(UnavailableError) as caught:
        ask(answering(untrusted))
    problem = caught.value.problems[0]
    assert problem.what.startswith("the server's certificate is not trusted: ")
    assert problem.fix.startswith("name the authority's file in SSL_CERT_FILE")


def test_silence_is_tried_again() -> None:
    def silent(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("timed out")

    with pytest.raises(PassingError) as caught:
        ask(answering(silent))
    assert caught.value.error.problems[0].what == "the server does not answer"


def test_a_malformed_address() -> None:
    with pytest.raises(UsageError) as caught:
        ask(answering(lambda request: httpx.Response(200)), "https://a.example:port/f")
    assert caught.value.problems[0].what.startswith("fetch.corpus_url is malformed: ")


def test_no_server_at_all(call: Call, server: Loopback, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/f"
        with pytest.raises(UnavailableError) as caught:
            download(
                Address("corpus", url, "0" * 64), call.target, max_bytes=9, listener=print, sleep=call.waits.append
            )
    problem = caught.value.problems[0]
    assert problem.what.startswith("the server can't be reached (")
    assert (problem.at, problem.fix) == (url, "fetch it elsewhere and give the file: --from FILE")
    assert int(caught.value.exit_code) == 5
    assert call.waits == [0.5, 1.0, 2.0, 4.0]
    assert call.left() == []


def test_an_endless_body(call: Call, server: Loopback) -> None:
    server.add("/f", b"", endless)
    problem = call.fails(DataError, max_bytes=2 * MIB)
    assert problem.what == "the file is larger than 2 MiB"
    assert problem.fix == "if it is meant to be, allow more: --set fetch.max_mib=N"
    assert call.left() == []


def test_a_length_over_the_limit_is_refused_before_a_byte(call: Call, server: Loopback) -> None:
    server.add("/f", bytes(2 * MIB))
    assert call.fails(DataError, max_bytes=MIB).what == "the file is larger than 1 MiB"
    assert call.news == []
    assert call.left() == []


def test_a_packed_answer_is_refused(call: Call, server: Loopback) -> None:
    def packed(handler, resource) -> None:
        handler.head(200, resource, 3, Content_Encoding="gzip")
        handler.wfile.write(b"abc")

    server.add("/f", BODY, packed)
    assert call.fails(DataError).what == "the server sends the file packed (gzip), though it was asked not to"
    assert call.left() == []


def test_a_full_disk(call: Call, server: Loopback) -> None:
    part = call.target.with_name("file.bin.part")
    part.symlink_to("/dev/full")
    server.add("/f", BODY)
    problem = call.fails(EcrError)
    assert (problem.what, problem.at) == ("the disk is full", str(part))
    assert problem.fix == "free some space, and type the same command again"


def test_two_at_a_time(call: Call, server: Loopback) -> None:
    server.add("/f", BODY)
    part = call.target.with_name("file.bin.part")
    with part.open("wb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        problem = call.fails(EcrError)
    assert problem.what == "another process is fetching this file"
    assert server.asked == []


def test_the_note_beside_a_part_holds_no_password(call: Call, server: Loopback) -> None:
    server.add("/f", BODY, cut(1000), status(404))
    url = server.url("/f").replace("http://", "http://me:secret@")
    with pytest.raises(UnavailableError) as caught:
        download(Address("corpus", url, "0" * 64), call.target, max_bytes=MIB, listener=print, sleep=call.waits.append)
    note = json.loads(call.target.with_name("file.bin.part.json").read_text())
    assert note["url"] == caught.value.problems[0].at == server.url("/f")


@pytest.mark.parametrize(
    ("url", "digest", "what"),
    [
        ("ftp://a.example/f", "", "fetch.corpus_url is no web address"),
        ("", "", "fetch.corpus_url is no web address"),
        (
            "http://a.example/f",
            "",
            "an http address needs the SHA-256 of its file: anybody on the way could change it",
        ),
    ],
)
def test_addresses_that_are_refused(url: str, digest: str, what: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_scheme(Address("corpus", url, digest))
    assert caught.value.problems[0].what == what


def test_a_hash_that_is_none() -> None:
    with pytest.raises(UsageError) as caught:
        address_of(RemoteFile("f", "corpus"), {"corpus_url": "https://a.example/f", "corpus_sha256": "12ab"})
    problem = caught.value.problems[0]
    assert problem.what == "fetch.corpus_sha256 is no SHA-256: it has 64 hexadecimal digits"
    assert problem.at == "fetch.corpus_sha256=12ab"


def test_an_address_that_can_not_be_parsed() -> None:
    with pytest.raises(UsageError) as caught:
        address_of(RemoteFile("f", "corpus"), {"corpus_url": "https://[a.example/f", "corpus_sha256": ""})
    problem = caught.value.problems[0]
    assert problem.what == "fetch.corpus_url is no web address"
    assert problem.at == "fetch.corpus_url=https://[a.example/f"
    assert problem.fix == "give one that begins with https://, or a file: --from FILE"
