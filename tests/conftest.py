"""Puts this folder on the path, so that every folder of tests can import `tiny_models`; no pulled model is found."""

from __future__ import annotations

import signal

import pytest


def pytest_configure() -> None:
    """Hears Ctrl-C: a shell starts what runs in the background with it ignored, and every child inherits that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _no_model_store(tmp_path_factory, monkeypatch):
    """Whoever runs the tests may have pulled models: what is found must not depend on that."""
    monkeypatch.setenv("ECR_MODEL_STORE", str(tmp_path_factory.getbasetemp() / "no-models"))
