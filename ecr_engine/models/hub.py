"""The hub: whether it can be asked, and how its client and transformers are kept from talking."""

from __future__ import annotations

import logging
from pathlib import Path

HUB_SECONDS = 4.0
"""How long the hub may take to say that it is there."""

_CONFIG = "config.json"


def silence_transformers() -> None:
    """Turns off progress bars and all messages below errors; what matters is raised.

    Their progress bars and load reports would break into ours, and the hub's client would tell of every attempt.
    """
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)


def hub_answers(source: str) -> bool:
    """Whether the hub can be asked for a model now: its own client tries for half a minute before it gives up."""
    import httpx
    from huggingface_hub import hf_hub_url, is_offline_mode

    if is_offline_mode():
        return False
    try:
        answer = httpx.head(hf_hub_url(source, _CONFIG), timeout=HUB_SECONDS)
    except httpx.HTTPError:
        return False
    return not answer.is_server_error


def out_of_reach(source: str) -> str | None:
    """Why a model can't be had, in words; None for a folder, a model in the hub's cache, or one to ask the hub for.

    Args:
        source: a folder or a hub id.
    """
    from huggingface_hub import hf_hub_url, try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    if Path(source).is_dir():
        return None
    try:
        hf_hub_url(source, _CONFIG)
        cached = isinstance(try_to_load_from_cache(source, _CONFIG), str)
    except HFValidationError:
        return "it is no registered name, no folder and no hub id"
    if cached or hub_answers(source):
        return None
    return f"'{source}' is no folder and not in the hub's cache, and the hub can't be reached"
