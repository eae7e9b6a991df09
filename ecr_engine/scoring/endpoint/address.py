"""Addresses of endpoints, `openai:URL#MODEL`, and the key that goes with them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from ecr_engine.errors import UsageError
from ecr_engine.scoring.judge import ENDPOINT

KEY = "OPENAI_API_KEY"
"""The environment variable with the key; a server on this machine needs none."""

PATH = "/chat/completions"
EXAMPLE = "openai:http://127.0.0.1:8000/v1#MODEL"

_VERSION = re.compile(r"-\d{4}(-\d{2}-\d{2})?|:latest")
"""What servers put behind a model's name: a date, or the tag that stands for no tag."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a judge is.

    Attributes:
        name: the address as it was typed.
        base: its URL, without a slash at the end.
        model: the model's name there.
    """

    name: str
    base: str
    model: str

    @property
    def url(self) -> str:
        """Where questions go."""
        return self.base + PATH

    def is_its_model(self, answered: str) -> bool:
        """Whether an answer that says it is from the model `answered` is from ours."""
        ours, theirs = (name.lower().rpartition("/")[2] for name in (self.model, answered))
        return theirs == ours or (theirs.startswith(ours) and bool(_VERSION.fullmatch(theirs[len(ours) :])))


def parse_address(name: str) -> Endpoint:
    """The endpoint of an address.

    Raises:
        UsageError: it is none, or holds a password or a query, which would end up in files.
    """
    url, _, model = name.removeprefix(ENDPOINT).partition("#")
    fix = f"write {EXAMPLE}"
    try:
        parts = urlsplit(url)
        well_formed = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        well_formed = False
    if not well_formed:
        raise UsageError("the endpoint's address is no http or https URL", at="judge.name", fix=fix)
    if parts.username is not None or parts.password is not None or parts.query:
        raise UsageError(
            "the endpoint's address holds a user, a password or a query, and names of judges are written into files",
            at="judge.name",
            fix=f"put the key into the environment variable {KEY}, and {fix}",
        )
    if not model.strip():
        raise UsageError(f"the endpoint '{name}' names no model", at="judge.name", fix=fix)
    return Endpoint(name, url.rstrip("/").removesuffix(PATH).rstrip("/"), model)


def key_of(environ: Mapping[str, str] = os.environ) -> str:
    """The key, or an empty text.

    Raises:
        UsageError: it can't be sent in a header.
    """
    key = environ.get(KEY, "").strip()
    if not (key.isascii() and key.isprintable()):
        raise UsageError("the key holds characters that no key has", at=KEY, fix=f"set {KEY} anew")
    return key
