"""The built-in corpus: seeded, invented dialogues in ReDial's raw format, so that a fresh machine needs no data."""

from __future__ import annotations

from ecr_engine.data.sample.writer import write_sample

__all__ = ["write_sample"]
