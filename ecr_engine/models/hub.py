"""How transformers is kept from talking: its progress bars and load reports would break into ours."""

from __future__ import annotations


def silence_transformers() -> None:
    """Turns off progress bars and all messages below errors; what matters is raised."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()
