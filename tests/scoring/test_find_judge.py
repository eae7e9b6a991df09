"""Judges by name: what is found, and what is refused with which words."""

import json

import pytest
import torch
from tiny_judges import ROWS, tiny_model
from tiny_models import tiny_tokenizer

from ecr_engine.config.sections.evaluation import JudgeSettings
from ecr_engine.errors import UnavailableError, UsageError
from ecr_engine.scoring.judge import check_judge_name, find_judge, judge_names
from ecr_engine.scoring.local.loading import load_local, pick_precision, window_of

EXACT = JudgeSettings(precision="no")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A GPT-2 with random weights, saved as any other model is."""
    place = tmp_path_factory.mktemp("models") / "gpt2"
    tiny_model("gpt2", window=2048).save_pretrained(place)
    tiny_tokenizer().save_pretrained(place)
    return place


def refused(name, settings=None):
    with pytest.raises((UsageError, UnavailableError)) as caught:
        find_judge(name, settings, device="cpu")
    problem = caught.value.problems[0]
    return int(caught.value.exit_code), problem.what, problem.at, problem.fix


def test_a_folder_judges(folder):
    judge = find_judge(str(folder), EXACT, device="cpu")
    assert (judge.name, judge.dimensions.name) == (str(folder), "guide")
    assert judge.explanation == ("language model (gpt2, float32): mean of its distribution over the ratings, 1 to 5")
    for judgement in judge.judge(ROWS):
        assert set(judgement.scores) == {"empathy", "informativeness", "recommendation", "engagement", "overall"}
        assert all(0 < score < 1 for score in judgement.scores.values())


def test_the_papers_dimensions_have_their_own_range(folder):
    judge = find_judge(str(folder), JudgeSettings(precision="no", dimensions="paper"), device="cpu")
    scores = [score for judgement in judge.judge(ROWS) for score in judgement.scores.values()]
    assert len(scores) == 25
    assert max(scores) > 1 and all(0 < score < 9 for score in scores)


def test_four_bits(folder):
    settings = JudgeSettings(precision="no", quantisation="4bit")
    judge = find_judge(str(folder), settings, device="cpu")
    kinds = {type(module).__name__ for module in judge._local.model.modules()}
    assert "Linear4bit" in kinds
    assert "4bit" in judge.explanation
    assert judge.fingerprint != find_judge(str(folder), EXACT, device="cpu").fingerprint
    assert all(judgement.failure is None for judgement in judge.judge(ROWS))


def test_the_rubric_is_a_judge_like_the_others():
    judge = find_judge("rubric")
    assert (judge.name, judge.fingerprint, judge.dimensions.name) == ("rubric", "rubric-1", "guide")
    assert len(list(judge.judge(iter(ROWS)))) == 5


def test_names_that_need_no_address():
    assert {"rubric", "llama2-7b-chat", "mistral-7b-instruct", "mixtral-8x7b-instruct", "dialogpt-large"} <= set(
        judge_names()
    )
    assert not {"minilm-l6", "tiny"} & set(judge_names())
    for name in ("mistral-7b-instruct", "org/model", "openai:http://127.0.0.1:8000/v1#m"):
        check_judge_name(name)


def test_what_can_not_judge():
    assert refused("rubrik") == (2, "unknown judge 'rubrik'", "judge.name", "did you mean 'rubric'?")
    code, what, _, fix = refused("roberta-base")
    assert (code, what) == (2, "'roberta-base' can't be the judge: it is the guide's critic encoder")
    assert fix.startswith("use one of rubric, smollm2-135m, llama2-7b-chat,")
    assert fix.endswith(", a folder with a causal language model, or openai:URL#MODEL")
    assert refused("./nowhere")[:3] == (5, "there is no folder './nowhere'", "judge.name")
    paper = JudgeSettings(dimensions="paper")
    assert refused("rubric", paper) == (
        2,
        "the judge 'rubric' has no rules for the dimensions 'paper'",
        "judge.dimensions",
        "--set judge.dimensions=guide, or name a language model as the judge",
    )


def test_folders_without_a_model(tmp_path):
    assert refused(str(tmp_path))[1:] == (
        f"folder '{tmp_path}' holds no model: it has no config.json",
        "judge.name",
        "name a model folder",
    )
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "gpt2"}))
    code, what, at, fix = refused(str(tmp_path))
    assert (code, at) == (5, "judge.name")
    assert what.startswith(f"judge '{tmp_path}' can't be loaded: ")
    assert fix == "name a local folder with a causal language model in safetensors, or --set judge.name=rubric"


def test_weights_in_a_pickle_are_refused(folder, tmp_path):
    for path in folder.iterdir():
        if path.suffix != ".safetensors":
            (tmp_path / path.name).write_bytes(path.read_bytes())
    torch.save(tiny_model("gpt2").state_dict(), tmp_path / "pytorch_model.bin")
    assert refused(str(tmp_path), EXACT)[1].startswith(f"judge '{tmp_path}' can't be loaded: ")


def test_dimensions_that_do_not_fit_the_window(tmp_path):
    tiny_model("gpt2", window=256).save_pretrained(tmp_path)
    tiny_tokenizer().save_pretrained(tmp_path)
    code, what, at, fix = refused(str(tmp_path), EXACT)
    assert (code, at, fix) == (5, "judge.name", "name a model with a larger window, or raise judge.max_length")
    assert what.startswith("the dimensions 'guide' take ")
    assert what.endswith(f" tokens, and '{tmp_path}' reads 256")


def test_other_weights_have_another_identity(folder, tmp_path):
    tiny_model("gpt2", window=2048, seed=1).save_pretrained(tmp_path)
    tiny_tokenizer().save_pretrained(tmp_path)
    one, other = (
        load_local(str(place), quantisation="none", precision="no", device="cpu") for place in (folder, tmp_path)
    )
    again = load_local(str(folder), quantisation="none", precision="no", device="cpu")
    assert one.identity == again.identity != other.identity


def test_the_window_is_read_from_the_configuration():
    assert window_of(tiny_model("gpt2", window=1024).config) == 1024
    assert window_of(tiny_model("mistral", window=512).config) == 512
    assert window_of(tiny_model("bloom").config) is None


@pytest.mark.parametrize(("has", "expected"), [(True, "bf16"), (False, "no")])
def test_half_precision_where_the_processor_has_it(monkeypatch, has, expected):
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: has)
    assert pick_precision("auto", torch.device("cpu")) == expected
    assert pick_precision("fp16", torch.device("cpu")) == "fp16"
