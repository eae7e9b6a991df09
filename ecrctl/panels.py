"""The headings under which help lists options and commands."""

from __future__ import annotations

from enum import StrEnum


class Panel(StrEnum):
    """One heading of a help page."""

    WHAT = "What to work on"
    HOW = "How to run it"
    SETTINGS = "Settings"
    GUIDE = "The guide's flags"
    OUTPUT = "Output"
    MAIN = "The whole job"
    STAGES = "One stage of it"
    LOOK = "Looking at results"
    ABOUT = "Settings and models"
