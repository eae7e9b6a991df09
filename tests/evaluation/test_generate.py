"""Answering held-out turns: the same response whatever the batch, the same turns for every system."""

import dataclasses
import json
import math

import pytest
import torch
from tiny_models import example, same_weights, tiny_backbone

from ecr_engine.config.sections.data import PromptSettings
from ecr_engine.config.sections.evaluation import CompareSettings, EvaluationSettings
from ecr_engine.data.schema import ReferenceLoss
from ecr_engine.errors import DataError, ExitCode, UsageError
from ecr_engine.evaluation.generate import (
    System,
    Task,
    decoding_of,
    evaluate_model,
    generate_model,
    precision_of,
    prompt_encoder,
    respond,
    turn_seed,
)
from ecr_engine.evaluation.metric import METRICS
from ecr_engine.evaluation.store import read_evaluation
from ecr_engine.models.generation import Decoding
from ecr_engine.rewards.composition import Composer
from ecr_engine.rewards.resources import Resources

PROMPT = PromptSettings(system="feel with the seeker", context_max_length=80, resp_max_length=10)
EXAMPLES = [
    example("1:1", "i feel sad today"),
    example("1:3", "i feel sad today", "i am sorry you feel sad", "have you a good movie for me today ?"),
    example("2:0"),
    example("3:1", "hello there"),
    example("3:3", "hello there", "hello", "i want a funny movie"),
]


@pytest.fixture(scope="module")
def backbone():
    return tiny_backbone(scale=6.0)


def answered(backbone, examples=EXAMPLES, *, batch_size=64, seed=0, decoding=None, **options):
    return respond(
        backbone.model,
        backbone.tokenizer,
        examples,
        prompt_encoder(backbone.tokenizer, PROMPT),
        decoding or Decoding(10),
        batch_size=batch_size,
        seed=seed,
        **options,
    )


def test_responses_come_in_the_order_of_the_examples(backbone):
    samples = answered(backbone, batch_size=2)
    assert [sample.example.example_id for sample in samples] == ["1:1", "1:3", "2:0", "3:1", "3:3"]
    assert all(1 <= sample.tokens <= 10 for sample in samples)
    assert all(sample.finished or sample.tokens == 10 for sample in samples)


@pytest.mark.parametrize("batch_size", [1, 2, 5])
def test_neither_batch_size_nor_company_changes_a_response(backbone, batch_size):
    wanted = {sample.example.example_id: sample for sample in answered(backbone)}
    assert len({sample.response for sample in wanted.values()}) == 5
    for samples in (answered(backbone, batch_size=batch_size), answered(backbone, EXAMPLES[3:0:-1])):
        assert all(sample == wanted[sample.example.example_id] for sample in samples)


def test_the_seed_changes_the_responses_and_the_same_seed_does_not(backbone):
    assert answered(backbone, seed=1) == answered(backbone, seed=1)
    assert [s.response for s in answered(backbone, seed=1)] != [s.response for s in answered(backbone, seed=2)]


def test_the_seed_of_a_turn_is_its_own():
    # The first six bytes of `printf '7:391:3' | sha256sum`.
    assert turn_seed(7, "391:3") == 0x7F07277998CF
    assert len({turn_seed(seed, name) for seed in (0, 1) for name in ("1:1", "1:3", "2:0")}) == 6


def test_turns_with_the_same_words_are_drawn_for_themselves(backbone):
    twins = [example("8:1", "hello there"), example("9:1", "hello there")]
    first, second = answered(backbone, twins)
    assert first.response != second.response


def test_greedy_equals_transformers(backbone):
    samples = answered(backbone, decoding=Decoding(10, sample=False))
    tokenizer = backbone.tokenizer
    encoder = prompt_encoder(tokenizer, PROMPT)
    for sample in samples:
        ids = torch.tensor([encoder.prompt(sample.example.context)])
        made = backbone.model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            do_sample=False,
            max_new_tokens=10,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )[0, ids.shape[1] :]
        assert sample.response == tokenizer.decode(made, skip_special_tokens=True).strip()
        assert sample.tokens == len(made)


def test_progress_counts_turns(backbone):
    told = []
    answered(backbone, batch_size=2, progress=lambda done, total: told.append((done, total)))
    assert told == [(2, 5), (4, 5), (5, 5)]


def test_dropout_is_off():
    backbone = tiny_backbone(scale=6.0, dropout=0.5)
    backbone.model.train()
    first = answered(backbone)
    backbone.model.train()
    assert answered(backbone) == first


def test_the_decoding_is_that_of_the_settings():
    chosen = EvaluationSettings(decoding="greedy", temperature=0.5, top_p=0.9)
    assert decoding_of(chosen, PROMPT) == Decoding(10, sample=False, temperature=0.5, top_p=0.9)
    assert decoding_of(EvaluationSettings(decoding="sample"), PROMPT).sample


def task(examples=EXAMPLES, *, prompt=PROMPT, **changes):
    return Task("test", examples, prompt, EvaluationSettings(**changes), CompareSettings(resamples=200), seed=0)


def evaluated(backbone, folder, made, name="policy", **options):
    composer = Composer({"empathy": 2.0, "format": 1.0})
    system = System(backbone.model, backbone.tokenizer, name, "policy/checkpoints/step-1")
    return evaluate_model(system, made, composer, folder, **options)


def test_an_evaluation_writes_all_turns(backbone, tmp_path):
    result = evaluated(backbone, tmp_path / "policy", task(batch_size=2))
    assert (result.name, result.checkpoint, result.split, result.turns, result.seed) == (
        "policy",
        "policy/checkpoints/step-1",
        "test",
        5,
        0,
    )
    assert result.decoding == {
        "max_new_tokens": 10,
        "sample": True,
        "temperature": 0.7,
        "top_p": 1.0,
        "precision": "no",
    }
    read, samples = read_evaluation(tmp_path / "policy")
    assert read == result
    assert [scored.sample for scored in samples] == answered(backbone, decoding=Decoding(10, temperature=0.7))
    lengths = [scored.sample.finished for scored in samples]
    assert result.metrics["finished"].value == pytest.approx(sum(lengths) / 5)
    rows = [json.loads(line) for line in (tmp_path / "policy" / "samples.jsonl").read_text().splitlines()]
    assert len(rows) == 5


def test_fingerprints_tell_other_turns_and_other_prompts_apart(backbone, tmp_path):
    one = evaluated(backbone, tmp_path / "one", task())
    again = evaluated(tiny_backbone(seed=1), tmp_path / "again", task(batch_size=1))
    fewer = evaluated(backbone, tmp_path / "fewer", task(EXAMPLES[:4]))
    other = evaluated(backbone, tmp_path / "other", task(prompt=PROMPT.model_copy(update={"system": "be brief"})))
    assert (one.split_fingerprint, one.prompt_fingerprint) == (again.split_fingerprint, again.prompt_fingerprint)
    assert fewer.split_fingerprint != one.split_fingerprint
    assert fewer.prompt_fingerprint == one.prompt_fingerprint
    assert other.split_fingerprint == one.split_fingerprint
    assert other.prompt_fingerprint != one.prompt_fingerprint


def test_a_model_evaluated_twice_scores_the_same(backbone, tmp_path):
    before = tiny_backbone(scale=6.0)
    first = evaluated(backbone, tmp_path / "a", task())
    second = evaluated(backbone, tmp_path / "b", task())
    assert first.metrics == second.metrics
    assert same_weights(before.model, backbone.model)


def test_an_empty_split(backbone, tmp_path):
    with pytest.raises(DataError, match="the test split has no turns") as caught:
        evaluated(backbone, tmp_path / "none", task([]))
    assert caught.value.exit_code is ExitCode.DATA
    assert caught.value.problems[0].fix == "process more dialogues, or choose another split"
    assert not (tmp_path / "none").exists()


def test_a_precision_that_is_asked_for_is_taken_and_auto_leaves_small_models_alone(backbone):
    assert [precision_of(wanted, backbone.model) for wanted in ("bf16", "no", "auto")] == ["bf16", "no", "no"]


def test_bf16_responses_are_made_in_bf16(backbone):
    samples = answered(backbone, precision="bf16", losses=True)
    exact = answered(backbone, losses=True)
    assert len(samples) == 5
    # Losses show it: they are near the exact ones, and not the same.
    pairs = [(a.reference_loss.nats, b.reference_loss.nats) for a, b in zip(samples, exact, strict=True)]
    assert all(a == pytest.approx(b, rel=0.1) for a, b in pairs)
    assert any(a != b for a, b in pairs)


@pytest.mark.parametrize("batch_size", [2, 5])
def test_the_loss_of_a_reference_is_that_of_transformers(backbone, batch_size):
    encoder = prompt_encoder(backbone.tokenizer, PROMPT)
    wanted = []
    for each in EXAMPLES:
        encoded = encoder.encode(each)
        ids = torch.tensor([encoded.prompt + encoded.target])
        with torch.no_grad():
            logs = backbone.model(ids).logits[0].double().log_softmax(-1)
        places = range(len(encoded.prompt), ids.shape[1])
        wanted.append((-sum(float(logs[place - 1, ids[0, place]]) for place in places), len(encoded.target)))
    samples = answered(backbone, batch_size=batch_size, losses=True)
    found = [(sample.reference_loss.nats, sample.reference_loss.tokens) for sample in samples]
    assert found == [(pytest.approx(nats, rel=1e-5), tokens) for nats, tokens in wanted]
    assert [sample.response for sample in samples] == [sample.response for sample in answered(backbone)]


def test_perplexity_counts_every_token_alike(sample):
    losses = [ReferenceLoss(2.0, 1), ReferenceLoss(4.0, 5), None]
    samples = [dataclasses.replace(sample("hi"), reference_loss=loss) for loss in losses]
    found = METRICS.build("perplexity", Resources()).compute(samples)
    assert found.corpus == pytest.approx(math.exp(6 / 6))
    assert found.per_sample == (pytest.approx(math.exp(2.0)), pytest.approx(math.exp(0.8)), None)


def test_perplexity_comes_with_the_losses_and_is_kept_on_disk(backbone, tmp_path):
    result = evaluated(backbone, tmp_path / "policy", task(perplexity=True))
    _, rows = read_evaluation(tmp_path / "policy")
    nats = sum(row.sample.reference_loss.nats for row in rows)
    tokens = sum(row.sample.reference_loss.tokens for row in rows)
    assert result.metrics["perplexity"].value == pytest.approx(math.exp(nats / tokens))
    assert "perplexity" not in evaluated(backbone, tmp_path / "plain", task()).metrics


def test_an_example_without_a_reference_has_no_loss(backbone):
    blank = example("4:1", "hello there", target=" ")
    first, second = answered(backbone, [blank, EXAMPLES[0]], losses=True)
    assert first.reference_loss is None
    assert second.reference_loss is not None


def test_a_split_of_one_turn(backbone, tmp_path):
    result = evaluated(backbone, tmp_path / "one", task(EXAMPLES[:1]))
    assert result.turns == 1
    assert result.metrics["reward"].value is not None
    assert all(metric.interval is None for metric in result.metrics.values())  # one dialogue can't be resampled
    assert result.metrics["self_bleu"].value is None
    assert not result.failed


def test_generated_responses_are_an_evaluation_without_metrics(backbone, tmp_path):
    system = System(backbone.model, backbone.tokenizer, "policy", "policy/checkpoints/step-1")
    result = generate_model(system, task(), tmp_path / "answers")
    read, rows = read_evaluation(tmp_path / "answers")
    assert read == result
    assert dict(read.metrics) == {}
    assert [row.sample for row in rows] == answered(backbone, decoding=Decoding(10, temperature=0.7))


def test_an_unknown_metric_is_said_before_the_model_works(backbone, tmp_path):
    told = []
    with pytest.raises(UsageError, match="unknown metric 'blue_1'") as caught:
        evaluated(backbone, tmp_path / "policy", task(metrics="default, blue_1"), progress=told.append)
    assert caught.value.problems[0].fix == "did you mean 'bleu_1'?"
    assert not told
    assert list(tmp_path.iterdir()) == []


def test_the_guides_file_has_its_keys_and_those_of_earlier_evaluations_stay(backbone, tmp_path):
    folder = tmp_path / "evaluation_results"
    result = evaluated(backbone, folder, task(), guide=True)
    [first] = folder.glob("evaluation_results_*.json")
    document = json.loads(first.read_text())
    assert {"bleu@1", "bleu@2", "dist@1", "dist@2", "item_ratio"} <= document.keys()
    assert document["bleu@1"] == result.metrics["bleu@1"].value
    assert all(isinstance(value, float | int) for value in document.values())
    earlier = first.rename(folder / "evaluation_results_20240101_000000.json")
    evaluated(backbone, folder, task(), guide=True)
    assert earlier.exists()
    assert len(list(folder.glob("evaluation_results_*.json"))) == 2
