"""Corpora from their public addresses: downloaded resumably, verified, unpacked safely, checked and counted."""

from __future__ import annotations

from ecr_engine.data.fetch.job import Fetched, FetchedFile, How, Processed, fetch, process_fetched

__all__ = ["Fetched", "FetchedFile", "How", "Processed", "fetch", "process_fetched"]
