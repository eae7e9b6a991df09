"""The one tokenisation."""

from ecr_engine.data.words import words


def test_slots_contractions_and_marks_are_words_of_their_own():
    assert words("I didn\u2019t see <movie>, a Sci-Fi film!") == [
        "i", "didn't", "see", "<movie>", ",", "a", "sci-fi", "film", "!",
    ]  # fmt: skip


def test_a_slot_glued_to_a_word_is_still_a_slot():
    assert words("saw<movie>twice") == ["saw", "<movie>", "twice"]


def test_blank_text_has_no_words():
    assert words(" \n\t") == []


def test_other_scripts_and_emoji_are_kept():
    assert words("Привет 😀 2001") == ["привет", "😀", "2001"]
