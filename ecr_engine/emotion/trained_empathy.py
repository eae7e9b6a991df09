"""The empathy recogniser that `ecrctl train empathy` makes: a bi-encoder, and the rules where it was not trained."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from ecr_engine.data.schema import SLOT
from ecr_engine.emotion.empathy import EMPATHY_RECOGNISERS, EmpathyLevels, EmpathyRecogniser
from ecr_engine.emotion.epitome import MECHANISMS
from ecr_engine.errors import DataError
from ecr_engine.models.bi_encoder import BiEncoder, load_bi_encoder

BATCH = 32
"""Pairs in one forward pass."""

MOVIE = "the movie"
"""What stands for a slot in the texts that the model reads: it was trained on plain English."""

FALLBACK = "lexical"
"""The recogniser of a mechanism that the model was not trained for."""


class TrainedEmpathyRecogniser:
    """Grades responses with a bi-encoder.

    Args:
        name: what it is called: its folder.
        model: the bi-encoder, where it is to run.
        fallback: grades the mechanisms that the model has no head for.
    """

    def __init__(self, name: str, model: BiEncoder, fallback: EmpathyRecogniser) -> None:
        self.name = name
        self.mechanisms = model.facts.mechanisms
        self._model = model.eval()
        self._fallback = fallback
        self.explanation = _explanation(model.facts.base, self.mechanisms, fallback.name)

    def levels(self, pairs: Sequence[tuple[str, str]]) -> list[EmpathyLevels]:
        """The grades of each pair; a response without words has none of the mechanisms."""
        untrained = len(self.mechanisms) < len(MECHANISMS)
        columns = {name: [0] * len(pairs) for name in MECHANISMS}
        if untrained:
            for place, found in enumerate(self._fallback.levels(pairs)):
                for name in MECHANISMS:
                    columns[name][place] = found._asdict()[name]
        spoken = [place for place, (_, response) in enumerate(pairs) if response.strip()]
        grades = predict(self._model, [pairs[place] for place in spoken])
        for column, name in enumerate(self.mechanisms):
            columns[name] = [0] * len(pairs)
            for place, row in zip(spoken, grades, strict=True):
                columns[name][place] = row[column]
        return [EmpathyLevels(*row) for row in zip(*(columns[name] for name in MECHANISMS), strict=True)]


@torch.no_grad()
def predict(model: BiEncoder, pairs: Sequence[tuple[str, str]]) -> list[tuple[int, ...]]:
    """The likeliest level of each mechanism that the model has a head for; pairs of like length go together.

    Args:
        model: the bi-encoder; it is put into evaluation mode.
        pairs: a seeker's text and a response, movies as slots.

    Returns:
        For each pair a level for each of `model.facts.mechanisms`.
    """
    model.eval()
    device = next(model.parameters()).device
    texts = [(seeker.replace(SLOT, MOVIE), response.replace(SLOT, MOVIE)) for seeker, response in pairs]
    order = sorted(range(len(texts)), key=lambda place: len(texts[place][0]) + len(texts[place][1]))
    found: dict[int, tuple[int, ...]] = {}
    for start in range(0, len(order), BATCH):
        batch = order[start : start + BATCH]
        seeker = model.encode([texts[place][0] for place in batch])
        response = model.encode([texts[place][1] for place in batch])
        logits = model(*(tensor.to(device) for tensor in (*seeker, *response)))
        for place, row in zip(batch, logits.argmax(-1).tolist(), strict=True):
            found[place] = tuple(row)
    return [found[place] for place in range(len(pairs))]


def load_empathy_recogniser(folder: Path, device: str = "cpu") -> TrainedEmpathyRecogniser:
    """The recogniser in a folder.

    Args:
        folder: what `ecrctl train empathy` wrote.
        device: where it runs.

    Raises:
        DataError: the folder holds none, or a damaged one.
        UnavailableError: its encoder can't be loaded.
    """
    model = load_bi_encoder(folder)
    unknown = [name for name in model.facts.mechanisms if name not in MECHANISMS]
    if unknown or model.facts.levels != 3:
        raise DataError(
            f"the recogniser grades {', '.join(model.facts.mechanisms)} in {model.facts.levels} levels",
            at=str(folder),
            fix="train it again",
        )
    return TrainedEmpathyRecogniser(str(folder), model.to(device), EMPATHY_RECOGNISERS.build(FALLBACK))


def _explanation(base: str, trained: Sequence[str], fallback: str) -> str:
    told = f"a bi-encoder on {base}, trained for {', '.join(trained)}"
    missing = [name for name in MECHANISMS if name not in trained]
    return f"{told}; not trained for {', '.join(missing)}: graded by '{fallback}'" if missing else told
