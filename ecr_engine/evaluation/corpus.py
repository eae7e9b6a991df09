"""The responses that metrics look at together, cut into words once for all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import TypeVar, cast, overload

from ecr_engine.data.schema import Role, Sample
from ecr_engine.data.words import words

T = TypeVar("T")
Gram = tuple[str, ...]


def ngrams(tokens: Sequence[str], order: int) -> list[Gram]:
    """All runs of `order` neighbouring tokens, in order; empty if there are fewer tokens than that.

    Args:
        tokens: the words of one text.
        order: how many words an n-gram has, at least 1.
    """
    return list(zip(*(tokens[start:] for start in range(order)), strict=False))


class Corpus(Sequence[Sample]):
    """Samples, with what several metrics need of them.

    Args:
        samples: the responses, in order.
    """

    def __init__(self, samples: Sequence[Sample]) -> None:
        self._samples = samples
        self._known: dict[str, object] = {}

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Sample]: ...
    def __getitem__(self, index: int | slice) -> Sample | Sequence[Sample]:
        return self._samples[index]

    def __len__(self) -> int:
        return len(self._samples)

    def __iter__(self) -> Iterator[Sample]:
        return iter(self._samples)

    @cached_property
    def responses(self) -> list[list[str]]:
        """Words of each response."""
        return [words(sample.response) for sample in self._samples]

    @cached_property
    def references(self) -> list[list[str]]:
        """Words of each reference; empty where there is none."""
        return [words(sample.example.target) for sample in self._samples]

    @cached_property
    def spoken(self) -> int:
        """The number of responses that say anything at all."""
        return sum(1 for sample in self._samples if sample.response.strip())

    def response_counts(self, order: int) -> list[Counter[Gram]]:
        """How often each n-gram comes in each response."""
        return self.once(f"response {order}", lambda: [Counter(ngrams(tokens, order)) for tokens in self.responses])

    def reference_counts(self, order: int) -> list[Counter[Gram]]:
        """How often each n-gram comes in each reference."""
        return self.once(f"reference {order}", lambda: [Counter(ngrams(tokens, order)) for tokens in self.references])

    def once(self, name: str, make: Callable[[], T]) -> T:
        """What `make` gives, made for the first metric that asks for it and kept for the others.

        Args:
            name: of what is made; the same name, the same thing.
            make: makes it.
        """
        if name not in self._known:
            self._known[name] = make()
        return cast(T, self._known[name])


def corpus_of(samples: Sequence[Sample]) -> Corpus:
    """The samples as a corpus; themselves if they are one."""
    return samples if isinstance(samples, Corpus) else Corpus(samples)


def heard(sample: Sample) -> str | None:
    """What the seeker said right before the response, with slots; None if they did not speak last."""
    context = sample.example.context
    return context[-1].slots if context and context[-1].role is Role.SEEKER else None
