"""`docs/metrics.md` says what the registry says."""

from __future__ import annotations

from pathlib import Path

from ecr_engine.evaluation.metric import METRICS
from ecr_engine.evaluation.metric_docs import metrics_document

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"


def test_the_page_is_not_stale():
    assert PAGE.read_text(encoding="utf-8") == metrics_document(), "python tools/document_metrics.py makes it again"


def test_every_metric_is_on_it_with_range_and_direction():
    text = metrics_document()
    lines = [line for line in text.splitlines() if line.startswith("- `")]
    for name in METRICS.names():
        assert any(f"`{name}`" in line for line in lines), name
    assert "- `bleu@3` (name `bleu_3`): 0 to 1, higher is better" in lines
    assert "- `perplexity`: 1 or more, lower is better" in lines
    assert "METEOR" in text and "WordNet" in text
