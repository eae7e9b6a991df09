"""`ecrctl checkpoint export` and `import`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_models import tiny_backbone
from transformers import AutoModelForCausalLM, AutoTokenizer

from ecr_engine.models.adapters import Lora, lora_of
from ecr_engine.models.policies import adapt
from ecr_engine.runs.checkpoints import save_checkpoint
from ecr_engine.runs.folder import RunFolder
from ecr_engine.runs.record import RunRecord

IDS = torch.tensor([[1, 5, 6, 7, 9]])
LORA = Lora(rank=2, alpha=4.0, dropout=0.0, targets=lora_of(1, 1.0, 0.0, "all").targets)


def trained_lora():
    backbone = tiny_backbone(scale=4.0)
    adapt(backbone, LORA, seed=0)
    with torch.no_grad():
        for weight in backbone.trained():
            weight.normal_(0.0, 0.2, generator=torch.Generator().manual_seed(1))
    return backbone


@torch.no_grad()
def logits(model):
    return model.eval()(input_ids=IDS).logits


@pytest.fixture
def run(tmp_path) -> RunFolder:
    folder = RunFolder(tmp_path / "demo")
    folder.create()
    folder.write_record(RunRecord(("ecrctl", "run"), 0, None, {}, {}, None, (), started=1.0))

    def write(staging: Path) -> None:
        tiny_backbone(scale=4.0).save(staging)
        (staging / "trainer").mkdir()
        (staging / "trainer" / "state.json").write_text("{}", encoding="utf-8")

    save_checkpoint(folder.stage("baseline"), 10, write, metrics={}, best=True, keep_last=2)
    save_checkpoint(folder.stage("policy"), 20, trained_lora().save, metrics={}, best=True, keep_last=2)
    return folder


def test_export_is_a_plain_folder_with_the_same_bytes(ecrctl, run, tmp_path) -> None:
    finished = ecrctl("checkpoint", "export", "demo:baseline", "--output", "out")
    assert finished.code == 0, finished.err
    checkpoint = run.stage("baseline") / "checkpoints" / "step-000010"
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {path.name for path in checkpoint.iterdir()} - {"manifest.json", "trainer"}
    assert all((tmp_path / "out" / name).read_bytes() == (checkpoint / name).read_bytes() for name in names)
    # 420 x 16 embeddings twice, one layer of 4 x 256 + 3 x 512 and two norms, and the last norm.
    vocabulary = len(AutoTokenizer.from_pretrained(tmp_path / "out"))
    parameters = 2 * vocabulary * 16 + 4 * 256 + 3 * 512 + 3 * 16
    assert finished.out.splitlines()[-1] == f"parameters  {parameters:,}"
    document = json.loads(ecrctl("checkpoint", "export", "demo:baseline", "--output", "again", "--json").out)
    assert (document["format"], document["merged"], document["parameters"]) == ("safetensors", False, parameters)
    assert document["files"]["config.json"] == (checkpoint / "config.json").stat().st_size


@pytest.mark.parametrize("flags", [["--no_safe_serialization"], ["--format", "pytorch"]])
def test_export_of_pickled_weights_as_the_guide_has_them(ecrctl, run, tmp_path, flags) -> None:
    assert ecrctl("checkpoint", "export", "demo:baseline", "--output", "out", *flags).code == 0
    assert not list((tmp_path / "out").glob("*.safetensors"))
    assert torch.equal(
        logits(AutoModelForCausalLM.from_pretrained(tmp_path / "out")), logits(tiny_backbone(scale=4.0).model)
    )


def test_export_merged_or_not_says_the_same(ecrctl, run, tmp_path) -> None:
    wanted = logits(trained_lora().model)
    assert ecrctl("checkpoint", "export", "demo", "--output", "one").out.splitlines()[-1] == (
        "adapter     added to the weights"
    )
    assert ecrctl("checkpoint", "export", "demo", "--output", "two", "--no-merge").out.splitlines()[-1] == (
        "adapter     beside its base"
    )
    assert not (tmp_path / "one" / "adapter_config.json").exists()
    assert torch.allclose(logits(AutoModelForCausalLM.from_pretrained(tmp_path / "one")), wanted, atol=1e-5)
    assert torch.equal(logits(AutoModelForCausalLM.from_pretrained(tmp_path / "two")), wanted)
    assert (logits(tiny_backbone(scale=4.0).model) - wanted).abs().max() > 0.01


def test_an_adapter_beside_pickled_weights_loads_with_plain_transformers(ecrctl, run, tmp_path) -> None:
    finished = ecrctl("checkpoint", "export", "demo", "--output", "out", "--no-merge", "--no-safe-serialization")
    assert finished.code == 0, finished.err
    assert sorted(path.name for path in (tmp_path / "out").iterdir() if path.suffix != ".json") == [
        "adapter_model.safetensors",
        "pytorch_model.bin",
    ]
    wanted = logits(trained_lora().model)
    assert torch.equal(logits(AutoModelForCausalLM.from_pretrained(tmp_path / "out")), wanted)
    assert ecrctl("checkpoint", "import", "out", "--output", "mine", "--allow-pickle").code == 0
    assert torch.equal(logits(AutoModelForCausalLM.from_pretrained("mine")), wanted)


REFUSED_EXPORTS = {
    "gguf": (
        ["demo:baseline", "--output", "out", "--format", "gguf"],
        5,
        "error: GGUF can't be written here: the converter is part of llama.cpp, and no package has it\n"
        "  at   --format gguf\n"
        "  fix  leave --format out, and then type: python llama.cpp/convert_hf_to_gguf.py 'out'\n",
    ),
    "two formats": (
        ["demo:baseline", "--output", "out", "--format", "gguf", "--no-safe-serialization"],
        2,
        "error: --no-safe-serialization and --format gguf are two formats\n"
        "  at   --format\n"
        "  fix  leave one of the two out\n",
    ),
    "a folder with files": (
        ["demo:baseline", "--output", "demo"],
        2,
        "error: the output folder holds other files\n  at   {tmp}/demo\n  fix  give a folder that is new or empty\n",
    ),
    "a damaged checkpoint": (
        ["demo:policy", "--output", "out"],
        3,
        "error: a damaged checkpoint is not exported: the file 'config.json' has 2 bytes, not {size}\n"
        "  at   demo/policy/checkpoints/step-000020/config.json\n"
        "  fix  use another checkpoint: `ecrctl checkpoint list RUN`\n",
    ),
}


@pytest.mark.parametrize("name", REFUSED_EXPORTS)
def test_exports_that_are_refused_leave_nothing(ecrctl, run, tmp_path, name) -> None:
    arguments, code, text = REFUSED_EXPORTS[name]
    config = run.stage("policy") / "checkpoints" / "step-000020" / "config.json"
    size = config.stat().st_size
    config.write_text("{}", encoding="utf-8")
    finished = ecrctl("checkpoint", "export", *arguments)
    assert (finished.code, finished.err) == (code, text.format(tmp=tmp_path, size=size))
    assert not (tmp_path / "out").exists()


@pytest.fixture
def foreign(tmp_path) -> Path:
    """A model folder as others make them, with a Python file in it."""
    folder = tmp_path / "foreign"
    folder.mkdir()
    tiny_backbone(scale=4.0).save(folder)
    (folder / "setup.py").write_text("raise SystemExit\n", encoding="utf-8")
    return folder


def pickled(folder: Path) -> Path:
    """The same folder with its weights in a pickle, as torch writes them."""
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    return folder


def test_import_makes_a_checkpoint_that_all_commands_take(ecrctl, foreign, tmp_path) -> None:
    finished = ecrctl("checkpoint", "import", "foreign", "--output", "mine")
    assert finished.code == 0, finished.err
    assert "train on with  ecrctl run --backbone mine" in finished.out
    names = {path.name for path in (tmp_path / "mine").iterdir()}
    assert names == {path.name for path in foreign.iterdir()} - {"setup.py"} | {"manifest.json"}
    assert ecrctl("checkpoint", "verify", "mine", "--deep").code == 0
    assert ecrctl("checkpoint", "diff", "mine", "mine").code == 0
    shown = json.loads(ecrctl("checkpoint", "show", "mine", "--json").out)
    assert (shown["step"], shown["origin"], shown["lineage"]) == (0, {"imported_from": str(foreign)}, None)
    assert ecrctl("checkpoint", "export", "mine", "--output", "out").code == 0
    assert torch.equal(logits(AutoModelForCausalLM.from_pretrained("out")), logits(tiny_backbone(scale=4.0).model))


def test_import_of_pickled_weights_where_they_are_allowed(ecrctl, foreign, tmp_path) -> None:
    pickled(foreign)
    refused = ecrctl("checkpoint", "import", "foreign", "--output", "mine")
    assert (refused.code, refused.err) == (
        3,
        "error: the weights in 'pytorch_model.bin' are pickled, and a pickle can run code when it is loaded\n"
        "  at   foreign/pytorch_model.bin\n"
        "  fix  if you trust where it is from: --allow-pickle, which reads tensors and nothing else\n",
    )
    assert not (tmp_path / "mine").exists()
    document = json.loads(ecrctl("checkpoint", "import", "foreign", "--output", "mine", "--allow-pickle", "--json").out)
    assert document["unpickled"] == ["pytorch_model.bin"]
    assert torch.equal(logits(AutoModelForCausalLM.from_pretrained("mine")), logits(tiny_backbone(scale=4.0).model))
    assert {path.suffix for path in (tmp_path / "mine").iterdir()} <= {".json", ".safetensors", ".jinja"}


def test_import_of_a_file_of_weights_takes_the_rest_from_a_folder(ecrctl, foreign, tmp_path) -> None:
    state = tiny_backbone(seed=7, scale=4.0).model.state_dict()
    torch.save(state, tmp_path / "old.pt")
    refused = ecrctl("checkpoint", "import", "old.pt", "--output", "mine", "--allow-pickle")
    assert (refused.code, refused.err) == (
        2,
        "error: 'old.pt' holds weights only, without configuration and tokenizer\n"
        "  at   old.pt\n"
        "  fix  name a folder that has them: --base FOLDER\n",
    )
    assert ecrctl("checkpoint", "import", "old.pt", "--base", "foreign", "--output", "mine", "--allow-pickle").code == 0
    assert torch.equal(
        logits(AutoModelForCausalLM.from_pretrained("mine")), logits(tiny_backbone(seed=7, scale=4.0).model)
    )


@pytest.mark.parametrize("pickle", [False, True])
def test_import_of_an_adapter_lies_beside_its_base(ecrctl, foreign, tmp_path, pickle) -> None:
    (tmp_path / "whole").mkdir()
    trained_lora().save(tmp_path / "whole")
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        shutil.copyfile(tmp_path / "whole" / name, adapter / name)
    flags = []
    if pickle:
        torch.save(load_file(adapter / "adapter_model.safetensors"), adapter / "adapter_model.bin")
        (adapter / "adapter_model.safetensors").unlink()
        flags = ["--allow-pickle"]
    refused = ecrctl("checkpoint", "import", "adapter", "--output", "mine", "--base", "nowhere", *flags)
    assert (refused.code, refused.err) == (
        5,
        "error: the base 'nowhere' is no folder with a model\n"
        "  at   --base\n"
        "  fix  get it first, then name its folder: --base FOLDER\n",
    )
    finished = ecrctl("checkpoint", "import", "adapter", "--base", "foreign", "--output", "mine", *flags, "--json")
    assert finished.code == 0, finished.err
    assert json.loads(finished.out)["adapter"] is True
    shutil.rmtree(foreign)
    assert torch.equal(logits(AutoModelForCausalLM.from_pretrained("mine")), logits(trained_lora().model))


UNAVAILABLE_BASES = {
    "smollm2-135m": "get it first: ecrctl model pull smollm2-135m; or name its folder: --base FOLDER",
    "HuggingFaceTB/SmolLM2-135M-Instruct": (
        "get it first: ecrctl model pull smollm2-135m; or name its folder: --base FOLDER"
    ),
    "smolm2-135m": "did you mean 'smollm2-135m'?",
    "some/llama": "get it first: hf download some/llama --local-dir FOLDER; then name that: --base FOLDER",
    "tiny": "each run builds its own: name the checkpoint that it was trained on, such as --base RUN:baseline",
}


@pytest.fixture
def bare_adapter(tmp_path, monkeypatch) -> Path:
    """An adapter without its base, in a place where nothing was ever downloaded."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    (tmp_path / "whole").mkdir()
    trained_lora().save(tmp_path / "whole")
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        shutil.move(tmp_path / "whole" / name, adapter / name)
    shutil.rmtree(tmp_path / "whole")
    return adapter


@pytest.mark.parametrize("base", UNAVAILABLE_BASES)
def test_a_base_that_is_not_at_hand_is_named_with_how_to_get_it(ecrctl, bare_adapter, tmp_path, base) -> None:
    finished = ecrctl("checkpoint", "import", "adapter", "--output", "mine", "--base", base)
    assert (finished.code, finished.err) == (
        5,
        f"error: the base '{base}' is no folder with a model\n  at   --base\n  fix  {UNAVAILABLE_BASES[base]}\n",
    )
    assert not (tmp_path / "mine").exists()


def test_a_base_that_is_no_backbone(ecrctl, bare_adapter) -> None:
    finished = ecrctl("checkpoint", "import", "adapter", "--output", "mine", "--base", "dialogpt-large")
    assert (finished.code, finished.err.splitlines()[0]) == (
        2,
        "error: 'dialogpt-large' can't be a base: it is DialoGPT, a GPT-2",
    )


def test_an_adapter_that_names_no_base(ecrctl, bare_adapter) -> None:
    config = bare_adapter / "adapter_config.json"
    facts = json.loads(config.read_text(encoding="utf-8"))
    config.write_text(json.dumps({**facts, "base_model_name_or_path": None}), encoding="utf-8")
    finished = ecrctl("checkpoint", "import", "adapter", "--output", "mine")
    assert (finished.code, finished.err) == (
        5,
        "error: the adapter does not name its base\n"
        "  at   adapter/adapter_config.json\n"
        "  fix  name its folder: --base FOLDER\n",
    )


@pytest.mark.parametrize("base", ["demo:baseline", "demo:baseline@step-000010"])
def test_a_base_that_is_a_checkpoint_of_a_run(ecrctl, run, bare_adapter, base) -> None:
    finished = ecrctl("checkpoint", "import", "adapter", "--output", "mine", "--base", base)
    assert finished.code == 0, finished.err
    assert torch.equal(logits(AutoModelForCausalLM.from_pretrained("mine")), logits(trained_lora().model))


def test_a_base_from_the_hub_s_cache(ecrctl, foreign, bare_adapter, tmp_path) -> None:
    # The layout of the hub's cache: refs name a commit, and its snapshot holds the files.
    place = tmp_path / "cache" / "models--some--llama"
    (place / "refs").mkdir(parents=True)
    (place / "refs" / "main").write_text("abc", encoding="utf-8")
    shutil.copytree(foreign, place / "snapshots" / "abc")
    config = bare_adapter / "adapter_config.json"
    facts = json.loads(config.read_text(encoding="utf-8"))
    config.write_text(json.dumps({**facts, "base_model_name_or_path": "some/llama"}), encoding="utf-8")
    finished = ecrctl("checkpoint", "import", "adapter", "--output", "mine")
    assert finished.code == 0, finished.err
    assert torch.equal(logits(AutoModelForCausalLM.from_pretrained("mine")), logits(trained_lora().model))


def test_import_keeps_the_precision_and_drops_a_tied_copy(ecrctl, foreign, tmp_path) -> None:
    config = json.loads((foreign / "config.json").read_text(encoding="utf-8"))
    (foreign / "config.json").write_text(json.dumps({**config, "tie_word_embeddings": True}), encoding="utf-8")
    state = {name: value.bfloat16() for name, value in load_file(foreign / "model.safetensors").items()}
    state["lm_head.weight"] = state["model.embed_tokens.weight"]
    (foreign / "model.safetensors").unlink()
    torch.save(state, foreign / "pytorch_model.bin")
    finished = ecrctl("checkpoint", "import", "foreign", "--output", "mine", "--allow-pickle")
    assert finished.code == 0, finished.err
    found = load_file(tmp_path / "mine" / "model.safetensors")
    assert found.keys() == state.keys() - {"lm_head.weight"}
    assert all(torch.equal(value, state[name]) for name, value in found.items())


def broken(folder: Path, how: str) -> None:
    state = load_file(folder / "model.safetensors")
    name = "model.norm.weight"
    if how == "missing":
        del state[name]
    elif how == "shape":
        state[name] = torch.ones(3)
    elif how == "extra":
        state["model.other"] = torch.ones(3)
    else:
        state[name][0] = float("inf")
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})


@pytest.mark.parametrize(
    ("how", "what", "fix"),
    [
        ("missing", "the weight 'model.norm.weight' is not there", "get the model again"),
        ("shape", "the weight 'model.norm.weight' has another shape", "get the model again"),
        ("extra", "the weight 'model.other' has no place in the model", "get the model again"),
        (
            "infinite",
            "the model is broken: the tensor 'model.norm.weight' in 'model.safetensors' is not finite",
            "get the model again, or use an earlier one",
        ),
    ],
)
def test_import_refuses_weights_that_are_not_those_of_the_model(ecrctl, foreign, tmp_path, how, what, fix) -> None:
    broken(foreign, how)
    finished = ecrctl("checkpoint", "import", "foreign", "--output", "mine")
    assert (finished.code, finished.err) == (3, f"error: {what}\n  at   foreign\n  fix  {fix}\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["foreign"]


def test_import_of_what_is_not_there_or_no_backbone(ecrctl, foreign, tmp_path) -> None:
    missing = ecrctl("checkpoint", "import", "nowhere", "--output", "mine")
    assert (missing.code, missing.err) == (
        3,
        "error: there is no model 'nowhere'\n  at   nowhere\n  fix  name a folder or a file of weights\n",
    )
    (tmp_path / "empty").mkdir()
    empty = ecrctl("checkpoint", "import", "empty", "--output", "mine")
    assert empty.err.startswith("error: folder 'empty' holds no model: it has no config.json\n")
    (foreign / "model.safetensors").rename(foreign / "other.safetensors")
    gone = ecrctl("checkpoint", "import", "foreign", "--output", "mine")
    assert gone.err.startswith("error: there are no weights in foreign\n  at   foreign/model.safetensors\n")
    config = json.loads((foreign / "config.json").read_text(encoding="utf-8"))
    (foreign / "config.json").write_text(json.dumps({**config, "architectures": ["GPT2LMHeadModel"]}), encoding="utf-8")
    other = ecrctl("checkpoint", "import", "foreign", "--output", "mine")
    assert (other.code, other.err.splitlines()[0]) == (
        2,
        "error: 'foreign' can't be the backbone: it is a GPT2LMHeadModel, and a backbone is of the Llama-2-Chat family "
        "(LlamaForCausalLM)",
    )
