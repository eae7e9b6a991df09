"""Thirty small dialogues, written for these tests: what was said before, the seeker's last turn, a human reply."""

from __future__ import annotations

from ecr_engine.data.schema import Example, Role, Sample, Turn

DIALOGUES: tuple[tuple[tuple[str, ...], str, str], ...] = (
    ((), "Hello there!", "Hi! What kind of movies do you like to watch?"),
    ((), "Hi, I'm in search of a scary movie for tonight.", "If you like scary movies, <movie> is a great one."),
    ((), "I had such a rough week at work.", "I'm so sorry to hear that. Would <movie> help you forget work?"),
    ((), "My dog passed away and I can't stop crying.", "I'm sorry for your loss. Maybe <movie> is a gentle comfort."),
    (
        (),
        "Can you recommend a comedy for my family?",
        "Sure! <movie> is a comedy for the whole family. How old are they?",
    ),
    ((), "I love old westerns, they are my favorite!", "I love westerns too! Have you seen <movie>?"),
    ((), "Hey, we are celebrating my birthday tonight!", "I'm happy for you! For a birthday I would pick <movie>."),
    ((), "I grew up with dinosaur movies.", "Those take me back too. <movie> has the best dinosaur of them all."),
    ((), "I'm bored and I don't like romance.", "So you want something with no romance. How about <movie>?"),
    ((), "Any suggestions for a rainy day?", "For a rainy day I would go with <movie> or <movie>."),
    (
        ("I like space movies.", "Have you seen <movie>?"),
        "Yes, it was great! The music gave me chills.",
        "I'm glad you liked it! The music in <movie> is lovely as well.",
    ),
    (
        ("Do you know a good heist film?", "<movie> is a clever one."),
        "I didn't like that one, it was too slow.",
        "I'm sorry you didn't like it. <movie> is a faster heist film.",
    ),
    (
        ("I need a cartoon for my niece.", "Try <movie>, it is sweet."),
        "Thank you so much, bye!",
        "You're welcome! I hope your niece enjoys it.",
    ),
    (("Hi.", "What are you in the mood for?"), "Something with zombies.", "If you like zombies you must see <movie>."),
    (
        ("I want a musical.", "How about <movie>?"),
        "Who is in it?",
        "It has Emma Stone, and if you want a musical it is a joy.",
    ),
    (
        ("A thriller please.", "<movie> kept me guessing."),
        "Wow, I had no idea they made a sequel!",
        "I know, I was surprised too! Did you like the first thriller?",
    ),
    (
        ("I enjoy documentaries about animals.", "Have you watched <movie>?"),
        "No, what is it about?",
        "It is about penguins. Do you enjoy animals from cold places?",
    ),
    (
        ("I like spy movies.", "<movie> is the best of them."),
        "I agree, the car chase is fantastic.",
        "That chase is my favorite! If you like a car chase, <movie> has a better one.",
    ),
    (
        ("Something sad please.", "<movie> made me weep."),
        "I watched it with my grandmother, good memories.",
        "What lovely memories to have! Does your grandmother like <movie> too?",
    ),
    (
        ("Recommend me a drama.", "<movie> won awards."),
        "I hated that one, it was boring.",
        "Oh no, sorry it let you down. A drama like <movie> moves faster.",
    ),
    (
        ("Hello", "Hi, how can I help?"),
        "I'm feeling lonely tonight.",
        "I'm sorry you feel alone. A warm story like <movie> may keep you company tonight.",
    ),
    (
        ("I like magic.", "<movie> is full of magic."),
        "Seen it, loved the castle!",
        "I'm so glad you loved the castle! <movie> has one too.",
    ),
    (
        ("A war film?", "<movie> is very honest."),
        "My grandfather fought in that war.",
        "That must have been hard for your grandfather. Did he ever talk about the war?",
    ),
    (
        ("I want to laugh.", "<movie> cracks me up."),
        "That one is hilarious!",
        "Isn't it hilarious? If you want to laugh again, try <movie>.",
    ),
    (
        ("Superheroes!", "<movie> or <movie>?"),
        "I have seen them both, they are awesome.",
        "Great taste! Which of both superheroes did you like more?",
    ),
    (
        ("I need a date movie.", "<movie> is romantic."),
        "She doesn't like sad endings.",
        "I understand, no sad endings then. <movie> ends with a smile.",
    ),
    (
        ("Something with robots.", "<movie> has a cute robot."),
        "Sounds good, I will check it out. Thanks!",
        "You're welcome, I hope you enjoy the robots!",
    ),
    (
        ("I like Meryl Streep.", "She is great in <movie>."),
        "Haha yes, she is so funny in that.",
        "Haha, I love that one! She is funny in <movie> as well.",
    ),
    (
        ("A mystery for a train ride.", "<movie> takes place on a train."),
        "That's perfect, you have been helpful.",
        "My pleasure! Have a safe train ride.",
    ),
    (
        ("Hi", "What do you like?"),
        "Anything with a good story.",
        "A good story makes sense to me. Do you want a true story or a made up story?",
    ),
)


def turns(earlier: tuple[str, ...], last: str) -> tuple[Turn, ...]:
    """Turns that alternate, the seeker first; `last` is the seeker's too."""
    roles = (Role.SEEKER, Role.RECOMMENDER)
    return tuple(Turn(roles[i % 2], text, text) for i, text in enumerate((*earlier, last)))


def example(last: str, reference: str = "", earlier: tuple[str, ...] = (), number: int = 1) -> Example:
    """An example whose context ends with the seeker's turn `last`."""
    context = turns(earlier, last)
    return Example(
        f"{number}:{len(context)}", str(number), len(context), context, reference, (), (), (), "here", number
    )


def sample(
    response: str, last: str = "hi", reference: str = "", earlier: tuple[str, ...] = (), finished: bool = True
) -> Sample:
    """A response to a seeker's turn."""
    return Sample(example(last, reference, earlier), response, finished, max(1, len(response.split())))


def examples() -> list[Example]:
    """The thirty dialogues."""
    return [example(last, reply, earlier, n) for n, (earlier, last, reply) in enumerate(DIALOGUES, start=1)]
