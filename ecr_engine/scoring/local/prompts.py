"""Prompts as token ids in three parts, so that what is shared is encoded, and read, once.

task | case | question: the parts are encoded apart and joined as ids. So a prompt has the same ids whether its parts
are read at once or one after the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ecr_engine.data.schema import SLOT, Turn
from ecr_engine.errors import UnavailableError
from ecr_engine.scoring.dimensions import Dimension, DimensionSet
from ecr_engine.scoring.local.loading import LocalModel
from ecr_engine.scoring.local.scale import Scale, read_scale
from ecr_engine.scoring.wording import LEAD, case_text, json_question, question_text, spoken, task_text

BLANK_LINE = "\n\n"
_PLACE = "\ue000"
"""A character of the private use area, which no chat template touches: it marks where the message goes."""

SMALLEST_CASE = 32
"""Tokens that the task has to leave for a dialogue and a response."""


@dataclass(frozen=True, slots=True)
class Case:
    """The second part of a prompt.

    Attributes:
        ids: its ids.
        turns_cut: turns, the oldest, that were left out.
    """

    ids: list[int]
    turns_cut: int


class TooLongError(ValueError):
    """What is judged does not fit, even without a context."""


class Prompts:
    """Encodes prompts for one model and one set of dimensions.

    Args:
        local: the model.
        dimensions: what is scored.
        max_length: tokens of a prompt at most; less where the model's window is shorter.
        several: whether several responses are judged side by side.
        room: tokens that the model itself will write.

    Raises:
        UnavailableError: the task alone fills the window, or the tokenizer can't tell the ratings apart.
    """

    def __init__(
        self, local: LocalModel, dimensions: DimensionSet, *, max_length: int, several: bool = False, room: int = 0
    ) -> None:
        self._tokenizer = local.tokenizer
        self._dimensions = dimensions
        self._before, self._after = self._chat()
        self._markers = [token for token in local.tokenizer.all_special_tokens if token != SLOT]
        self.task = self._task(task_text(dimensions, several=several))
        self.scale: Scale = read_scale(self._inside, dimensions.ratings, LEAD, local.name)
        self.window = min(max_length, local.window or max_length)
        longest = max(len(self.question(each, "M" if several else "")) for each in dimensions.dimensions)
        nodes = max(len(node) for node in self.scale.nodes)
        self.budget = self.window - len(self.task) - max(longest + nodes, len(self.json_question()) + room)
        if self.budget < SMALLEST_CASE:
            raise UnavailableError(
                f"the dimensions '{dimensions.name}' take {self.window - self.budget} tokens, and '{local.name}' reads"
                f" {self.window}",
                at="judge.name",
                fix="name a model with a larger window, or raise judge.max_length",
            )

    def case(self, turns: Sequence[Turn], responses: Sequence[tuple[str, str]]) -> Case:
        """The dialogue and what is judged; the oldest turns are left out where the window is too short.

        Args:
            turns: the context, oldest first.
            responses: pseudonym and text of each response.

        Raises:
            TooLongError: the responses alone do not fit.
        """
        ids = self._case_ids(turns, responses)
        cut = 0
        while len(ids) > self.budget and cut < len(turns):
            cut += max(1, self._surplus_turns(turns[cut:], len(ids) - self.budget))
            ids = self._case_ids(turns[cut:], responses)
        if len(ids) > self.budget:
            what = "the response takes" if len(responses) == 1 else "the responses take"
            raise TooLongError(f"{what} {len(ids)} tokens, and the judge's window has room for {self.budget}")
        return Case(ids, cut)

    def is_empty(self, response: str) -> bool:
        """Whether nothing is left of a response to be judged."""
        return not spoken(response, self._markers)

    def question(self, dimension: Dimension, pseudonym: str = "") -> list[int]:
        """The question for a dimension, up to where the ratings part."""
        text = question_text(dimension, self._dimensions, pseudonym)
        return [*self._inside(f"{BLANK_LINE}{text}{self._after}{LEAD}"), *self.scale.lead]

    def json_question(self) -> list[int]:
        """The question for all dimensions at once."""
        return self._inside(f"{BLANK_LINE}{json_question(self._dimensions)}{self._after}")

    def _surplus_turns(self, turns: Sequence[Turn], surplus: int) -> int:
        """How many turns hold so many tokens, less one: what is left is tried."""
        for count, turn in enumerate(turns):
            surplus -= len(self._inside(f"\n{turn.role.value}: {spoken(turn.text, self._markers)}"))
            if surplus <= 0:
                return count
        return len(turns) - 1

    def _case_ids(self, turns: Sequence[Turn], responses: Sequence[tuple[str, str]]) -> list[int]:
        return self._inside(BLANK_LINE + case_text(turns, responses, self._markers))

    def _chat(self) -> tuple[str, str]:
        """What a chat template puts before and behind a message of the user; line ends for a model without one."""
        if self._tokenizer.chat_template is None:
            return "", "\n"
        message = [{"role": "user", "content": _PLACE}]
        text = self._tokenizer.apply_chat_template(message, tokenize=False, add_generation_prompt=True)
        before, _, after = text.partition(_PLACE)
        return before, after

    def _task(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(self._before + text, add_special_tokens=False)
        begin = self._tokenizer.bos_token_id
        adds = begin is not None and self._tokenizer.encode("")[:1] == [begin]
        return [begin, *ids] if adds and ids[:1] != [begin] else ids

    def _inside(self, text: str) -> list[int]:
        """Ids of a text that stands behind another: some tokenizers put a blank before all that they encode."""
        anchor: list[int] = self._tokenizer.encode("a", add_special_tokens=False)
        whole: list[int] = self._tokenizer.encode(f"a{text}", add_special_tokens=False)
        if whole[: len(anchor)] == anchor:
            return whole[len(anchor) :]
        alone: list[int] = self._tokenizer.encode(text, add_special_tokens=False)
        return alone
