"""Who grades empathy: the rules on words, and a trained model with the rules where it was not trained."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from epitome_fixture import write_encoder

from ecr_engine.emotion.empathy import EMPATHY_RECOGNISERS, EmpathyLevels, find_empathy_recogniser
from ecr_engine.emotion.trained_empathy import TrainedEmpathyRecogniser, load_empathy_recogniser
from ecr_engine.errors import DataError, UsageError
from ecr_engine.models.bi_encoder import BiEncoderFacts, build_bi_encoder

SAD = "I had a rough day at work"
PAIRS = [
    (SAD, "I'm so sorry to hear that."),
    (SAD, "It sounds like you had a long day."),
    (SAD, "It runs for two hours."),
    ("Hello", "What kind of movies do you enjoy?"),
    ("", "Hang in there!"),
    (SAD, "  "),
]
PHRASE = "my week was long and nothing went well i get it what happened"


@pytest.fixture(scope="module")
def encoder(tmp_path_factory) -> Path:
    return write_encoder(tmp_path_factory.mktemp("encoder"))


def model(encoder: Path, *mechanisms: str, levels: tuple[int, ...]):
    """A model that always gives these levels, whatever it reads."""
    made = build_bi_encoder(BiEncoderFacts(str(encoder), mechanisms, 3, 32, 0.0), seed=0)
    with torch.no_grad():
        made.head.weight.zero_()
        made.head.bias.zero_()
        for place, level in enumerate(levels):
            made.head.bias[3 * place + level] = 1.0
    return made


def test_the_rules_as_a_recogniser() -> None:
    found = EMPATHY_RECOGNISERS.build("lexical").levels(PAIRS)
    # The levels that a reader gives, as in the tests of the rules.
    assert found[:4] == [(2, 0, 0), (0, 2, 0), (0, 0, 0), (0, 0, 2)]
    assert found[5] == (0, 0, 0)
    assert all(isinstance(levels, EmpathyLevels) for levels in found)
    assert EMPATHY_RECOGNISERS.build("lexical").levels([]) == []


def test_the_rules_read_from_the_text_what_the_seeker_feels() -> None:
    lexical = EMPATHY_RECOGNISERS.build("lexical")
    sorry = "I'm so sorry to hear that."
    assert lexical.levels([("I loved it, it made me laugh!", sorry)])[0].reaction == 0
    assert lexical.levels([("I feel sad today.", sorry)])[0].reaction == 2


def test_a_trained_one_grades_all_three(encoder: Path, tmp_path: Path) -> None:
    trained = model(encoder, "reaction", "interpretation", "exploration", levels=(1, 2, 0))
    trained.save(tmp_path)
    found = find_empathy_recogniser(str(tmp_path), "--empathy")
    assert found.name == str(tmp_path)
    assert found.levels(PAIRS) == [(1, 2, 0)] * 5 + [(0, 0, 0)]
    assert found.levels([]) == []
    assert found.explanation == f"a bi-encoder on {encoder}, trained for reaction, interpretation, exploration"


def test_the_rules_grade_what_it_was_not_trained_for(encoder: Path, tmp_path: Path) -> None:
    model(encoder, "exploration", levels=(1,)).save(tmp_path)
    found = load_empathy_recogniser(tmp_path)
    assert found.levels(PAIRS)[:4] == [(2, 0, 1), (0, 2, 1), (0, 0, 1), (0, 0, 1)]
    assert found.levels(PAIRS)[5] == (0, 0, 0)
    assert found.explanation == (
        f"a bi-encoder on {encoder}, trained for exploration; "
        "not trained for reaction, interpretation: graded by 'lexical'"
    )


def test_a_grade_does_not_depend_on_the_other_pairs(encoder: Path) -> None:
    made = build_bi_encoder(
        BiEncoderFacts(str(encoder), ("reaction", "interpretation", "exploration"), 3, 32, 0.0), seed=3
    )
    with torch.no_grad():
        made.head.weight.mul_(40)
    recogniser = TrainedEmpathyRecogniser("x", made, EMPATHY_RECOGNISERS.build("lexical"))
    words = f"{PHRASE} {PHRASE}".split()
    pairs = [(" ".join(words[:n]), " ".join(words[k : k + n])) for n in range(1, 9) for k in range(9)]
    together = recogniser.levels(pairs)
    assert together == [recogniser.levels([pair])[0] for pair in pairs]
    assert len(set(together)) >= 3


def test_the_model_reads_words_where_a_movie_stood(encoder: Path) -> None:
    made = model(encoder, "reaction", levels=(1,))
    read: list[list[str]] = []
    encode = made.encode
    made.encode = lambda texts: read.append(list(texts)) or encode(texts)
    TrainedEmpathyRecogniser("x", made, EMPATHY_RECOGNISERS.build("lexical")).levels([("I saw <movie>", "<movie>?")])
    assert read == [["I saw the movie"], ["the movie?"]]


def test_a_name_that_nobody_has() -> None:
    with pytest.raises(UsageError) as caught:
        find_empathy_recogniser("lexicall", "emotion.empathy")
    problem = caught.value.problems[0]
    assert (problem.what, problem.at, problem.fix) == (
        "unknown empathy recogniser 'lexicall'",
        "emotion.empathy",
        "did you mean 'lexical'?, or name the folder of a trained one",
    )


def test_a_folder_without_a_recogniser(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        find_empathy_recogniser(str(tmp_path), "emotion.empathy")
    problem = caught.value.problems[0]
    assert (problem.what, problem.at, problem.fix) == (
        "the folder holds no trained empathy recogniser",
        str(tmp_path / "empathy.json"),
        "give one that was made by: ecrctl train empathy --data FILE.csv --output DIR",
    )


def test_a_model_of_other_things(encoder: Path, tmp_path: Path) -> None:
    build_bi_encoder(BiEncoderFacts(str(encoder), ("warmth",), 3, 32, 0.0), seed=0).save(tmp_path)
    with pytest.raises(DataError) as caught:
        load_empathy_recogniser(tmp_path)
    problem = caught.value.problems[0]
    assert (problem.what, problem.at, problem.fix) == (
        "the recogniser grades warmth in 3 levels",
        str(tmp_path),
        "train it again",
    )
