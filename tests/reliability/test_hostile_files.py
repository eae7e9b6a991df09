"""Model folders that were made to do harm: nothing in them runs, nothing outside is read, and the refusal is clear.

Each payload is shown to work first, on the kind of loader that it was made for.
"""

from __future__ import annotations

import builtins
import json
import os
import pickle
import shutil
import struct
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_models import tiny_backbone, tiny_critic

from ecr_engine.errors import EcrError
from ecr_engine.models.backbone import load_backbone
from ecr_engine.models.checking import verify_deeply
from ecr_engine.models.encoders import load_encoder
from ecr_engine.models.importing import import_model
from ecr_engine.runs.checkpoints import save_checkpoint
from ecr_engine.runs.differences import compare_tensors
from ecr_engine.runs.manifest import verify
from ecrctl.__main__ import invoke


class Payload:
    """Unpickled, it makes a file."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return (os.mkdir, (str(self.marker),))


@pytest.fixture
def marker(tmp_path) -> Path:
    """What exists once a payload has run."""
    return tmp_path / "it-has-run"


@pytest.fixture(autouse=True)
def nobody_is_asked(monkeypatch):
    """transformers would ask on the terminal whether it may run the code of a folder."""

    def asked(*_):
        raise AssertionError("somebody was asked")

    monkeypatch.setattr(builtins, "input", asked)


@pytest.fixture
def folder(tmp_path) -> Path:
    place = tmp_path / "model"
    place.mkdir()
    tiny_backbone().save(place)
    return place


def change(path, **entries):
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**content, **entries}), encoding="utf-8")


def refused(act, *args, **kwargs):
    with pytest.raises(EcrError) as caught:
        act(*args, **kwargs)
    return caught.value.problems[0]


def plain_pickle(path, marker):
    path.write_bytes(pickle.dumps({"model.norm.weight": Payload(marker)}, protocol=2))


def torch_pickle(path, marker):
    torch.save({"model.norm.weight": torch.ones(2), "extra": Payload(marker)}, path)


def old_torch_pickle(path, marker):
    torch.save({"extra": Payload(marker)}, path, _use_new_zipfile_serialization=False)


def whole_module(path, marker):
    """What `torch.save(model)` writes: tensors are only reached by building objects."""
    torch.save(torch.nn.Linear(2, 2), path)


PICKLES = {"pickle": plain_pickle, "torch": torch_pickle, "old torch": old_torch_pickle}


@pytest.mark.parametrize("kind", PICKLES)
def test_the_payloads_work_where_pickles_are_trusted(tmp_path, marker, kind):
    path = tmp_path / "payload.pt"
    PICKLES[kind](path, marker)
    if kind == "pickle":
        pickle.loads(path.read_bytes())
    else:
        torch.load(path, weights_only=False)
    assert marker.is_dir()


@pytest.mark.parametrize("name", ["pytorch_model.bin", "weights.pt", "weights.pth", "model.ckpt"])
@pytest.mark.parametrize("kind", [*PICKLES, "module"])
def test_pickles_are_not_read_unless_allowed_and_then_as_tensors_only(tmp_path, folder, marker, kind, name):
    (folder / "model.safetensors").unlink()
    source = folder / name
    {**PICKLES, "module": whole_module}[kind](source, marker)
    problem = refused(import_model, source, tmp_path / "out", base=folder)
    assert problem.what == f"the weights in '{name}' are pickled, and a pickle can run code when it is loaded"
    problem = refused(import_model, source, tmp_path / "out", base=folder, allow_pickle=True)
    assert problem.what == f"'{name}' is damaged or holds something else than tensors: nothing of it was run"
    assert (problem.at, problem.fix) == (str(source), "don't use it; get the model as safetensors")
    if name == "pytorch_model.bin":
        assert refused(import_model, folder, tmp_path / "out", allow_pickle=True).what == problem.what
    assert "can't be loaded" in refused(load_backbone, str(folder)).what
    assert not marker.exists()
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("kind", PICKLES)
def test_an_adapter_s_pickle(tmp_path, folder, marker, kind):
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    facts = {"peft_type": "LORA", "r": 2, "lora_alpha": 4, "target_modules": ["q_proj"], "task_type": "CAUSAL_LM"}
    config = {**facts, "base_model_name_or_path": str(folder)}
    (adapter / "adapter_config.json").write_text(json.dumps(config), encoding="utf-8")
    PICKLES[kind](adapter / "adapter_model.bin", marker)
    assert "are pickled" in refused(import_model, adapter, tmp_path / "out").what
    assert "nothing of it was run" in refused(import_model, adapter, tmp_path / "out", allow_pickle=True).what
    assert not marker.exists()


def test_an_npz_with_objects(tmp_path, folder, marker, capsys):
    source = tmp_path / "weights.npz"
    np.savez(source, weights=np.array([Payload(marker)], dtype=object))
    assert invoke(["checkpoint", "import", str(source), "--output", str(tmp_path / "out"), "--allow-pickle"]) == 3
    assert capsys.readouterr().err == (
        "error: 'weights.npz' is no file of weights that can be read: a .npz file may hold pickled objects, "
        "which run code when they are loaded\n"
        f"  at   {source}\n"
        "  fix  convert it to safetensors where it was made\n"
    )
    (folder / "model.safetensors").unlink()
    shutil.copyfile(source, folder / "model.npz")
    problem = refused(import_model, folder, tmp_path / "out", allow_pickle=True)
    assert problem.what.startswith("'model.npz' is no file of weights that can be read")
    assert not marker.exists()
    np.load(source, allow_pickle=True)["weights"]
    assert marker.is_dir()


@pytest.mark.parametrize("name", ["weights.npz", "state.npy", "cache.joblib", "optimizer.pt"])
def test_a_checkpoint_of_ours_takes_none_of_them(tmp_path, name):
    def write(staging):
        (staging / name).write_bytes(b"x")

    problem = refused(save_checkpoint, tmp_path, 1, write, metrics={}, best=False, keep_last=1)
    assert problem.what == f"a checkpoint can't hold the pickle file '{name}'"


def remote_code(folder, marker):
    """A tokenizer, a model and a configuration that are Python files of the folder."""
    (folder / "evil.py").write_text(
        f"import os\nos.mkdir({str(marker)!r})\nfrom transformers import PreTrainedTokenizerFast\n"
        "class Tokenizer(PreTrainedTokenizerFast):\n    pass\n",
        encoding="utf-8",
    )
    entry = {"AutoTokenizer": ["evil.Tokenizer", "evil.Tokenizer"]}
    change(folder / "tokenizer_config.json", auto_map=entry, tokenizer_class="Tokenizer")


def test_a_tokenizer_with_code_of_its_own(tmp_path, folder, marker, monkeypatch):
    from transformers import AutoTokenizer

    remote_code(folder, marker)
    where = str(folder / "tokenizer_config.json")
    for act in (lambda: import_model(folder, tmp_path / "out"), lambda: load_backbone(str(folder))):
        problem = refused(act)
        assert (problem.what, problem.at) == (
            "the folder asks to run code of its own: 'auto_map' in tokenizer_config.json",
            where,
        )
        assert problem.fix == "use a model that needs no code of its own; none is ever run"
    assert not marker.exists()
    monkeypatch.setenv("HF_MODULES_CACHE", str(tmp_path / "modules"))
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules"))
    AutoTokenizer.from_pretrained(folder, trust_remote_code=True)
    assert marker.is_dir()


@pytest.mark.parametrize("name", ["config.json", "generation_config.json"])
def test_a_model_with_code_of_its_own(tmp_path, folder, marker, name):
    change(folder / name, nested={"auto_map": {"AutoModelForCausalLM": "evil.Model"}})
    problem = refused(load_backbone, str(folder))
    assert problem.what == f"the folder asks to run code of its own: 'auto_map' in {name}"
    assert "code of its own" in refused(import_model, folder, tmp_path / "out").what


def test_an_encoder_with_code_of_its_own_or_pickled_weights(tmp_path, marker):
    place = tmp_path / "encoder"
    place.mkdir()
    tiny_critic().save(place)
    (place / "model.safetensors").rename(tmp_path / "weights")
    torch_pickle(place / "pytorch_model.bin", marker)
    assert "can't be loaded" in refused(load_encoder, str(place), at="critic.encoder").what
    remote_code(place, marker)
    assert "code of its own" in refused(load_encoder, str(place), at="critic.encoder").what
    assert not marker.exists()


def test_an_adapter_that_names_a_module_to_import(tmp_path, folder, marker):
    change_to = {"peft_type": "LORA", "r": 2, "lora_alpha": 4, "target_modules": ["q_proj"], "task_type": "CAUSAL_LM"}
    config = {**change_to, "base_model_name_or_path": str(folder), "megatron_core": "evil", "megatron_config": {"a": 1}}
    (folder / "adapter_config.json").write_text(json.dumps(config), encoding="utf-8")
    problem = refused(load_backbone, str(folder))
    assert problem.what == "the folder asks to run code of its own: 'megatron_config' in adapter_config.json"
    assert "code of its own" in refused(import_model, folder, tmp_path / "out").what


def test_code_in_a_checkpoint_of_ours_is_not_loaded_by_a_deep_look(tmp_path, marker):
    def write(staging):
        tiny_backbone().save(staging)
        remote_code(staging, marker)

    path = save_checkpoint(tmp_path / "policy", 1, write, metrics={}, best=True, keep_last=1)
    assert [problem.what for problem in verify_deeply(path)] == [
        "the folder asks to run code of its own: 'auto_map' in tokenizer_config.json"
    ]
    assert not marker.exists()


@pytest.mark.parametrize(
    "place", ["../secret.safetensors", "{root}/secret.safetensors", "a/../../secret.safetensors", ""]
)
def test_an_index_that_leads_out_of_its_folder(tmp_path, folder, place):
    place = place.format(root=tmp_path)
    (folder / "model.safetensors").rename(tmp_path / "secret.safetensors")
    index = {"metadata": {}, "weight_map": dict.fromkeys(load_file(tmp_path / "secret.safetensors"), place)}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")
    for act in (lambda: import_model(folder, tmp_path / "out"), lambda: load_backbone(str(folder))):
        problem = refused(act)
        assert problem.what == (
            f"the index 'model.safetensors.index.json' names a file outside of its folder: '{place}'"
        )
    assert not (tmp_path / "out").exists()


def test_an_index_without_files_or_with_one_that_is_gone(tmp_path, folder):
    index = folder / "model.safetensors.index.json"
    for content, what in (
        ({"weight_map": {}}, "names no files"),
        ({"weight_map": {"a": 1}}, "names no files"),
        ({"weight_map": {"a": "gone.safetensors"}}, "names a file that is not there: 'gone.safetensors'"),
    ):
        index.write_text(json.dumps(content), encoding="utf-8")
        assert refused(load_backbone, str(folder)).what.endswith(what)


def test_json_that_is_nested_without_end(tmp_path, folder):
    (folder / "tokenizer_config.json").write_text('{"a":' * 100_000 + "1" + "}" * 100_000, encoding="utf-8")
    assert refused(load_backbone, str(folder)).what == "tokenizer_config.json is nested too deep"


@pytest.mark.parametrize("length", [10**9, 2**63])
def test_a_header_of_a_gigabyte_costs_no_memory(tmp_path, folder, length):
    weights = folder / "model.safetensors"
    with weights.open("wb") as handle:
        handle.write(struct.pack("<Q", length))
        # Sparse: it takes no room on the disk.
        handle.truncate(10**9 + 100)
    why = f"its header would have {length} bytes, and 100000000 is the most"
    tracemalloc.start()
    found = refused(compare_tensors, folder, folder)
    assert found.what == f"'model.safetensors' is no whole safetensors file: {why}"
    assert "can't be loaded" in refused(load_backbone, str(folder)).what
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50_000_000


def test_a_header_of_a_gigabyte_is_not_imported(tmp_path, folder, monkeypatch):
    weights = folder / "model.safetensors"
    weights.write_bytes(struct.pack("<Q", 10**9) + b"{}")
    problem = refused(import_model, folder, tmp_path / "out")
    assert "its header would have 1000000000 bytes" in problem.what
    assert not (tmp_path / "out").exists()


def test_an_archive_that_is_no_archive_of_tensors(tmp_path, folder):
    (folder / "model.safetensors").unlink()
    with zipfile.ZipFile(folder / "pytorch_model.bin", "w") as archive:
        archive.writestr("../../escaped", "x")
    assert "nothing of it was run" in refused(import_model, folder, tmp_path / "out", allow_pickle=True).what
    assert not (tmp_path.parent / "escaped").exists()


def test_a_file_of_tensors_without_names(tmp_path, folder):
    torch.save([torch.ones(2)], tmp_path / "list.pt")
    problem = refused(import_model, tmp_path / "list.pt", tmp_path / "out", base=folder, allow_pickle=True)
    assert (problem.what, problem.fix) == (
        "'list.pt' holds no weights by name",
        "save the state_dict of the model where it was made",
    )


def test_files_of_a_checkpoint_outside_of_it_are_not_looked_at(tmp_path):
    def write(staging):
        save_file({"a": torch.ones(2)}, staging / "model.safetensors")

    path = save_checkpoint(tmp_path, 1, write, metrics={}, best=True, keep_last=1)
    outside = tmp_path / "outside"
    (path / "model.safetensors").rename(outside)
    (path / "model.safetensors").symlink_to(outside)
    assert [problem.what for problem in verify(path)] == ["'model.safetensors' is not a plain file"]
    (path / "model.safetensors").unlink()
    os.mkfifo(path / "model.safetensors")
    assert [problem.what for problem in verify(path)] == ["'model.safetensors' is not a plain file"]
