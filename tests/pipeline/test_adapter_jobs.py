"""The main job with an adapter in place of all weights, over plain and over 4-bit ones."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file
from small_jobs import actions, events, job
from transformers import AutoModelForCausalLM

from ecr_engine.errors import SettingsError, UsageError
from ecr_engine.pipeline.job import plan, run_job
from ecr_engine.runs.checkpoints import best, latest, list_checkpoints
from ecr_engine.runs.manifest import verify

LORA = ("backbone.adapter=lora", "lora.rank=2", "lora.alpha=4")
RANK_2_SIZE = 2 * (4 * 32 + 3 * 48)
"""Of an adapter on the small job's model: width 16, feed-forward width 32, one layer."""


def adapter_size(folder):
    return sum(weight.numel() for weight in load_file(folder / "adapter_model.safetensors").values())


def base_of(folder):
    return load_file(folder / "model.safetensors")


def on(finished):
    """Settings of an adapter on what a finished run trained."""
    return (f"backbone.name={best(finished / 'baseline').resolve()}", *LORA)


def notes(folder, stage):
    return [event.values["what"] for event in events(folder, stage, "note")]


@pytest.fixture(scope="module")
def pretrained(finished, tmp_path_factory):
    """A run on a pretrained backbone, with an adapter from the baseline on."""
    folder = tmp_path_factory.mktemp("adapters") / "run"
    run_job(job(folder, *on(finished)), until="compare")
    return folder


def test_a_pretrained_backbone_is_trained_by_its_adapter_alone(finished, pretrained):
    base = base_of(best(finished / "baseline"))
    for stage in ("baseline", "policy"):
        for info in list_checkpoints(pretrained / stage):
            assert verify(info.path) == []
            assert adapter_size(info.path) == RANK_2_SIZE
            found = base_of(info.path)
            assert found.keys() == base.keys()
            assert all(torch.equal(found[name], weight) for name, weight in base.items())
    assert "M weights, 544 of them trained (LoRA)" in notes(pretrained, "baseline")[0]
    start = load_file(best(pretrained / "baseline") / "adapter_model.safetensors")
    end = load_file(latest(pretrained / "policy") / "adapter_model.safetensors")
    assert any(not torch.equal(end[name], weight) for name, weight in start.items())


def test_the_kl_is_that_to_the_baseline_with_its_adapter(pretrained):
    steps = events(pretrained, "rl", "step")
    assert steps[0].values["objective/kl"] == pytest.approx(0.0, abs=1e-5)
    assert [event.values["policy/first_ratio"] for event in steps] == pytest.approx([1.0] * 4, abs=1e-4)


def test_all_checkpoints_of_a_run_share_one_base(pretrained):
    found = [info for stage in ("baseline", "policy") for info in list_checkpoints(pretrained / stage)]
    files = [info.path / "model.safetensors" for info in found]
    assert len(files) >= 3
    assert all(file.samefile(files[0]) for file in files)


def test_the_policy_was_evaluated_and_compared(pretrained):
    samples = [
        [json.loads(line)["response"] for line in (pretrained / "evaluation" / name / "samples.jsonl").open()]
        for name in ("baseline", "policy")
    ]
    assert len(samples[0]) == len(samples[1]) == 12
    assert (pretrained / "evaluation" / "comparison.json").is_file()


def test_it_survives_a_move_of_the_run(pretrained, tmp_path):
    moved = shutil.copytree(pretrained, tmp_path / "moved", symlinks=True)
    ids = torch.tensor([[1, 5, 6]])
    here, there = (AutoModelForCausalLM.from_pretrained(latest(run / "policy")) for run in (pretrained, moved))
    assert torch.equal(here(ids).logits, there(ids).logits)


def interrupt(step):
    def listen(event):
        if (event.stage, event.step, event.kind) == ("rl", step, "step"):
            raise KeyboardInterrupt

    return listen


def test_an_interrupted_run_ends_as_if_nothing_had_happened(finished, pretrained, tmp_path):
    folder = shutil.copytree(pretrained, tmp_path / "again", symlinks=True)
    shutil.rmtree(folder / "policy")
    settings = job(folder, *on(finished))
    with pytest.raises(KeyboardInterrupt):
        run_job(settings, until="rl", listeners=[interrupt(3)])
    assert actions(plan(settings, until="rl")) == ("rl",)
    run_job(settings, until="rl")
    assert events(folder, "rl", "note")[-2].values["what"] == "taken up at update 2"
    wanted = load_file(latest(pretrained / "policy") / "adapter_model.safetensors")
    found = load_file(latest(folder / "policy") / "adapter_model.safetensors")
    assert all(torch.equal(found[name], weight) for name, weight in wanted.items())


def test_the_tiny_backbone_trains_all_weights_first_and_an_adapter_over_4_bit_ones_then(tmp_path):
    folder = tmp_path / "run"
    run_job(job(folder, *LORA, "backbone.quantisation=4bit", "ppo.value=trunk"))
    assert not (best(folder / "baseline") / "adapter_config.json").exists()
    policy = latest(folder / "policy")
    assert adapter_size(policy) == RANK_2_SIZE
    # 32 x 16 numbers, two a byte.
    assert base_of(policy)["model.layers.0.mlp.up_proj.weight"].numel() == 256
    steps = events(folder, "rl", "step")
    assert steps[0].values["objective/kl"] == pytest.approx(0.0, abs=1e-4)
    assert steps[-1].values["train/grad_norm"] > 0


def test_quantised_weights_without_an_adapter_are_refused_with_the_settings(tmp_path):
    with pytest.raises(SettingsError) as caught:
        job(tmp_path / "run", "backbone.quantisation=4bit")
    problem = caught.value.problems[0]
    assert problem.what == "4bit weights can't be trained: backbone.quantisation needs an adapter"
    assert problem.at == "--set backbone.quantisation=4bit"
    assert problem.fix == "--set backbone.adapter=lora, or --set backbone.quantisation=none"


def test_an_unknown_layer_is_refused_with_the_settings(tmp_path):
    with pytest.raises(SettingsError) as caught:
        job(tmp_path / "run", *LORA, "lora.targets=q_proj,qproj")
    problem = caught.value.problems[0]
    assert problem.what == "lora.targets names 'qproj', and a Llama has no such linear layer"
    assert (problem.at, problem.fix) == ("--set lora.targets=q_proj,qproj", "did you mean 'q_proj'?")


def test_a_rank_of_0_is_refused_with_the_settings(tmp_path):
    with pytest.raises(SettingsError) as caught:
        job(tmp_path / "run", "lora.rank=0")
    assert caught.value.problems[0].what == "lora.rank must be a whole number of at least 1, not 0"


def test_a_context_beyond_the_window_is_refused_before_the_first_rollout(finished, tmp_path):
    folder = tmp_path / "run"
    with pytest.raises(UsageError) as caught:
        run_job(job(folder, *on(finished), "prompt.context_max_length=1020"))
    problem = caught.value.problems[0]
    assert problem.what == "a prompt of 1020 and a response of 12 tokens exceed the model's window of 1024"
    assert (problem.at, problem.fix) == ("prompt.context_max_length", "--set prompt.context_max_length=1012")
    assert not events(folder, "rl")
