"""What names, files and models may hold is never obeyed by the terminal that it is printed on."""

from __future__ import annotations

import pytest
from chat_runs import bare_run
from rich.table import Table
from rich.text import Text

from ecrctl.completion import runs
from ecrctl.ui.console import results, say

EVIL = "a\x1b]0;owned\x07b\x1b[2Jc\x9b31md\u202ee"
HARMLESS = "a]0;ownedb[2Jc31mde"


def test_text_in_whatever_shape(capsys) -> None:
    drawn = Table.grid()
    drawn.add_row(EVIL)
    for each in (EVIL, Text(EVIL), drawn):
        results().print(each)
    say(EVIL)
    assert [line.rstrip() for line in capsys.readouterr().out.splitlines()] == [HARMLESS] * 4


def test_its_own_colours_stay(monkeypatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("COLORTERM", raising=False)
    drawn = results()
    with drawn.capture() as caught:
        drawn.print(Text("x\x1b[2Jy", "red"))
    assert caught.get() == "\x1b[31mx[2Jy\x1b[0m\n"


def test_a_file_with_escapes_in_its_keys(ecrctl, tmp_path) -> None:
    (tmp_path / "evil.toml").write_text('[profile]\nsummary = "a"\nwhen = "b"\n[ppo]\n"\\u001b[2Jx" = 1\n')
    finished = ecrctl("profile", "validate", "evil.toml")
    assert finished.code == 2
    assert "unknown setting 'ppo.[2Jx'" in finished.err + finished.out
    assert "\x1b" not in finished.err + finished.out


def test_a_run_with_escapes_in_its_name(ecrctl, tmp_path) -> None:
    bare_run(tmp_path / "runs" / "e\x1b[31mvil")
    finished = ecrctl("runs", "list")
    assert finished.code == 0
    assert "e[31mvil" in finished.out
    assert "\x1b" not in finished.out


@pytest.mark.parametrize("name", ["e\x1b[31mvil", "two\nlines"], ids=["escape", "line end"])
def test_such_a_run_is_not_offered_to_the_shell(tmp_path, monkeypatch, name) -> None:
    monkeypatch.chdir(tmp_path)
    bare_run(tmp_path / "runs" / name)
    bare_run(tmp_path / "runs" / "Grüße an alle")
    assert runs("runs/") == ["runs/Grüße an alle"]
