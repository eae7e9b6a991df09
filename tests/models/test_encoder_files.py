"""Encoders whose files are damaged, missing or don't fit each other, and names that lead to none."""

from __future__ import annotations

import json
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import tiny_models
from goemotions_fixture import write_encoder

from ecr_engine.errors import ExitCode, UnavailableError
from ecr_engine.models.bi_encoder import BiEncoderFacts, build_bi_encoder, load_bi_encoder
from ecr_engine.models.encoders import load_encoder

assert tiny_models  # one thread

AT = "emotion.encoder"
FIX = "name a local folder with the encoder, or use --encoder minilm-l6"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_encoder(tmp_path_factory.mktemp("whole"))


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    """An encoder to damage: width 32, 2 layers, a vocabulary of 35 words."""
    return shutil.copytree(whole, tmp_path / "encoder")


def be_at(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    """Puts the hub at a port of this machine."""
    place = f"http://127.0.0.1:{port}"
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", place)
    monkeypatch.setattr(
        "huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", place + "/{repo_id}/resolve/{revision}/{filename}"
    )


@pytest.fixture
def no_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A hub where nobody listens, and an empty cache."""
    be_at(monkeypatch, 9)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))


def refusal(name: object) -> tuple[str, str, str]:
    """The reason, the place and the remedy of the error."""
    with pytest.raises(UnavailableError) as caught:
        load_encoder(str(name), at=AT, otherwise="use --encoder minilm-l6")
    assert caught.value.exit_code is ExitCode.ENVIRONMENT
    [problem] = caught.value.problems
    start, found, reason = problem.what.partition(" can't be loaded: ")
    assert (start, found) == (f"encoder '{name}'", " can't be loaded: ")
    return reason, problem.at, problem.fix


def configure(folder: Path, **changes: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_whole_it_is_loaded(folder: Path) -> None:
    body, tokenizer = load_encoder(str(folder), at=AT)
    assert (body.config.hidden_size, len(tokenizer)) == (32, 35)


@pytest.mark.parametrize("share", [0, 0.5, 0.99])
def test_a_truncated_file_of_weights(folder: Path, share: float) -> None:
    path = folder / "model.safetensors"
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    reason, at, fix = refusal(folder)
    assert reason.startswith("its weights are damaged: Error while deserializing header: ")
    assert (at, fix) == (AT, FIX)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"hidden_size": 64}, "embeddings.LayerNorm.bias is [32] where [64] is expected"),
        ({"vocab_size": 5}, "embeddings.word_embeddings.weight is [35, 32] where [5, 32] is expected"),
        ({"num_hidden_layers": 3}, "encoder.layer.2.attention.output.LayerNorm.bias is not among them"),
    ],
)
def test_weights_that_do_not_fit_the_config(folder: Path, changes: dict[str, int], reason: str) -> None:
    configure(folder, **changes)
    assert refusal(folder) == (f"its weights don't fit its config.json: {reason}", AT, FIX)


@pytest.mark.parametrize("changes", [{"hidden_size": "wide"}, {"hidden_size": -32}, {"model_type": "no-such-type"}])
def test_a_config_that_makes_no_sense(folder: Path, changes: dict[str, object]) -> None:
    configure(folder, **changes)
    reason, at, fix = refusal(folder)
    assert str(next(iter(changes.values()))) in reason
    assert "\n" not in reason
    assert (at, fix) == (AT, FIX)


@pytest.mark.parametrize("missing", [["tokenizer.json"], ["tokenizer.json", "tokenizer_config.json"]])
def test_a_folder_without_a_tokenizer(folder: Path, missing: list[str]) -> None:
    for name in missing:
        (folder / name).unlink()
    assert refusal(folder) == ("it has no tokenizer: there is no tokenizer.json", AT, FIX)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "tokenizer_config.json"])
@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"null", "is not a JSON object"),
        (b"[]", "is not a JSON object"),
        (b'{"a": ', "is not JSON: Expecting value"),
        (b'{"a": "\xff"}', "is not UTF-8 text"),
    ],
)
def test_broken_json(folder: Path, name: str, content: bytes, what: str) -> None:
    (folder / name).write_bytes(content)
    assert refusal(folder) == (f"{name} {what}", f"{folder / name}:1", FIX)


def test_an_empty_folder(tmp_path: Path) -> None:
    assert refusal(tmp_path) == ("the folder has no config.json", AT, FIX)


@pytest.mark.parametrize("name", ["./nowhere", "/nowhere/at/all", "no such/thing here", "a/b/c", "a--b"])
def test_what_is_neither_a_folder_nor_a_hub_id(no_hub: None, name: str) -> None:
    assert refusal(name) == ("it is no registered name, no folder and no hub id", AT, FIX)


@pytest.mark.parametrize(
    ("name", "source"), [("nobody/nothing", "nobody/nothing"), ("roberta-base", "FacebookAI/roberta-base")]
)
def test_a_hub_that_can_not_be_reached(no_hub: None, capfd: pytest.CaptureFixture[str], name: str, source: str) -> None:
    started = time.monotonic()
    reason = f"'{source}' is no folder and not in the hub's cache, and the hub can't be reached"
    assert refusal(name) == (reason, AT, FIX)
    assert time.monotonic() - started < 6
    assert capfd.readouterr() == ("", "")


@pytest.fixture
def silent_hub(no_hub: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A hub that never answers, and whose connections can be counted."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        be_at(monkeypatch, listener.getsockname()[1])
        yield listener


def test_a_hub_that_does_not_answer_is_not_waited_for(silent_hub: socket.socket, monkeypatch) -> None:
    monkeypatch.setattr("ecr_engine.models.hub.HUB_SECONDS", 0.2)
    started = time.monotonic()
    assert refusal("nobody/nothing")[0].endswith(", and the hub can't be reached")
    assert time.monotonic() - started < 6
    silent_hub.accept()[0].close()


def test_offline_the_hub_is_not_asked(silent_hub: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert refusal("nobody/nothing")[0].endswith(", and the hub can't be reached")
    with pytest.raises(BlockingIOError):
        silent_hub.accept()


def test_what_the_cache_has_needs_no_hub(silent_hub: socket.socket, whole: Path, tmp_path: Path) -> None:
    cached = tmp_path / "cache" / "models--someone--small"
    shutil.copytree(whole, cached / "snapshots" / ("0" * 40))
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text("0" * 40)
    body, tokenizer = load_encoder("someone/small", at=AT)
    assert (body.config.hidden_size, len(tokenizer)) == (32, 35)
    with pytest.raises(BlockingIOError):
        silent_hub.accept()


class Hub(BaseHTTPRequestHandler):
    """A hub with one model, whose files lie in `folder`."""

    folder: Path

    def do_HEAD(self) -> None:
        self.answer()

    def do_GET(self) -> None:
        self.wfile.write(self.answer())

    def answer(self) -> bytes:
        """Sends the headers that the hub sends, and gives the file."""
        owner, _, name = self.path.partition("/resolve/main/")
        path = self.folder / name
        known = owner == "/someone/small" and bool(name) and path.is_file()
        body = path.read_bytes() if known else b""
        self.send_response(200 if known else 404)
        self.send_header("Content-Length", str(len(body)))
        if known:
            self.send_header("ETag", f'"{name}"')
            self.send_header("X-Repo-Commit", "0" * 40)
        else:
            self.send_header("X-Error-Code", "EntryNotFound" if "/someone/small" in self.path else "RepoNotFound")
        self.end_headers()
        return body

    def log_message(self, format: str, *args: object) -> None:
        """Tells nothing."""


@pytest.fixture
def hub(no_hub: None, whole: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    Hub.folder = whole
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        be_at(monkeypatch, server.server_port)
        yield
        server.shutdown()


def test_a_hub_that_answers_is_taken_from(hub: None) -> None:
    body, tokenizer = load_encoder("someone/small", at=AT)
    assert (body.config.hidden_size, len(tokenizer)) == (32, 35)


def test_a_hub_that_has_no_such_model(hub: None) -> None:
    assert refusal("nobody/nothing") == (
        "the hub has no 'nobody/nothing', or none for those without its HF_TOKEN",
        AT,
        FIX,
    )


def test_the_encoder_of_a_trained_recogniser(whole: Path, tmp_path: Path) -> None:
    facts = BiEncoderFacts(str(whole), ("reaction",), levels=3, max_length=16, dropout=0.0)
    build_bi_encoder(facts, seed=0).save(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"no tensors")
    with pytest.raises(UnavailableError) as caught:
        load_bi_encoder(tmp_path)
    [problem] = caught.value.problems
    assert problem.what.startswith(f"encoder '{tmp_path}' can't be loaded: its weights are damaged: ")
    assert (problem.at, problem.fix) == (str(tmp_path), "train it again")
