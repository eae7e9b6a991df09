"""Models as people read them."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ecrctl.ui.console import results
from ecrctl.ui.document import print_document
from ecrctl.ui.numbers import size
from ecrctl.ui.tables import Column, facts, show

if TYPE_CHECKING:
    from ecr_engine.models.pulling import Pulled, PullPlan
    from ecr_engine.models.registry import ModelInfo
    from ecr_engine.models.store import Stored


def show_list(*, as_json: bool) -> None:
    """Prints all registered models, and where the store is."""
    from ecr_engine.models.registry import MODELS
    from ecr_engine.models.store import store_folder

    if as_json:
        print_document([_document(model) for model in MODELS])
        return
    columns = (
        Column("name"),
        Column("use"),
        Column("size", right=True),
        Column("here"),
        Column("what", folds=True),
        Column("source", spare=1),
    )
    rows = [(m.name, ", ".join(m.uses), m.size, _here(m), m.what, m.source) for m in MODELS]
    console = results()
    show(console, columns, rows)
    console.print()
    facts(console, [("store", str(store_folder())), ("get one", "ecrctl model pull NAME")])


def show_one(model: ModelInfo, *, as_json: bool) -> None:
    """Prints one registered model."""
    from ecr_engine.models.store import read_stored

    if as_json:
        print_document(_document(model))
        return
    pairs = [
        ("name", model.name),
        ("what", model.what),
        ("use", ", ".join(model.uses)),
        ("size", model.size),
        ("source", model.source),
    ]
    stored = read_stored(model.name)
    facts(results(), [*pairs, *(_stored_facts(stored) if stored is not None else _how_to_get(model))])


def show_plan(plan: PullPlan, *, as_json: bool) -> None:
    """Prints what a pull would do."""
    if as_json:
        print_document(plan)
        return
    state = "there already; --force gets it again" if plan.was_there else "not there yet"
    facts(
        results(),
        [("model", plan.name), ("from", f"{plan.way}: {plan.origin}"), ("to", str(plan.folder)), ("now", state)],
    )


def show_pulled(pulled: Pulled, *, as_json: bool) -> None:
    """Prints what came of a pull, and how the model is used."""
    from ecr_engine.models.registry import Use, find

    stored = pulled.stored
    if as_json:
        print_document({**_stored_document(stored), "was_there": pulled.was_there})
        return
    model = find(stored.name)
    assert model is not None, stored.name
    known = "there already, every file checked" if pulled.was_there else "pulled, every file hashed"
    uses = {
        Use.BACKBONE: f"ecrctl run --backbone {stored.name}",
        Use.JUDGE: f"ecrctl run --set judge.name={stored.name}",
        Use.ENCODER: f"ecrctl run --set critic.encoder={stored.name}",
    }
    facts(
        results(), [("model", stored.name), ("state", known), *_stored_facts(stored), ("use it", uses[model.uses[0]])]
    )


def _here(model: ModelInfo) -> str:
    from ecr_engine.models.registry import BUILT_HERE
    from ecr_engine.models.store import stored_folder

    if model.source == BUILT_HERE:
        return "built"
    return "yes" if stored_folder(model.name) is not None else "no"


def _stored_facts(stored: Stored) -> list[tuple[str, str]]:
    return [("from", stored.origin), ("folder", str(stored.folder)), ("on disk", size(stored.size))]


def _how_to_get(model: ModelInfo) -> list[tuple[str, str]]:
    from ecr_engine.models.registry import BUILT_HERE

    return [] if model.source == BUILT_HERE else [("get it", f"ecrctl model pull {model.name}")]


def _document(model: ModelInfo) -> dict[str, Any]:
    from ecr_engine.models.store import read_stored

    stored = read_stored(model.name)
    return {**asdict(model), "stored": None if stored is None else _stored_document(stored)}


def _stored_document(stored: Stored) -> dict[str, Any]:
    return {
        "name": stored.name,
        "folder": stored.folder,
        "origin": stored.origin,
        "sha256": stored.sha256,
        "bytes": stored.size,
        "files": stored.files,
    }
