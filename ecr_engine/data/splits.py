"""Which split a training dialogue goes to where a source lacks one."""

from __future__ import annotations

import hashlib

from ecr_engine.data.schema import Split


def assign(conversation_id: str, split_off: dict[Split, float]) -> Split:
    """The split of a training dialogue, by a hash of its id: it stays where it is when others come, go or move.

    Validation takes the top of the hash's range and test its bottom, so that neither moves when the other's share does.

    Args:
        conversation_id: the dialogue's id.
        split_off: the shares to be set apart, in [0, 1), their sum below 1.
    """
    place = place_of(conversation_id)
    if place < split_off.get(Split.TEST, 0.0):
        return Split.TEST
    if place >= 1 - split_off.get(Split.VALID, 0.0):
        return Split.VALID
    return Split.TRAIN


def place_of(name: str) -> float:
    """Where a name falls in [0, 1), by its SHA-256: even over many names, and always the same for one."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) / 2**64
