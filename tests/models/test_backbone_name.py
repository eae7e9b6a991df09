"""What can't be a backbone is refused by name, before anything is loaded."""

import json

import pytest
from tiny_models import tiny_llama

from ecr_engine.errors import ExitCode, UnavailableError, UsageError
from ecr_engine.models.backbone import load_backbone, pick_device
from ecr_engine.models.registry import Use, check_backbone_name, model_names, source_of

USE = "use one of tiny, smollm2-135m, llama2-7b-chat, llama2-13b-chat, or a folder with a Llama model"


def folder_with(tmp_path, config):
    (tmp_path / "config.json").write_text(config if isinstance(config, str) else json.dumps(config))
    return str(tmp_path)


def refused(name):
    with pytest.raises(UsageError) as caught:
        check_backbone_name(name)
    assert caught.value.exit_code is ExitCode.USAGE
    return caught.value.problems[0]


def missing(name):
    with pytest.raises(UnavailableError) as caught:
        check_backbone_name(name)
    assert caught.value.exit_code is ExitCode.ENVIRONMENT
    return caught.value.problems[0]


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("dialogpt-large", "DialoGPT, a GPT-2"),
        ("microsoft/DialoGPT-large", "DialoGPT, a GPT-2"),
        ("microsoft/DialoGPT-medium", "by its name, another architecture"),
        ("facebook/blenderbot-400M-distill", "by its name, another architecture"),
        ("mistral-7b-instruct", "Mistral"),
        ("minilm-l6", "all-MiniLM-L6-v2"),
    ],
)
def test_another_architecture_by_name(name, what):
    problem = refused(name)
    assert problem.what == (
        f"'{name}' can't be the backbone: it is {what}, and a backbone is of the Llama-2-Chat family (LlamaForCausalLM)"
    )
    assert (problem.at, problem.fix) == ("backbone.name", USE)


def test_a_gpt_2_folder(tmp_path):
    name = folder_with(tmp_path, {"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2"})
    assert refused(name).what == (
        f"'{name}' can't be the backbone: it is a GPT2LMHeadModel, and a backbone is of the Llama-2-Chat family "
        "(LlamaForCausalLM)"
    )


def test_a_folder_that_does_not_name_its_architecture(tmp_path):
    assert "it is a model of type gpt2, and" in refused(folder_with(tmp_path, {"model_type": "gpt2"})).what


def test_a_missing_folder():
    problem = missing("./no/such/model")
    assert problem.what == "backbone './no/such/model' is no registered model and no folder"
    assert (problem.at, problem.fix) == ("backbone.name", USE)


def test_a_word_that_is_no_model():
    assert missing("tny").what == "backbone 'tny' is no registered model and no folder"


def test_a_folder_without_a_model(tmp_path):
    problem = missing(str(tmp_path))
    assert problem.what == f"folder '{tmp_path}' holds no model: it has no config.json"
    assert (problem.at, problem.fix) == (f"{tmp_path}/config.json", "name a Hugging Face model folder")


def test_a_config_that_is_not_json(tmp_path):
    problem = missing(folder_with(tmp_path, '{"architectures":\n  [oops]}'))
    assert problem.what == "config.json is not JSON: Expecting value"
    assert problem.at == f"{tmp_path}/config.json:2"


@pytest.mark.parametrize("name", ["tiny", "smollm2-135m", "llama2-7b-chat", "meta-llama/Llama-2-70b-hf", "some/llama"])
def test_what_may_be_a_backbone(name):
    if name == "meta-llama/Llama-2-70b-hf":
        assert source_of(name) == name
    check_backbone_name(name)


def test_a_llama_folder_passes_also_behind_a_tilde(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "llama").mkdir()
    folder_with(tmp_path / "llama", {"architectures": ["LlamaForCausalLM"]})
    check_backbone_name("~/llama")
    assert source_of("~/llama") == f"{tmp_path}/llama"


def test_judges_and_encoders_are_no_backbones():
    assert model_names(Use.BACKBONE) == ["tiny", "smollm2-135m", "llama2-7b-chat", "llama2-13b-chat"]
    assert source_of("llama2-7b-chat") == "meta-llama/Llama-2-7b-chat-hf"


def test_a_folder_that_lacks_its_tokenizer(tmp_path):
    tiny_llama().save_pretrained(tmp_path)
    with pytest.raises(UnavailableError) as caught:
        load_backbone(str(tmp_path))
    problem = caught.value.problems[0]
    assert problem.what.startswith(f"model '{tmp_path}' can't be loaded: ")
    assert "\n" not in problem.what
    assert problem.fix == "name a local folder with the model, or use --backbone tiny"


def test_no_cuda(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(UnavailableError, match="no CUDA device is at hand") as caught:
        pick_device("cuda")
    assert caught.value.problems[0].fix == "use --device cpu or --device auto"
    assert pick_device("auto").type == "cpu"
