"""Supervised fine-tuning: what the loss is made of, by hand, and when it stops."""

import copy
import math
from dataclasses import dataclass

import pytest
import torch
from tiny_models import Recorder, same_weights, tiny_backbone

from ecr_engine.config.sections.training import BaselineSettings
from ecr_engine.data.prompts import Encoded
from ecr_engine.models.backbone import Backbone
from ecr_engine.models.placement import make_accelerator
from ecr_engine.training.sft import BaselineTrainer, SFTResult, epoch_batches, learning_rate

ROWS = [
    Encoded([1, 20, 21, 22], [30, 31, 2]),
    Encoded([1, 23], [32, 2]),
    Encoded([1, 24, 25, 26, 27, 28], [33, 34, 35, 36, 37, 38, 2]),
    Encoded([1, 29], [2]),
]
TOKENS = 13


@dataclass
class Made:
    """A trainer and what it tells."""

    trainer: BaselineTrainer
    backbone: Backbone
    recorder: Recorder
    saves: list


def made(*, backbone=None, seed=0, dropout=0.0, **changes):
    backbone = backbone or tiny_backbone(scale=4.0, dropout=dropout)
    settings = {"batch_size": 4, "micro_batch_size": 4, "learning_rate": 0.01, "warmup_steps": 0, "weight_decay": 0.0}
    recorder, saves = Recorder(), []
    trainer = BaselineTrainer(
        backbone,
        BaselineSettings(**{**settings, **changes}),
        make_accelerator(torch.device("cpu"), "no"),
        seed=seed,
        scaled=False,
        emit=recorder,
        save=lambda step, metrics, *, best: saves.append((step, metrics, best)),
    )
    return Made(trainer, backbone, recorder, saves)


def losses_by_hand(model, rows):
    """-log p of each target token, one forward pass of the bare prefix for each."""
    found = []
    for row in rows:
        for place, token in enumerate(row.target):
            with torch.no_grad():
                logits = model(torch.tensor([row.prompt + row.target[:place]])).logits[0, -1].double()
            found.append(float(torch.logsumexp(logits, 0) - logits[token]))
    return found


def test_the_loss_is_the_mean_over_target_tokens_only():
    it = made()
    wanted = losses_by_hand(it.backbone.model, ROWS)
    assert len(wanted) == TOKENS
    assert it.trainer.validate(ROWS) == pytest.approx(math.fsum(wanted) / TOKENS, rel=1e-5)


def test_validation_weighs_tokens_and_not_batches():
    wanted = losses_by_hand(made().backbone.model, ROWS)
    for width in (1, 2):
        assert made(micro_batch_size=width).trainer.validate(ROWS) == pytest.approx(
            math.fsum(wanted) / TOKENS, rel=1e-5
        )


def test_dropout_is_off_in_validation_and_on_in_training():
    it = made(dropout=0.5, max_steps=1)
    wanted = math.fsum(losses_by_hand(it.backbone.model, ROWS)) / TOKENS
    it.backbone.model.train()
    assert it.trainer.validate(ROWS) == pytest.approx(wanted, rel=1e-5)
    it.trainer.train(ROWS, ROWS)
    assert abs(it.recorder.of("step")[0][1]["train/loss"] - wanted) > 1e-3


def test_the_training_loss_is_the_same_mean():
    it = made(max_steps=1)
    wanted = math.fsum(losses_by_hand(it.backbone.model, ROWS)) / TOKENS
    it.trainer.train(ROWS, ROWS)
    ((step, values),) = it.recorder.of("step")
    assert step == 1
    assert values["train/loss"] == pytest.approx(wanted, rel=1e-5)
    assert values["train/lr"] == 0.01


def gradient_by_hand(model):
    model.zero_grad()
    total = torch.zeros(())
    for row in ROWS:
        ids = torch.tensor([row.prompt + row.target])
        logs = torch.log_softmax(model(ids).logits[0], -1)
        for place, token in enumerate(row.target):
            total = total - logs[len(row.prompt) + place - 1, token]
    (total / TOKENS).backward()
    found = {name: weight.grad.clone() for name, weight in model.named_parameters()}
    model.zero_grad()
    return found


@pytest.mark.parametrize("micro", [4, 3, 1])
def test_micro_batches_of_uneven_length_do_not_change_the_gradient(micro):
    it = made(micro_batch_size=micro, max_steps=1, max_grad_norm=1e9)
    model = it.backbone.model
    wanted = gradient_by_hand(copy.deepcopy(model))
    found = {}
    step = it.trainer.optimizer.step
    it.trainer.optimizer.step = lambda: (
        found.update({name: weight.grad.clone() for name, weight in model.named_parameters()}),
        step(),
    )
    it.trainer.train(ROWS, ROWS)
    assert found.keys() == wanted.keys()
    for name, gradient in wanted.items():
        assert torch.allclose(found[name], gradient, rtol=1e-3, atol=1e-5), name
    norm = math.sqrt(sum(float((gradient**2).sum()) for gradient in wanted.values()))
    assert it.recorder.of("step")[0][1]["train/grad_norm"] == pytest.approx(norm, rel=1e-3)


def test_a_toy_corpus_is_learned():
    backbone = tiny_backbone(hidden=32)
    tokenizer = backbone.tokenizer

    def row(prompt, target):
        ids = tokenizer.encode(f"<s>[INST] {prompt} [/INST]", add_special_tokens=False)
        return Encoded(ids, tokenizer.encode(f" {target} </s>", add_special_tokens=False))

    rows = [row("i feel sad", "have you seen <movie> ?"), row("thank you", "you might like <movie> too")]
    it = made(backbone=backbone, max_steps=60, learning_rate=0.02, batch_size=2, evaluations_per_epoch=1, patience=99)
    before = it.trainer.validate(rows)
    it.trainer.train(rows, rows)
    assert before > 3
    assert it.trainer.validate(rows) < 0.1
    ids = backbone.model.eval().generate(
        torch.tensor([rows[0].prompt]),
        attention_mask=torch.ones(1, len(rows[0].prompt), dtype=torch.long),
        max_new_tokens=20,
        do_sample=False,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    assert ids[0, len(rows[0].prompt) :].tolist() == rows[0].target


def scripted(it, losses):
    """Validations that say what a test wants."""
    script = iter(losses)
    it.trainer.validate = lambda rows: next(script)
    return it


def test_it_stops_when_the_patience_is_out_and_keeps_the_best():
    it = scripted(made(epochs=10, evaluations_per_epoch=1, patience=2), [3.0, 2.0, 2.5, 2.0, 1.0])
    result = it.trainer.train(ROWS, ROWS)
    # A loss that only equals the best is no better.
    assert result == SFTResult(steps=4, best_step=2, best_loss=2.0, stopped_early=True)
    assert it.saves == [(1, {"eval/loss": 3.0}, True), (2, {"eval/loss": 2.0}, True)]
    assert it.recorder.of("validation")[1] == (2, {"eval/loss": 2.0, "eval/perplexity": pytest.approx(7.389056)})


def test_it_ends_after_its_epochs():
    it = scripted(made(epochs=3, evaluations_per_epoch=1, patience=2), [3.0, 2.0, 1.0])
    assert it.trainer.train(ROWS, ROWS) == SFTResult(3, 3, 1.0, stopped_early=False)


def test_max_steps_overrides_the_epochs_and_the_end_is_validated():
    it = scripted(made(batch_size=1, micro_batch_size=1, epochs=1, max_steps=6, evaluations_per_epoch=1), [3.0, 2.0])
    assert it.trainer.train(ROWS, ROWS).steps == 6
    assert [step for step, _ in it.recorder.of("validation")] == [4, 6]
    assert it.recorder.of("progress")[-1] == (6, {"done": 6, "total": 6, "what": "steps"})


def test_validations_come_as_often_as_wanted():
    it = made(batch_size=1, micro_batch_size=1, epochs=1, evaluations_per_epoch=2, patience=99)
    it.trainer.train(ROWS, ROWS)
    assert [step for step, _ in it.recorder.of("validation")] == [2, 4]


def test_gradients_are_clipped():
    it = made(max_steps=1, max_grad_norm=0.01)
    model = it.backbone.model
    norms = []
    step = it.trainer.optimizer.step
    it.trainer.optimizer.step = lambda: (
        norms.append(math.sqrt(sum(float((weight.grad**2).sum()) for weight in model.parameters()))),
        step(),
    )
    it.trainer.train(ROWS, ROWS)
    assert norms == [pytest.approx(0.01, rel=1e-2)]
    assert it.recorder.of("step")[0][1]["train/grad_norm"] > 1


def test_a_gradient_that_is_not_finite_is_skipped_and_told():
    it = made(max_steps=1)
    it.backbone.model.lm_head.weight.register_hook(lambda gradient: gradient * math.nan)
    before = copy.deepcopy(it.backbone.model)
    it.trainer.train(ROWS, ROWS)
    assert same_weights(it.backbone.model, before)
    assert it.recorder.of("warning") == [
        (0, {"what": "a gradient is not finite: the step was skipped", "fix": "--learning_rate 1e-5"})
    ]


def test_the_same_seed_gives_the_same_weights():
    def trained(seed):
        it = made(seed=seed, dropout=0.3, batch_size=2, micro_batch_size=2, epochs=2)
        it.trainer.train(ROWS, ROWS)
        return it.backbone.model

    first = trained(1)
    torch.manual_seed(99)
    assert same_weights(first, trained(1))
    assert not same_weights(first, trained(2))


@pytest.mark.parametrize("count", [1, 7, 64, 100])
def test_an_epoch_holds_every_example_once(count):
    lengths = [(7 * place) % 13 for place in range(count)]
    batches = list(epoch_batches(lengths, 2, seed=0, epoch=0))
    assert sorted(index for batch in batches for index in batch) == list(range(count))
    assert [len(batch) for batch in batches if len(batch) != 2] == [1] * (count % 2)


def test_the_order_of_batches_depends_on_seed_and_epoch():
    lengths = [place % 9 for place in range(64)]
    orders = [list(epoch_batches(lengths, 4, seed=seed, epoch=epoch)) for seed, epoch in ((0, 0), (0, 1), (1, 0))]
    assert list(epoch_batches(lengths, 4, seed=0, epoch=0)) == orders[0]
    assert len({str(order) for order in orders}) == 3


def test_batches_are_of_like_length():
    lengths = [(37 * place) % 64 for place in range(64)]
    spreads = [
        max(lengths[i] for i in batch) - min(lengths[i] for i in batch)
        for batch in epoch_batches(lengths, 4, seed=0, epoch=0)
    ]
    # All 64 are sorted together: four neighbours of 0..63 each.
    assert spreads == [3] * 16


def test_the_learning_rate_rises_and_falls_to_a_tenth():
    rates = [learning_rate(step, 12, 2, 1.0) for step in range(13)]
    assert rates[:3] == [0.5, 1.0, 1.0]
    # 0.1 + 0.9 * (12 - 7) / 10
    assert rates[7] == pytest.approx(0.55)
    assert rates[12] == pytest.approx(0.1)
    assert learning_rate(20, 12, 2, 1.0) == pytest.approx(0.1)
    assert learning_rate(0, 12, 0, 2.0) == 2.0
