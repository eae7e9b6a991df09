"""Scores as a model writes them: one JSON object of ratings, held to its form (see `form`)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ecr_engine.scoring.local.form import Form
from ecr_engine.scoring.local.loading import LocalModel
from ecr_engine.scoring.local.prompts import Case, Prompts
from ecr_engine.scoring.local.sharing import SharedReader


class Writing:
    """Has a model write its ratings.

    Args:
        local: the model.
        prompts: encodes what it reads.
        form: what it may write.
    """

    def __init__(self, local: LocalModel, prompts: Prompts, form: Form) -> None:
        self._prompts = prompts
        self._form = form
        self._reader = SharedReader(local, prompts.task)

    def write(self, cases: Sequence[Case]) -> list[str | None]:
        """The JSON text for each case; None where the model's logits are not finite."""
        shared = self._reader.read([case.ids for case in cases])
        ids = torch.tensor(self._prompts.json_question(), device=shared.mask.device).expand(len(cases), -1)
        texts: list[str | None] = [""] * len(cases)
        while any(self._goes_on(text) for text in texts):
            shared, logits = self._reader.go_on(shared, ids)
            # Rows that have ended are read on with any token: what it gives is not looked at.
            chosen = [0] * len(cases)
            for row, text in enumerate(texts):
                if text is not None and self._goes_on(text):
                    token = self._choose(logits[row], len(text))
                    texts[row] = None if token is None else text + self._form.text(token)
                    chosen[row] = token or 0
            ids = torch.tensor(chosen, device=ids.device).unsqueeze(-1)
        return texts

    def _goes_on(self, text: str | None) -> bool:
        return text is not None and len(text) < self._form.length

    def _choose(self, logits: Tensor, written: int) -> int | None:
        """The likeliest token that may follow so many characters; None if the logits say nothing."""
        allowed = self._form.allowed(written)
        found = logits[list(allowed)]
        return allowed[int(found.argmax())] if bool(torch.isfinite(found).all()) else None
