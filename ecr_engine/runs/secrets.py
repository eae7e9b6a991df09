"""Takes secrets out of what is written into files or sent: keys, tokens and passwords.

A secret is recognised by its form (the prefixes that services give their keys, a password in a URL, the value behind
`api_key=`), or because the environment holds it under a name that ends like that of a secret.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

HIDDEN = "***"
"""What stands in the place of a secret."""

_LEAST = 12
"""A value of the environment with fewer characters is no key, and may stand anywhere by chance."""

_NAMES = re.compile(r"(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)$", re.IGNORECASE)

_FORMS = (
    # user:password@ and token@ before a host
    (re.compile(r"(?<=://)[^/\s\"'@]+(?=@)"), HIDDEN),
    # keys of OpenAI, Anthropic, Hugging Face, GitHub, GitLab, Slack, Google, AWS and wandb
    (
        re.compile(
            r"\b(?:sk-|hf_|gh[opsu]_|github_pat_|glpat-|xox[abpr]-|AIza|wandb_v\d_|local-(?=[0-9a-f]{40}))"
            r"[A-Za-z0-9_\-]{12,}|\bAKIA[A-Z0-9]{16}\b"
        ),
        HIDDEN,
    ),
    (
        re.compile(
            r"((?:^|[^A-Za-z])(?:api[_-]?key|access[_-]?token|auth[_-]?token|token|secret|password|passwd)"
            r"(?:\s*=\s*|%3D)[\"']?)[^\s\"'&,;]+",
            re.IGNORECASE,
        ),
        rf"\g<1>{HIDDEN}",
    ),
)


def without_secrets(value: Any, environ: Mapping[str, str] | None = None) -> Any:
    """A value without the secrets in its texts.

    Args:
        value: a text, or JSON values with texts in them; keys of mappings are looked at too.
        environ: the environment; the process's own if None.

    Returns:
        The same kind of value; tuples become lists.
    """
    known = _known(os.environ if environ is None else environ)
    return _hidden(value, known)


def text_without_secrets(text: str, environ: Mapping[str, str] | None = None) -> str:
    """A text without the secrets in it.

    Args:
        text: any text.
        environ: the environment; the process's own if None.
    """
    return _hidden_text(text, _known(os.environ if environ is None else environ))


def _known(environ: Mapping[str, str]) -> list[str]:
    """The secrets of the environment, the longest first: one may be a part of another."""
    found = {value.strip() for name, value in environ.items() if _NAMES.search(name)}
    return sorted((value for value in found if len(value) >= _LEAST), key=len, reverse=True)


def _hidden(value: Any, known: list[str]) -> Any:
    match value:
        case str():
            return _hidden_text(value, known)
        case Mapping():
            return {_hidden(key, known): _hidden(each, known) for key, each in value.items()}
        case list() | tuple():
            return [_hidden(each, known) for each in value]
        case _:
            return value


def _hidden_text(text: str, known: list[str]) -> str:
    for secret in known:
        text = text.replace(secret, HIDDEN)
    for form, instead in _FORMS:
        text = form.sub(instead, text)
    return text
