"""The table of an emotion recogniser's scores."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecr_engine.training.emotion import EmotionFit, EmotionTraining
from ecr_engine.training.emotion_report import EmotionReport, confusion, scores
from ecrctl.ui.emotion_view import show_training

LABELS = ("like", "surprise")
TRUTH = [("like",), ("like",)]


@pytest.fixture
def training() -> EmotionTraining:
    found = [("like",), ("surprise",)]
    return EmotionTraining(
        folder=Path("out"),
        encoder="minilm-l6",
        fingerprint="f" * 64,
        train=20,
        dev=2,
        fit=EmotionFit(4, 1, 0.5, (0.5, 0.5), 1.0),
        report=EmotionReport(
            texts=2,
            trained=scores("trained", TRUTH, found, LABELS),
            lexical=scores("lexical", TRUTH, found, LABELS),
            majority=scores("always like", TRUTH, TRUTH, LABELS),
            not_covered=("nostalgia",),
            confusion=confusion(TRUTH, found, LABELS),
        ),
    )


def test_a_label_without_a_text_has_no_score(training, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    show_training(training, as_json=False)
    out = capsys.readouterr().out
    lines = [line.split() for line in out.splitlines()[1:4]]
    # Of the two texts that show it, one is found: precision 1, recall 1/2, F1 2/3.
    assert lines[0] == ["like", "1.000", "0.500", "0.667", "2", "0.667", "1.000"]
    assert lines[1] == ["surprise", "–", "–", "–", "0", "–", "–"]
    assert lines[2] == ["macro", "1.000", "0.500", "0.667", "2", "0.667", "1.000"]
    assert "surprise: no text of the test split shows it, and it is not averaged in" in out
    assert "like: no text" not in out
