"""Plans and speaks one dialogue: a seeker with a mood and tastes, a recommender who listens more or less.

The recommender takes up what the seeker just showed in a good half of the turns (`KINDNESS`) and stays matter-of-fact
in the others, on purpose: what a model learns by imitation leaves room for a policy that listens better.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from ecr_engine.data.sample import recommender, seeker
from ecr_engine.data.sample.catalogue import Catalogue
from ecr_engine.data.sample.genres import Genre
from ecr_engine.data.sample.grammar import say, vary
from ecr_engine.data.sample.moods import Mood
from ecr_engine.data.sample.movies import Movie
from ecr_engine.data.schema import Role

KINDNESS = 0.55
"""Chance that a recommender acknowledges what the seeker showed."""

TURNS = range(6, 15)
"""How many turns a dialogue may have."""

OUTCOMES = {"keen": 30, "liked": 20, "disliked": 14, "unsure": 20, "refused": 9, "corrected": 7}
"""What seekers make of a suggestion, with weights; the last suggestion always pleases."""


@dataclass(slots=True)
class Feedback:
    """What the seeker's form says of a movie, in ReDial's numbers (0 no, 1 yes, 2 did not say)."""

    suggested: int
    seen: int
    liked: int


@dataclass(frozen=True, slots=True)
class SpokenTurn:
    """One turn: the sentences that one side says before the other answers."""

    role: Role
    sentences: tuple[str, ...]


@dataclass(slots=True)
class Conversation:
    """A dialogue in the making.

    Attributes:
        rng: decides everything.
        catalogue: the movies there are.
        mood: the seeker's mood.
        genre: what the seeker wants now.
        fields: what templates may name.
        turns: what was said so far.
        feedback: what the seeker's form says, by movie id.
        feeling: what the seeker showed last: a key of `recommender.REPLIES`, "mood", or "" for nothing.
        liked: the last movie the seeker spoke well of.
        hint: a movie whose people the seeker asked for.
    """

    rng: random.Random
    catalogue: Catalogue
    mood: Mood
    genre: Genre
    fields: dict[str, str]
    turns: list[SpokenTurn] = field(default_factory=list)
    feedback: dict[str, Feedback] = field(default_factory=dict)
    feeling: str = ""
    liked: Movie | None = None
    hint: Movie | None = None

    def chance(self, probability: float) -> bool:
        """True with `probability`."""
        return self.rng.random() < probability

    def phrase(self, templates: Sequence[str]) -> str:
        """One of the templates, filled."""
        return say(templates, self.rng, self.fields)

    def seeker(self, feeling: str, *sentences: str) -> None:
        """The seeker speaks and shows `feeling`."""
        self.turns.append(SpokenTurn(Role.SEEKER, sentences))
        self.feeling = feeling

    def recommender(self, *sentences: str) -> None:
        """The recommender speaks; first, perhaps, about what the seeker showed."""
        kind = self.feeling != "" and self.chance(KINDNESS)
        self.turns.append(SpokenTurn(Role.RECOMMENDER, ((self._reply(),) if kind else ()) + sentences))

    def _reply(self) -> str:
        replies = self.mood.replies if self.feeling == "mood" else recommender.REPLIES[self.feeling]
        return self.phrase(replies)

    def want(self, genre: Genre) -> None:
        """The seeker wants another genre."""
        self.fields |= {"old_one": self.genre.one, "one": genre.one, "many": genre.many}
        self.genre = genre

    def pick(self, suggested: int) -> Movie:
        """A movie of the wanted genre that was not named yet (the hinted one first); templates then speak of it."""
        hint, self.hint = self.hint, None
        fresh = hint is not None and hint.item_id not in self.feedback
        movie = hint if hint and fresh else self.catalogue.draw(self.genre, self.feedback.keys(), self.rng)
        self.feedback[movie.item_id] = Feedback(suggested, 2, 2)
        self.fields |= {
            "movie": f"@{movie.item_id}",
            "praise": vary(self.rng.choice(self.genre.praises), self.rng),
            "remedy": vary(self.rng.choice(self.mood.remedies), self.rng),
            "director": movie.director,
            "star": movie.stars[0],
            "costar": movie.stars[1],
            "year": str(movie.year),
        }
        return movie


def hold(conversation: Conversation) -> None:
    """Lets the two talk from the greeting to the goodbye."""
    c = conversation
    told = _open(c)
    _ask_and_wish(c, told=told)
    count = c.rng.choice((1, 2, 2, 3, 3))
    for index in range(count):
        _suggest(c, first=index == 0)
        _judge(c, last=index == count - 1)
    _part(c)


def _open(c: Conversation) -> bool:
    """Greetings; returns whether the seeker has told their mood."""
    greeted = c.chance(0.5)
    if greeted:
        c.recommender(c.phrase(recommender.GREETINGS))
    told = c.chance(0.75 if greeted else 0.4)
    sentences = [c.phrase(seeker.GREETINGS)] if not greeted or c.chance(0.6) else []
    chatty = c.chance(0.3)
    if chatty:
        mention, c.fields["chat"] = c.rng.choice(seeker.SMALL_TALK)
        sentences.append(c.phrase((mention,)))
    if told or not sentences:
        sentences.append(c.phrase(seeker.MOOD))
        told = True
    c.seeker("mood" if told else "chat" if chatty else "", *sentences)
    return told


def _ask_and_wish(c: Conversation, *, told: bool) -> None:
    """The recommender asks, the seeker says what they want (and how they are, if they have not yet)."""
    greeted = c.turns[0].role is Role.RECOMMENDER
    hello = [c.phrase(recommender.ANSWERS_TO_HELLO)] if not greeted and c.chance(0.6) else []
    topic = c.rng.choice(list(recommender.QUESTIONS))
    c.recommender(*hello, c.phrase(recommender.QUESTIONS[topic]))
    hint = c.catalogue.draw(c.genre, (), c.rng)
    c.fields |= {"director": hint.director, "star": hint.stars[0]}
    sentences = [c.phrase(seeker.ANSWERS[topic])] if c.chance(0.75) else []
    feeling = ""
    if not told:
        sentences.append(c.phrase(seeker.MOOD))
        feeling = "mood"
    sentences.append(c.phrase(seeker.MOOD_WISHES if c.chance(0.5) else seeker.WISHES))
    asked = " ".join(sentences)
    if c.chance(0.45):
        feeling = _name_favourite(c, sentences)
    if c.chance(0.2):
        feeling = _name_dislike(c, sentences)
    if hint.director in asked or hint.stars[0] in asked:
        c.hint = hint
    c.seeker(feeling, *sentences)


def _name_favourite(c: Conversation, sentences: list[str]) -> str:
    """The seeker names a movie they love; returns the feeling it shows."""
    c.liked = c.pick(suggested=0)
    c.feedback[c.liked.item_id] = Feedback(suggested=0, seen=1, liked=1)
    memory = c.mood.name == "nostalgic" or c.chance(0.15)
    sentences.append(c.phrase(seeker.NOSTALGIC_FAVOURITES if memory else seeker.FAVOURITES))
    return "memory" if memory else "favourite"


def _name_dislike(c: Conversation, sentences: list[str]) -> str:
    """The seeker names a genre, or one movie of it, that they do not want; returns the feeling it shows."""
    unwanted = c.catalogue.other_genre((c.genre,), c.rng)
    movie = c.catalogue.draw(unwanted, c.feedback.keys(), c.rng)
    c.fields |= {"unwanted": unwanted.many, "disliked": f"@{movie.item_id}"}
    sentences.append(c.phrase(seeker.DISLIKES))
    if f"@{movie.item_id}" in sentences[-1]:
        c.feedback[movie.item_id] = Feedback(suggested=0, seen=1, liked=0)
        return "disliked"
    return "hate"


def _suggest(c: Conversation, *, first: bool) -> None:
    """The recommender names a movie."""
    movie = c.pick(suggested=1)
    templates: Sequence[str] = recommender.SUGGESTIONS if first else recommender.NEXT
    if c.liked is not None and c.liked is not movie and c.chance(0.4):
        c.fields["liked"] = f"@{c.liked.item_id}"
        c.liked = None
        templates = recommender.SIMILAR
    elif c.chance(0.25):
        templates = recommender.REMEDIES
    c.recommender(c.phrase(templates))


def _judge(c: Conversation, *, last: bool) -> None:
    """The seeker says what they make of the movie, sometimes after asking about it."""
    outcome = c.rng.choices(list(OUTCOMES), list(OUTCOMES.values()))[0]
    if outcome == "unsure":
        _ask_about(c)
    if last or outcome in ("unsure", "keen"):
        _welcome(c, last=last)
    elif outcome == "liked":
        _set(c, seen=1, liked=1)
        c.liked = c.catalogue.by_id(c.fields["movie"].removeprefix("@"))
        c.seeker("liked", c.phrase(seeker.SEEN_LIKED))
    elif outcome == "disliked":
        _set(c, seen=1, liked=0)
        c.seeker("disliked", c.phrase(seeker.SEEN_DISLIKED))
    elif outcome == "refused":
        _set(c, seen=0, liked=0)
        c.seeker("refused", c.phrase(seeker.REFUSALS))
    else:
        _set(c, seen=2, liked=2)
        c.want(c.catalogue.other_genre((c.genre,), c.rng))
        c.seeker("corrected", c.phrase(seeker.CORRECTIONS))


def _ask_about(c: Conversation) -> None:
    """A question about the movie and its answer."""
    topic = c.rng.choice(list(seeker.UNSURE))
    c.seeker("curious", c.phrase(seeker.UNSURE[topic]))
    c.fields["praise"] = vary(c.rng.choice(c.genre.praises), c.rng)
    prompt = [c.phrase(recommender.PROMPTS)] if c.chance(0.4) else []
    c.recommender(c.phrase(recommender.ANSWERS[topic]), *prompt)


def _welcome(c: Conversation, *, last: bool) -> None:
    """The seeker likes the sound of it, and asks for more or says thanks."""
    _set(c, seen=0, liked=1)
    surprised = len(c.turns) > 1 and c.feeling == "curious" and c.chance(0.3)
    sentences = [c.phrase(seeker.SURPRISES)] if surprised else []
    sentences.append(c.phrase(seeker.KEEN))
    if last:
        sentences.append(c.phrase(seeker.THANKS))
    else:
        sentences.append(c.phrase(seeker.MORE))
    c.seeker("thankful" if last else "surprised" if surprised else "keen", *sentences)


def _part(c: Conversation) -> None:
    """Goodbyes; after a bad mood, the kind word may be for the mood."""
    if not c.mood.good and c.chance(0.4):
        c.feeling = "comforted"
    c.recommender(c.phrase(recommender.FAREWELLS))
    if c.chance(0.35):
        c.seeker("", c.phrase(seeker.GOODBYES))
        if c.chance(0.6):
            c.recommender(c.phrase(recommender.LAST_WORDS))


def _set(c: Conversation, *, seen: int, liked: int) -> None:
    """Fills in the form for the movie just suggested."""
    entry = c.feedback[c.fields["movie"].removeprefix("@")]
    entry.seen, entry.liked = seen, liked
