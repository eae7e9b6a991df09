"""The component `relevance`: built from a corpus, kept in a file, exact about what is missing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from processed_data import write_processed
from reward_dialogues import example, examples, sample

from ecr_engine.data.schema import Sample
from ecr_engine.data.store import read_summary, write_summary
from ecr_engine.errors import EcrError
from ecr_engine.rewards.component import COMPONENTS
from ecr_engine.rewards.components import relevance
from ecr_engine.rewards.composition import Composer
from ecr_engine.rewards.relevance import storage
from ecr_engine.rewards.resources import Resources


@pytest.fixture(scope="module")
def fitted(sample_corpus, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("run") / "rewards"
    COMPONENTS.build("relevance", Resources(corpus=sample_corpus, fitted=folder))
    return folder


def problem(caught):
    (found,) = caught.value.problems
    return found.what, found.at, found.fix


def test_a_kept_model_scores_exactly_as_the_fitted_one(sample_corpus, fitted):
    fresh = COMPONENTS.build("relevance", Resources(corpus=sample_corpus))
    kept = relevance.Relevance(storage.load(fitted, read_summary(sample_corpus).fingerprint))
    batch = [Sample(one, one.target, True, 10) for one in examples()]
    assert fresh.score(batch) == kept.score(batch)
    assert [path.name for path in fitted.iterdir()] == ["relevance.safetensors"]


def test_a_sample_depends_on_itself_alone_and_not_on_the_reference(sample_corpus, fitted):
    component = COMPONENTS.build("relevance", Resources(corpus=sample_corpus, fitted=fitted))
    batch = [Sample(one, one.target, True, 10) for one in examples()]
    blind = [replace(one, example=replace(one.example, target="")) for one in batch]
    assert component.score(batch) == [component.score([one])[0] for one in batch] == component.score(blind)


def test_an_opening_turn_has_a_score(sample_corpus, fitted):
    component = COMPONENTS.build("relevance", Resources(corpus=sample_corpus, fitted=fitted))
    opening = replace(example("hi"), context=())
    greeting, goodbye = component.score(
        [
            Sample(opening, text, True, 9)
            for text in ("Hello! What are you in the mood for?", "Goodbye! Enjoy the movie!")
        ]
    )
    assert greeting > 2 * goodbye


def test_the_kept_model_is_not_fitted_again(sample_corpus, fitted, monkeypatch):
    monkeypatch.setattr(relevance, "_fitted", None)  # calling it would raise
    assert COMPONENTS.build("relevance", Resources(corpus=sample_corpus, fitted=fitted)).name == "relevance"


def test_the_model_of_another_corpus_or_version_is_not_taken(sample_corpus, fitted, monkeypatch):
    fingerprint = read_summary(sample_corpus).fingerprint
    assert storage.load(fitted, fingerprint) is not None
    assert storage.load(fitted, "another") is None
    monkeypatch.setattr(storage, "FORMAT", "ecr-relevance/0")
    assert storage.load(fitted, fingerprint) is None


def test_a_changed_corpus_is_fitted_again_and_replaces_the_file(sample_corpus, fitted, tmp_path, monkeypatch):
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(sample_corpus, copy)
    write_summary(copy, replace(read_summary(copy), fingerprint="changed"))
    kept = tmp_path / "kept"
    shutil.copytree(fitted, kept)
    monkeypatch.setattr(relevance, "_fitted", lambda corpus, fingerprint: storage.load(fitted, "x") or model)
    model = storage.load(fitted, read_summary(sample_corpus).fingerprint)
    COMPONENTS.build("relevance", Resources(corpus=copy, fitted=kept))
    assert storage.load(kept, "changed") is not None


def test_it_says_where_a_response_stands(sample_corpus, fitted):
    component = COMPONENTS.build("relevance", Resources(corpus=sample_corpus, fitted=fitted))
    assert component.explain(sample("")) == "no words"
    told = component.explain(sample("sorry " * 10, last="Hello!"))
    assert told == "fits as well as the reply that 0% of people's fall below"


def test_without_a_corpus_it_applies_to_nothing_and_says_what_to_give():
    component = COMPONENTS.build("relevance", Resources())
    assert component.score([sample("Hello!"), sample("")]) == [None, None]
    told = "no processed dialogues to learn from (name a run that has data: --run DIR)"
    assert component.explain(sample("Hello!")) == told
    assert (component.name, component.low, component.high) == ("relevance", 0.0, 1.0)


def test_a_corpus_of_a_few_replies_is_nothing_to_learn_from(tmp_path):
    corpus = write_processed(tmp_path / "p")  # three replies
    component = COMPONENTS.build("relevance", Resources(corpus=corpus, fitted=tmp_path / "kept"))
    assert component.score([sample("Hello!")]) == [None]
    assert component.explain(sample("Hello!")) == "the training split has fewer than 20 replies to learn from"
    assert not (tmp_path / "kept").exists()


def test_where_it_applies_to_nothing_it_gates_nothing():
    batch = [sample("Oh, I love that one too!")]
    weights = {"empathy": 2.0, "distinct": 0.5}
    assert Composer({**weights, "relevance": 1.5}).score(batch).total == Composer(weights).score(batch).total


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda content: content[:100], "it can't be read"),
        (lambda content: b"", "it can't be read"),
        (lambda content: content.replace(b'"relevance"', b'"relevancy"', 1), "it can't be read"),
    ],
)
def test_a_damaged_file_is_an_error_that_names_it(sample_corpus, fitted, tmp_path, spoil, why):
    path = tmp_path / "relevance.safetensors"
    path.write_bytes(spoil((fitted / "relevance.safetensors").read_bytes()))
    with pytest.raises(EcrError) as caught:
        COMPONENTS.build("relevance", Resources(corpus=sample_corpus, fitted=tmp_path))
    assert problem(caught) == (
        f"the fitted relevance model is damaged: {why}",
        str(path),
        "remove the file; it is fitted again",
    )


def test_a_model_with_what_is_no_number_is_damaged(sample_corpus, fitted, tmp_path):
    fingerprint = read_summary(sample_corpus).fingerprint
    model = storage.load(fitted, fingerprint)
    weights = model.weights.copy()
    weights[3] = np.nan
    storage.save(tmp_path, replace(model, weights=weights), fingerprint)
    with pytest.raises(EcrError) as caught:
        storage.load(tmp_path, fingerprint)
    assert problem(caught)[0] == "the fitted relevance model is damaged: it holds what is no number"


def test_tables_of_another_size_are_damaged(sample_corpus, fitted, tmp_path):
    fingerprint = read_summary(sample_corpus).fingerprint
    model = storage.load(fitted, fingerprint)
    storage.save(tmp_path, replace(model, weights=model.weights[:-1]), fingerprint)
    with pytest.raises(EcrError) as caught:
        storage.load(tmp_path, fingerprint)
    assert problem(caught)[0] == "the fitted relevance model is damaged: its tables have another size"


def test_a_folder_that_can_not_be_made_is_an_error(sample_corpus, fitted, tmp_path):
    (tmp_path / "file").write_text("")
    model = storage.load(fitted, read_summary(sample_corpus).fingerprint)
    with pytest.raises(EcrError) as caught:
        storage.save(tmp_path / "file" / "rewards", model, "x")
    assert problem(caught) == (
        "the fitted relevance model can't be written: Not a directory",
        str(tmp_path / "file" / "rewards" / "relevance.safetensors"),
        "give a run folder you can write to",
    )
