"""A backbone with a LoRA adapter: what is trained, what a checkpoint holds, and what is refused."""

import json
import shutil

import pytest
import torch
from tiny_models import same_weights, tiny_backbone, tiny_llama
from transformers import AutoModelForCausalLM

from ecr_engine.errors import DataError, ExitCode, UnavailableError, UsageError
from ecr_engine.models.adapters import Lora, lora_of
from ecr_engine.models.backbone import load_backbone, merged
from ecr_engine.models.policies import Tuning, adapt, load_trainable
from ecr_engine.models.response import ResponseModel, collate
from ecr_engine.runs.checkpoints import save_checkpoint

LORA = Lora(rank=2, alpha=4.0, dropout=0.0, targets=lora_of(1, 1.0, 0.0, "all").targets)
TUNING = Tuning(LORA, "none", "no", 0)
FULL = Tuning(None, "none", "no", 0)
BATCH = collate([[1, 5, 6, 7]], [[8, 9, 2]], 0)


def lora_policy(**shape):
    backbone = tiny_backbone(**shape)
    adapt(backbone, LORA, seed=0)
    return backbone


def trained_policy(steps=3, **shape):
    """A policy whose adapter has taken some steps."""
    return train(lora_policy(**shape), steps)


def train(backbone, steps=3):
    optimizer = torch.optim.AdamW(backbone.trained(), lr=0.05)
    for _ in range(steps):
        (-ResponseModel(backbone.model.eval())(BATCH).log_probs.sum()).backward()
        optimizer.step()
        optimizer.zero_grad()
    return backbone


@torch.no_grad()
def logits(model):
    return model.eval()(input_ids=BATCH.ids).logits


def saved(tmp_path, backbone, name="checkpoint"):
    folder = tmp_path / name
    folder.mkdir()
    backbone.save(folder)
    return folder


def refused(error, *args):
    with pytest.raises(error) as caught:
        load_trainable(*args)
    return caught.value.problems[0]


def test_a_new_adapter_changes_nothing_and_is_all_that_is_trained():
    plain, policy = tiny_backbone(hidden=16), lora_policy(hidden=16)
    assert torch.equal(logits(policy.model), logits(plain.model))
    # Rank 2 times (in + out): four projections of 16 x 16, two of 16 x 32, one of 32 x 16.
    assert sum(weight.numel() for weight in policy.trained()) == 2 * (4 * 32 + 3 * 48)
    assert policy.parameters == plain.parameters + 544
    assert len(plain.trained()) == len(list(plain.model.parameters()))


def test_training_moves_the_adapter_and_no_other_weight():
    policy = trained_policy()
    base = tiny_backbone().model.state_dict()
    found = {name.replace(".base_layer.", "."): weight for name, weight in policy.model.state_dict().items()}
    assert all(torch.equal(found[name], weight) for name, weight in base.items())
    assert (logits(policy.model) - logits(tiny_backbone().model)).abs().max() > 0.01


def test_only_the_named_layers_get_an_adapter():
    backbone = tiny_backbone(hidden=16)
    adapt(backbone, lora_of(4, 8.0, 0.0, "q_proj, down_proj"), seed=0)
    assert sum(weight.numel() for weight in backbone.trained()) == 4 * (32 + 48)


def test_the_seed_decides_the_adapter_and_leaves_the_random_state_alone():
    torch.manual_seed(3)
    wanted = torch.rand(2)
    torch.manual_seed(3)
    first = lora_policy()
    assert torch.equal(torch.rand(2), wanted)
    assert same_weights(first.model, lora_policy().model)


def test_a_checkpoint_loads_with_plain_from_pretrained_wherever_it_lies(tmp_path, monkeypatch):
    policy = trained_policy()
    wanted = logits(policy.model)
    folder = saved(tmp_path, policy)
    (tmp_path / "elsewhere").mkdir()
    moved = shutil.move(folder, tmp_path / "elsewhere" / "moved")
    monkeypatch.chdir("/")
    assert torch.equal(logits(AutoModelForCausalLM.from_pretrained(moved)), wanted)
    assert torch.equal(logits(load_backbone(str(moved)).model), wanted)
    assert {path.suffix for path in moved.iterdir()} <= {".json", ".safetensors", ".jinja"}


def test_checkpoints_share_the_file_of_their_base(tmp_path):
    first = save_checkpoint(tmp_path, 1, trained_policy().save, metrics={}, best=True, keep_last=2)
    policy = load_trainable(str(first), TUNING)
    second = save_checkpoint(tmp_path, 2, train(policy).save, metrics={}, best=True, keep_last=2)
    base, adapter = "model.safetensors", "adapter_model.safetensors"
    assert (first / base).samefile(second / base)
    assert (first / adapter).read_bytes() != (second / adapter).read_bytes()
    wanted = logits(policy.model)
    shutil.rmtree(first)
    assert torch.equal(logits(AutoModelForCausalLM.from_pretrained(second)), wanted)


def test_a_base_that_has_been_pruned_is_written_again(tmp_path):
    first = save_checkpoint(tmp_path, 1, trained_policy().save, metrics={}, best=True, keep_last=2)
    policy = load_trainable(str(first), TUNING)
    shutil.rmtree(first)
    folder = saved(tmp_path, policy)
    assert torch.equal(logits(AutoModelForCausalLM.from_pretrained(folder)), logits(policy.model))


def test_a_folder_of_the_user_is_never_linked_to(tmp_path):
    folder = saved(tmp_path, tiny_backbone(), "theirs")
    policy = load_trainable(str(folder), TUNING)
    assert not (saved(tmp_path, policy) / "model.safetensors").samefile(folder / "model.safetensors")


def test_training_is_taken_up_where_it_was(tmp_path):
    policy = trained_policy()
    folder = saved(tmp_path, policy)
    again = lora_policy()
    again.restore(folder)
    assert same_weights(again.model, policy.model)


def test_the_weights_of_another_adapter_are_not_restored(tmp_path):
    folder = saved(tmp_path, trained_policy(layers=1))
    with pytest.raises(RuntimeError, match="adapter weights differ"):
        lora_policy(layers=2).restore(folder)


def test_merged_it_is_a_plain_model_that_says_the_same(tmp_path):
    policy = trained_policy()
    wanted = logits(policy.model)
    plain = merged(policy)
    assert torch.allclose(logits(plain.model), wanted, atol=1e-5)
    assert plain.model.state_dict().keys() == tiny_backbone().model.state_dict().keys()
    assert not plain.adapted
    assert torch.equal(logits(policy.model), wanted)
    folder = saved(tmp_path, plain)
    assert not (folder / "adapter_config.json").exists()
    assert torch.equal(logits(AutoModelForCausalLM.from_pretrained(folder)), logits(plain.model))


def test_to_train_all_weights_the_adapter_is_added_to_them(tmp_path):
    policy = trained_policy()
    backbone = load_trainable(str(saved(tmp_path, policy)), FULL)
    assert not backbone.adapted
    assert torch.allclose(logits(backbone.model), logits(policy.model), atol=1e-5)
    assert len(backbone.trained()) == len(list(tiny_backbone().model.parameters()))


def foreign_folder(tmp_path, *, tied):
    """A Llama whose tokenizer knows no `<movie>` and no padding."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = ["<s>", "</s>", "see", "it", "<", "movie", ">", "now", "then"]
    body = Tokenizer(models.WordLevel({word: place for place, word in enumerate(words)}, unk_token="it"))
    body.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=body, bos_token="<s>", eos_token="</s>").save_pretrained(tmp_path)
    model = tiny_llama(len(words), scale=1.0)
    if tied:
        model.config.tie_word_embeddings = True
        model.tie_weights()
    model.save_pretrained(tmp_path)
    return str(tmp_path)


@pytest.mark.parametrize("tied", [True, False])
def test_rows_of_new_tokens_are_trained_and_saved_with_the_base(tmp_path, tied):
    policy = load_trainable(foreign_folder(tmp_path, tied=tied), TUNING)
    assert list(policy.new_tokens) == [9, 10]
    before = policy.model.get_output_embeddings().weight.detach().clone()
    batch = collate([[0, 2, 9]], [[9, 1]], 10)
    optimizer = torch.optim.AdamW(policy.trained(), lr=0.05)
    for _ in range(20):
        (-ResponseModel(policy.model.eval())(batch).log_probs.sum()).backward()
        optimizer.step()
        optimizer.zero_grad()
    after = policy.model.get_output_embeddings().weight.detach()
    assert (after[9] - before[9]).abs().max() > 0.1
    assert torch.equal(after[:9], before[:9])
    wanted = ResponseModel(policy.model)(batch).log_probs.detach()
    (tmp_path / "saved").mkdir()
    policy.save(tmp_path / "saved")
    plain = AutoModelForCausalLM.from_pretrained(tmp_path / "saved")
    assert torch.allclose(ResponseModel(plain)(batch).log_probs, wanted, atol=1e-6)
    assert torch.allclose(ResponseModel(merged(policy).model)(batch).log_probs, wanted, atol=1e-5)
    # Taken up again, the rows are part of the base like all others.
    assert not load_trainable(str(tmp_path / "saved"), TUNING).new_tokens


def test_new_rows_are_the_same_each_time(tmp_path):
    folder = foreign_folder(tmp_path, tied=True)
    torch.manual_seed(1)
    first = load_backbone(folder)
    torch.manual_seed(2)
    assert same_weights(first.model, load_backbone(folder).model)


def test_an_unknown_layer():
    with pytest.raises(UsageError) as caught:
        lora_of(8, 16.0, 0.0, "q_proj,o_prj")
    problem = caught.value.problems[0]
    assert problem.what == "lora.targets names 'o_prj', and a Llama has no such linear layer"
    assert (problem.at, problem.fix) == ("lora.targets", "did you mean 'o_proj'?")


def test_an_adapter_of_another_shape(tmp_path):
    folder = saved(tmp_path, trained_policy())
    problem = refused(UsageError, str(folder), Tuning(lora_of(8, 4.0, 0.0, "all"), "none", "no", 0))
    assert problem.what == f"the adapter in '{folder}' has rank 2, and lora.rank is 8"
    assert (problem.at, problem.fix) == (f"{folder}/adapter_config.json", "--set lora.rank=2")
    problem = refused(UsageError, str(folder), Tuning(lora_of(2, 4.0, 0.0, "q_proj"), "none", "no", 0))
    everything = "down_proj,gate_proj,k_proj,o_proj,q_proj,up_proj,v_proj"
    assert problem.what == f"the adapter in '{folder}' has targets {everything}, and lora.targets is q_proj"


def test_an_adapter_that_was_made_for_a_narrower_base(tmp_path):
    folder = saved(tmp_path, trained_policy(hidden=16))
    wide = saved(tmp_path, tiny_backbone(hidden=32), "wide")
    for name in ("config.json", "model.safetensors"):
        shutil.copy(wide / name, folder / name)
    problem = refused(DataError, str(folder), TUNING)
    assert problem.what == (
        "the adapter was made for another base: it has weights for model.layers.0.mlp.down_proj, of width 32, "
        "where the base has 64"
    )
    assert problem.at == f"{folder}/adapter_model.safetensors"
    assert problem.fix == "name the folder of the base that it was trained on, or train it again"


def test_an_adapter_that_was_made_for_a_deeper_base(tmp_path):
    folder = saved(tmp_path, trained_policy(layers=2))
    flat = saved(tmp_path, tiny_backbone(layers=1), "flat")
    for name in ("config.json", "model.safetensors"):
        shutil.copy(flat / name, folder / name)
    what = refused(DataError, str(folder), TUNING).what
    assert what.endswith("it has weights for model.layers.1.mlp.down_proj, which the base has not")


def test_a_folder_with_an_adapter_alone_takes_the_base_that_it_names(tmp_path):
    base = saved(tmp_path, tiny_backbone(), "base")
    policy = trained_policy()
    folder = saved(tmp_path, policy)
    for name in ("config.json", "model.safetensors"):
        (folder / name).unlink()
    facts = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps({**facts, "base_model_name_or_path": str(base)}))
    assert torch.equal(logits(load_trainable(str(folder), TUNING).model), logits(policy.model))
    (folder / "adapter_config.json").write_text(json.dumps({**facts, "base_model_name_or_path": "./gone"}))
    problem = refused(UnavailableError, str(folder), TUNING)
    assert problem.what == f"the base './gone' of the adapter in '{folder}' is no folder and no hub id"
    assert problem.at == f"{folder}/adapter_config.json"
    assert problem.fix == "write the folder of the base into base_model_name_or_path"


def test_an_adapter_that_is_no_lora(tmp_path):
    folder = saved(tmp_path, trained_policy())
    (folder / "adapter_config.json").write_text('{"peft_type": "IA3"}')
    with pytest.raises(UnavailableError) as caught:
        load_backbone(str(folder))
    assert caught.value.exit_code is ExitCode.ENVIRONMENT
    assert caught.value.problems[0].what == "the adapter is of type IA3, not LORA"
