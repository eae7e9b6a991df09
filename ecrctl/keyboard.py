"""Lines that are typed at a terminal, one after the other."""

from __future__ import annotations

from collections.abc import Iterator

from ecrctl.ui.console import note


def typed_lines(prompt: str) -> Iterator[str]:
    """What is typed, line by line, until Ctrl-D; empty lines are left out.

    Ctrl-C clears the line that is being typed. A second one right after it ends.

    Args:
        prompt: stands before each line.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed twice.
    """
    # With this module loaded, lines can be edited and called back, and may be longer than a terminal passes on at once.
    import readline  # noqa: F401

    cleared = False
    while True:
        try:
            text = input(prompt)
        except EOFError:
            # The shell's prompt is not to stand behind ours.
            note("")
            return
        except KeyboardInterrupt:
            note("")
            if cleared:
                raise
            cleared = True
            note("Ctrl-C again ends, and so does /quit")
            continue
        except UnicodeDecodeError:
            note("that was not UTF-8: set the terminal to it, or LANG to a UTF-8 one")
            continue
        cleared = False
        if text.strip():
            yield text
