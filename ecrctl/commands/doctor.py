"""`ecrctl doctor`: what this machine has, what is missing, and the command that mends it."""

from __future__ import annotations

from ecrctl.options import Output


def doctor(output: Output) -> None:
    """Look at this machine: what is there, what is missing, and the command that mends it.

    Exits with 5 if something is missing that the product can't do without.

    Examples:
        ecrctl doctor
        ecrctl doctor --json
    """
    from ecr_engine.models.doctor import examine
    from ecrctl.ui import doctor_view

    doctor_view.show_findings([*examine(), doctor_view.terminal()], as_json=output.json)
