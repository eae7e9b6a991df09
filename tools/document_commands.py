"""Writes docs/commands.md from the command tree.

python tools/document_commands.py
"""

from __future__ import annotations

from pathlib import Path

from ecrctl.reference import commands_document

PAGE = Path(__file__).parents[1] / "docs" / "commands.md"

if __name__ == "__main__":
    PAGE.write_text(commands_document(), encoding="utf-8")
