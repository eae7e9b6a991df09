"""Flags that say who judges, and how."""

from __future__ import annotations

from ecrctl.flags import GENERAL, SettingFlag
from ecrctl.panels import Panel

JUDGING = (
    SettingFlag("judge", "judge.name", str, "NAME|DIR|openai:URL#MODEL", "The judge.", Panel.WHAT),
    SettingFlag("dimensions", "judge.dimensions", str, "guide|paper", "What is scored.", Panel.WHAT),
    SettingFlag(
        "mode",
        "judge.mode",
        str,
        "expect|generate",
        "Read ratings off the distribution, or have them written.",
        Panel.HOW,
    ),
    SettingFlag("batch_size", "judge.batch_size", int, "N", "Responses a local judge scores at a time.", Panel.HOW),
    SettingFlag(
        "concurrency", "judge.concurrency", int, "N", "Requests to an endpoint that are under way at a time.", Panel.HOW
    ),
    SettingFlag(
        "rpm", "judge.requests_per_minute", int, "N", "Requests to an endpoint in a minute at most.", Panel.HOW
    ),
    SettingFlag("tpm", "judge.tokens_per_minute", int, "N", "Tokens sent to an endpoint in a minute.", Panel.HOW),
    SettingFlag("timeout", "judge.timeout_s", float, "SECONDS", "Time an endpoint has for one answer.", Panel.HOW),
    SettingFlag("retries", "judge.retries", int, "N", "How often a request is sent again.", Panel.HOW),
    *(flag for flag in GENERAL if flag.name == "device"),
)
"""The flags of `ecrctl score run`."""
