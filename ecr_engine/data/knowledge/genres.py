"""What people say when they mean a genre.

Some words mean it wherever they stand (`thriller`), others only before a word for film: whoever watches "with my
family" or likes "the music" asks for no genre. A plural stands here only where it means the genre as well ("the
adventures of" does not).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

NOUNS = ("movie", "movies", "film", "films", "flick", "flicks", "genre")
"""What may follow a word that means a genre only there."""

BLOCKED = (
    "live action",
    "last action hero",
    "final fantasy",
    "high school musical",
    "drama queen",
    "infinity war",
    "civil war",
    "not another teen movie",
    "epic movie",
    "disaster movie",
    "date movie",
    "scary movie 1",
    "scary movie 2",
    "scary movie 3",
    "scary movie 4",
    "scary movie 5",
    "american horror story",
    "rocky horror",
    "little shop of horrors",
    "science fiction double feature",
)
"""Titles and phrases that hold such a word and mean no genre."""


@dataclass(frozen=True, slots=True)
class Genre:
    """One genre in the words of people.

    Attributes:
        called: its names in the graphs, folded, the usual one first; of several in one graph the first is meant.
        says: words that mean it anywhere.
        before_noun: words that mean it before one of `NOUNS`.
    """

    called: tuple[str, ...]
    says: tuple[str, ...] = ()
    before_noun: tuple[str, ...] = ()


GENRES = (
    Genre(("action",), ("action",)),
    Genre(("adventure",), ("adventure",)),
    Genre(("animation", "animated", "anime"), ("animation", "animations", "animated", "cartoon", "cartoons", "anime")),
    Genre(
        ("biography", "biographical", "biopic"),
        ("biography", "biographies", "biographical", "biopic", "biopics", "bio pic", "bio pics"),
    ),
    Genre(("comedy",), ("comedy", "comedies", "comedic"), ("funny", "hilarious")),
    Genre(("crime",), ("crime",)),
    Genre(("documentary",), ("documentary", "documentaries")),
    Genre(("drama",), ("drama", "dramas"), ("dramatic",)),
    Genre(("family", "children's"), ("family friendly",), ("family", "kids", "kid", "children's", "childrens")),
    Genre(("fantasy",), ("fantasy",)),
    Genre(("film-noir", "film noir", "noir"), ("film noir", "noir")),
    Genre(("game-show", "game show"), ("game show", "game shows")),
    Genre(("history", "historical"), ("historical",), ("history", "historic")),
    Genre(
        ("horror", "scary"),
        ("horror", "horrors", "scary", "slasher", "slashers"),
        ("scarey", "spooky", "creepy"),
    ),
    Genre(("music",), (), ("music",)),
    Genre(("musical",), ("musical", "musicals")),
    Genre(("mystery",), ("mystery", "mysteries", "whodunit", "whodunits")),
    Genre(("news",), (), ("news",)),
    Genre(("reality-tv", "reality tv"), ("reality tv", "reality show", "reality shows")),
    Genre(("romance", "romantic"), ("romance", "romances", "romantic", "love story", "love stories")),
    Genre(
        ("sci-fi", "science fiction", "scifi"),
        ("sci fi", "scifi", "syfy", "sci fy", "scify", "science fiction"),
    ),
    Genre(("short",), ("short film", "short films")),
    Genre(("sport", "sports"), (), ("sport", "sports")),
    Genre(("superhero",), ("superhero", "superheroes", "super hero", "super heroes", "superheros", "super heros")),
    Genre(("talk-show", "talk show"), ("talk show", "talk shows")),
    Genre(("thriller",), ("thriller", "thrillers")),
    Genre(("war",), (), ("war",)),
    Genre(("western",), ("western", "westerns")),
)

COMBINED = {
    "rom com": ("romance", "comedy"),
    "rom coms": ("romance", "comedy"),
    "romcom": ("romance", "comedy"),
    "romcoms": ("romance", "comedy"),
    "romantic comedy": ("romance", "comedy"),
    "romantic comedies": ("romance", "comedy"),
    "dramedy": ("drama", "comedy"),
    "dramedies": ("drama", "comedy"),
}
"""Phrases that mean two genres, by the first of their `called`; a graph that has the mix itself keeps it."""


def phrases(names: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What people say, and the genres that they mean by it; earlier phrases count before later ones.

    Args:
        names: the genres of a graph, as it writes them (`comedy`, `Comedy film`, `Film-Noir`).
    """
    yield from ((blocked, ()) for blocked in BLOCKED)
    by_called: dict[str, str] = {}
    for name in names:
        by_called.setdefault(_called(name), name)
    present = {genre: [by_called.pop(called) for called in genre.called if called in by_called] for genre in GENRES}
    meant = [(genre, found[0]) for genre, found in present.items() if found]
    for called, name in by_called.items():  # genres that the table does not know, or knows as a word for another
        if " " in called or called in _ANYWHERE:
            yield from ((said, (name,)) for said in (called, _plural(called)))
        yield from ((f"{called} {noun}", (name,)) for noun in NOUNS)
    for genre, name in meant:
        yield from ((said, (name,)) for said in genre.says)
        yield from ((f"{said} {noun}", (name,)) for said in genre.before_noun for noun in NOUNS)
    known = {genre.called[0]: name for genre, name in meant}
    for said, parts in COMBINED.items():
        if both := tuple(known[part] for part in parts if part in known):
            yield said, both


_ANYWHERE = frozenset(said for genre in GENRES for said in genre.says)


def _called(name: str) -> str:
    """A graph's genre without case and the word for film at its end, unless that is a part of it."""
    folded = name.casefold()
    for noun in (" film", " films", " movie", " movies"):
        if folded.endswith(noun) and folded != "short film":
            return folded.removesuffix(noun)
    return folded


def _plural(name: str) -> str:
    return f"{name[:-1]}ies" if name.endswith("y") else f"{name}s"
