"""The easy dialogues first: rankings, what is open when, and what is drawn."""

from __future__ import annotations

import math
from collections import Counter

import pytest
import torch
from tiny_models import example, tiny_gpt2, tiny_llama

from ecr_engine.config.sections.curriculum import CurriculumSettings
from ecr_engine.models.response import ResponseModel
from ecr_engine.rl.order import Order, order_of, ranked, response_losses


def never():
    raise AssertionError("the baseline was asked for its losses")


EXAMPLES = (
    example("1:1", "a b c", "d"),
    example("2:1", "a"),
    example("3:1", "a b", "c d", "e f"),
    example("4:1", "a"),
)


def test_equally_difficult_ones_keep_their_order():
    assert ranked([3.0, 1.0, 2.0, 1.0]) == [1, 3, 2, 0]


@pytest.mark.parametrize(
    ("order", "ranking"),
    [
        # Words: 4, 1, 6, 1; turns: 2, 1, 3, 1.
        ("length", [1, 3, 0, 2]),
        ("turns", [1, 3, 0, 2]),
        ("baseline_loss", [3, 2, 1, 0]),
    ],
)
def test_rankings(order, ranking):
    settings = CurriculumSettings(order=order, open=0.4, order_until=0.8)
    losses = (lambda: [4.0, 3.0, 2.0, 1.0]) if order == "baseline_loss" else never
    assert order_of(settings, EXAMPLES, losses) == Order(ranking, 0.4, 0.8)


def test_words_and_turns_are_two_things():
    pair = (example("1:1", "a long first turn"), example("2:1", "a", "b"))
    assert order_of(CurriculumSettings(order="length"), pair, never).ranking == [1, 0]
    assert order_of(CurriculumSettings(order="turns"), pair, never).ranking == [0, 1]


def test_no_order_is_none():
    assert order_of(CurriculumSettings(), EXAMPLES, never) is None


def test_how_much_is_open():
    order = Order(range(10), share=0.2, until=0.5)
    # 0.2 + 0.8 * progress / 0.5 of ten, rounded up.
    assert [order.open_at(progress) for progress in (0.0, 0.1, 0.25, 0.5, 0.9)] == [2, 4, 6, 10, 10]
    assert Order(range(3), share=0.01, until=1.0).open_at(0.0) == 1


def test_early_updates_draw_from_the_easy_part_and_late_ones_from_all():
    # The easiest are 19, 18, …; a fifth of twenty is four.
    order = Order(list(range(19, -1, -1)), share=0.2, until=0.5)
    first = order.draw(4, 0, 7, total=100)
    assert sorted(first) == [16, 17, 18, 19]
    late = [index for step in range(80, 100) for index in order.draw(4, step, 7, total=100)]
    assert set(late) == set(range(20))


def test_nothing_is_drawn_before_it_is_open():
    order = Order(list(range(30)), share=0.1, until=1.0)
    for step in range(60):
        assert max(order.draw(5, step, 3, total=60)) < order.open_at(step / 60)


def test_every_open_example_once_before_any_twice():
    """Passes by hand: with 8 examples, half open at first, batch 3 and 8 updates, all open from progress 0.5."""
    order = Order(list(range(8)), share=0.5, until=0.5)
    stream = [index for step in range(8) for index in order.draw(3, step, 1, total=8)]
    # The pass at position 0 begins in update 0 (4 open), the next at 4 in update 1: 0.5 + 0.5 * 0.125 / 0.5 of 8 = 5;
    # the next at 9 in update 3: 0.5 + 0.5 * 0.375 / 0.5 = 0.875 of 8 = 7; the next at 16 in update 5: all 8.
    for begin, size in ((0, 4), (4, 5), (9, 7), (16, 8)):
        assert sorted(stream[begin : begin + size]) == list(range(size))
    assert len(stream) == 24


def test_with_everything_open_the_draw_is_that_of_no_order():
    from ecr_engine.rl.draw import draw

    order = Order([4, 2, 0, 1, 3, 5, 6], share=1.0, until=1.0)
    for step in range(12):
        assert order.draw(3, step, 5, total=12) == draw(7, 3, step, 5)


def test_the_draw_depends_on_the_step_and_the_seed_alone():
    order = Order(list(range(40)), share=0.3, until=0.5)
    wanted = order.draw(8, 13, 2, total=20)
    assert order.draw(8, 13, 2, total=20) == wanted
    assert order.draw(8, 13, 3, total=20) != wanted


def test_a_batch_larger_than_what_is_open_takes_further_passes():
    order = Order([2, 0, 1], share=0.3, until=1.0)
    assert Counter(order.draw(3, 0, 1, total=100)) == {2: 3}


@pytest.mark.parametrize("build", [tiny_llama, tiny_gpt2])
def test_losses_by_a_plain_loop(build):
    model = build(64)
    prompts = [[5, 6, 7, 8], [9], [4, 5]]
    targets = [[10, 2], [11, 12, 13, 2], [14]]
    found = response_losses(ResponseModel(model), prompts, targets, pad=0, batch_size=2, device=torch.device("cpu"))
    for loss, prompt, target in zip(found, prompts, targets, strict=True):
        logits = model(torch.tensor([prompt + target])).logits[0].double()
        total = 0.0
        for place, token in enumerate(target):
            row = logits[len(prompt) - 1 + place].tolist()
            highest = max(row)
            total += highest + math.log(sum(math.exp(value - highest) for value in row)) - row[token]
        assert loss == pytest.approx(total / len(target), abs=1e-4)
