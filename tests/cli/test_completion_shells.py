"""Offered names as bash and zsh take them: what is typed after Tab is one word, and the name itself."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ecrctl.completion_shells import bash_line

NAMES = ("my run", "it's", "a$b", "st*r", "semi;x", 'qu"ote', "back\\slash", "two  blanks", "ünï")
READ_S = 60.0


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in NAMES:
        (tmp_path / "runs" / name / "policy" / "checkpoints" / "step-000010").mkdir(parents=True)
        (tmp_path / "runs" / name / "run.json").write_text("{}")


@pytest.mark.parametrize(
    ("words", "value", "reply"),
    [
        ("ecrctl runs show runs/m", "runs/my run", r"runs/my\ run"),
        (r"ecrctl runs show runs/my\ r", "runs/my run", r"runs/my\ run"),
        ("ecrctl runs show 'runs/i", "runs/it's", r"runs/it'\''s"),
        ('ecrctl runs show "runs/a', "runs/a$b", r"runs/a\$b"),
        ("ecrctl runs show runs/s", "runs/st*r", r"runs/st\*r"),
        ("ecrctl checkpoint show runs/demo : po", "runs/demo:policy", "policy"),
        ("ecrctl checkpoint show runs/demo :", "runs/demo:policy", "policy"),
        ("ecrctl checkpoint show runs/demo : policy @ b", "runs/demo:policy@best", "@best"),
        ("ecrctl run --set device = c", "device=cuda", "cuda"),
        ("ecrctl run --set = device = c", "device=cuda", "cuda"),
    ],
)
def test_what_bash_is_told(words, value, reply) -> None:
    # As bash tells the words: each on a line of its own, cut at its breaks, the quotes still on them.
    pieces = re.split(r"(?<!\\) ", words)
    assert bash_line("\n".join(pieces), len(pieces) - 1).reply(value) == reply


def test_the_words_that_bash_cut_are_put_together() -> None:
    line = bash_line("ecrctl\ncheckpoint\ndiff\nruns/a\n:\npolicy\n@\nbest\nruns/my\\ run\n:\npo", 10)
    assert line.before == ["checkpoint", "diff", "runs/a:policy@best"]
    assert line.word == "runs/my run:po"


def test_a_new_word_is_empty() -> None:
    line = bash_line("ecrctl\nruns\nshow\n", 3)
    assert (line.before, line.word, line.reply("runs/my run")) == (["runs", "show"], "", r"runs/my\ run")


@pytest.mark.parametrize(
    ("typed", "evaluated"),
    [
        ("ecrctl runs show runs/m", r"_arguments '*: :(($'\''runs/my\x20run'\''))'"),
        ("ecrctl runs show runs/i", r"_arguments '*: :(($'\''runs/it\x27s'\''))'"),
        (r"ecrctl checkpoint show runs/my\ run:p", r"_arguments '*: :(($'\''runs/my\x20run\x5c:policy'\''))'"),
        ("ecrctl run --set=device=cu", r"_arguments '*: :(($'\''--set=device=cuda'\''))'"),
        ("ecrctl runs show nothing-of-that-name", "_files"),
    ],
)
def test_what_zsh_is_told(typed, evaluated) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ecrctl"],
        env={**os.environ, "_ECRCTL_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": typed},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout.strip(), done.stderr) == (evaluated, "")


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        (r"ecrctl runs show runs/my\ r", "runs/my run"),
        ("ecrctl runs show runs/st", "runs/st*r"),
        (r"ecrctl checkpoint show runs/my\ run:policy@b", "runs/my run:policy@best"),
        ("ecrctl run --set=device=cu", "--set=device=cuda"),
    ],
)
def test_what_fish_is_told(typed, offered) -> None:
    asked = {"_TYPER_COMPLETE_ARGS": typed, "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    done = subprocess.run(
        [sys.executable, "-m", "ecrctl"],
        env={**os.environ, "_ECRCTL_COMPLETE": "complete_fish", **asked},
        capture_output=True,
        text=True,
        check=False,
    )
    # fish quotes them itself.
    assert (done.stdout.strip(), done.stderr) == (offered, "")


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_a_real_bash_takes_them(tmp_path) -> None:
    typed = [f"runs/{name[:2]}" if name[1] not in "'$" else f"runs/{name[0]}" for name in NAMES]
    lines = [f"ecrctl runs show {word}" for word in typed]
    lines += ["ecrctl checkpoint show runs/my\\ run:po", "ecrctl checkpoint show runs/my\\ run:policy@b"]
    lines += ["ecrctl run --set device=cu"]
    expected = [["runs", "show", f"runs/{name}"] for name in NAMES]
    expected += [["checkpoint", "show", "runs/my run:policy"], ["checkpoint", "show", "runs/my run:policy@best"]]
    expected += [["run", "--set", "device=cuda"]]
    assert _completed(tmp_path, lines) == expected


def _completed(folder: Path, lines: list[str]) -> list[list[str]]:
    """What a command gets as its words where a line is typed, Tab pressed, and then Enter."""
    scripts = folder / "bin"
    scripts.mkdir()
    taken = folder / "taken"
    command = scripts / "ecrctl"
    command.write_text(
        "#!/bin/bash\n"
        f'if [ -n "$_ECRCTL_COMPLETE" ]; then exec "{sys.executable}" -m ecrctl "$@"; fi\n'
        f'printf "%s\\0" "$@" >> "{taken}"; printf "\\n" >> "{taken}"\n'
    )
    command.chmod(0o755)
    child, terminal = pty.fork()
    if child == 0:
        os.environ.update(PATH=f"{scripts}:{os.environ['PATH']}", TERM="dumb", HISTFILE="", PS1="$ ")
        os.execvp("bash", ["bash", "--norc", "--noprofile", "-i"])
    try:
        os.write(terminal, b'eval "$(_ECRCTL_COMPLETE=source_bash ecrctl)"; echo rea""dy\n')
        _wait(terminal, lambda said: b"ready" in said.replace(b'rea""dy', b""))
        for place, line in enumerate(lines, start=1):
            os.write(terminal, line.encode() + b"\t\n")
            _wait(terminal, lambda _, place=place: taken.exists() and taken.read_bytes().count(b"\n") == place)
    finally:
        os.write(terminal, b"\x15exit\n")
        os.close(terminal)
        os.waitpid(child, 0)
    return [row.rstrip("\0").split("\0") for row in taken.read_text(encoding="utf-8").splitlines()]


def _wait(terminal: int, done) -> None:
    said = b""
    end = time.monotonic() + READ_S
    while not done(said):
        assert time.monotonic() < end, said.decode(errors="replace")
        if select.select([terminal], [], [], 0.05)[0]:
            said += os.read(terminal, 65536)
