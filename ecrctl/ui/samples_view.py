"""Responses of a run, one under the other, with what each reward component gave for them."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.text import Text

from ecrctl.ui.console import results
from ecrctl.ui.document import print_document
from ecrctl.ui.numbers import number
from ecrctl.ui.parts import folded
from ecrctl.ui.tables import facts

if TYPE_CHECKING:
    from ecr_engine.evaluation.browsing import Picked, Shown, Wish

_LABEL = 13
_INDENT = 2
_WIDEST = 120
_NARROWEST = 20


def show_samples(picked: Picked, wish: Wish, *, whole: bool, as_json: bool) -> None:
    """Prints responses in the order they were picked in.

    Args:
        picked: the responses.
        wish: what was asked for.
        whole: the whole context of each, not only its last turn.
        as_json: as one document.
    """
    if as_json:
        print_document({**_asked(wish), "source": picked.source, "total": picked.total, "samples": picked.shown})
        return
    console = results()
    width = min(console.width, _WIDEST)
    for place, each in enumerate(picked.shown, start=1):
        for row in _rows(place, each, wish, width, whole=whole):
            console.print(row, soft_wrap=True)
        console.print()
    facts(console, _facts(picked, wish))


def _asked(wish: Wish) -> dict[str, object]:
    return {"sort": wish.sort, "ascending": wish.ascending, "emotion": wish.emotion}


def _rows(place: int, each: Shown, wish: Wish, width: int, *, whole: bool) -> Iterator[Text]:
    told = [f"{wish.sort} {_score(each, wish.sort)}"]
    told += [f"reward {_score(each, 'reward')}"] if wish.sort != "reward" else []
    told += [f"update {each.step}"] if each.step is not None else []
    told += [f"turn {each.example_id}", *each.emotions]
    head, *more = folded(" · ".join(told), max(_NARROWEST, width - _INDENT - 4))
    yield Text.assemble((f"{place:>3}  ", "dim"), (head, "bold"))
    for row in more:
        yield Text(f"     {row}", "bold")
    for role, words in each.context if whole else each.context[-1:]:
        yield from _labelled(role, words, width, "")
    yield from _labelled("response", each.response, width, "green")
    yield from _labelled("reference", each.reference, width, "dim")
    scores = " · ".join(f"{name} {_score(each, name)}" for name in each.components if each.scores[name] is not None)
    yield from _labelled("components", scores, width, "dim")


def _labelled(label: str, text: str, width: int, style: str) -> Iterator[Text]:
    indent = " " * _INDENT if width > 2 * _NARROWEST else ""
    room = max(_NARROWEST, width - len(indent) - _LABEL)
    for place, row in enumerate(folded(text, room)):
        yield Text.assemble((f"{indent}{label if not place else '':<{_LABEL}}", "dim"), (row, style))


def _score(each: Shown, name: str) -> str:
    value = each.scores.get(name)
    return "–" if value is None else number(value)


def _facts(picked: Picked, wish: Wish) -> list[tuple[str, str]]:
    order = "lowest" if wish.ascending else "highest"
    which = f" where the seeker shows '{wish.emotion}'" if wish.emotion is not None else ""
    shown = f"{len(picked.shown)} of {picked.matching} samples{which}, the {order} {wish.sort} first"
    pairs = [("shown", shown), ("from", picked.source)]
    if picked.shown:
        names = dict.fromkeys(["reward", "length", *picked.shown[0].components])
        pairs.append(("sort by", ", ".join(names)))
    turned = "" if wish.ascending else " --ascending"
    emotion = f" --emotion {wish.emotion}" if wish.emotion is not None else ""
    source = shlex.quote(picked.source)
    return [*pairs, ("next", f"ecrctl runs show {source} --samples --sort {wish.sort}{emotion}{turned}")]
