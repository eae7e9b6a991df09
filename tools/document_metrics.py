"""Writes docs/metrics.md from the registry of metrics.

python tools/document_metrics.py
"""

from __future__ import annotations

from pathlib import Path

from ecr_engine.evaluation.metric_docs import metrics_document

PAGE = Path(__file__).parents[1] / "docs" / "metrics.md"

if __name__ == "__main__":
    PAGE.write_text(metrics_document(), encoding="utf-8")
