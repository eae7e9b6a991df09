"""Each check of data finds what was planted, counts it, and says where."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from raw_redial import raw, write_source

from ecr_engine.data.process import process
from ecr_engine.data.validation.check import CHECKS
from ecr_engine.data.validation.examine import validate
from ecr_engine.errors import DataError

FORM = {"suggested": 1, "seen": 0, "liked": 1}


def found(source: Path, *, context=1000, response=500, tokenizer=None, form="auto"):
    """The findings on a source by code."""
    report = validate(
        source,
        form=form,
        system="Be kind.",
        context_max_length=context,
        resp_max_length=response,
        tokenizer=tokenizer,
    )
    return {finding.code: finding for finding in report.findings}


def told(finding):
    """What a finding says in numbers, and where its first example is."""
    first = finding.examples[0]
    place = (Path(first.file).name, first.line, first.conversation_id)
    return str(finding.grade), finding.count, finding.total, finding.unit, place


def movie(name, **dialogue):
    """A dialogue in which the recommender suggests movie 100."""
    said = dialogue.pop("said", (("S", "a film please"), ("R", "see @100")))
    return raw(said=said, movieMentions={"100": name}, **{"initiatorQuestions": {"100": FORM}, **dialogue})


def test_records_that_cant_be_read_are_grouped_by_reason(tmp_path) -> None:
    source = write_source(tmp_path, train=[raw("1"), "{", "[1]", "{", "[2]"])
    finding = found(source)["unreadable"]
    assert told(finding) == ("error", 4, 5, "records", ("train_data.jsonl", 2, ""))
    assert finding.parts == {"the line is not JSON": 2, "the line is not a dialogue": 2}
    assert [place.line for place in finding.examples] == [2, 3, 4]


def test_an_id_that_comes_twice_in_a_split_and_in_two(tmp_path) -> None:
    source = write_source(tmp_path, train=[raw("1"), raw("2"), raw("1")], test=[raw("2")])
    codes = found(source)
    assert told(codes["duplicate-identity"]) == ("error", 1, 4, "dialogues", ("train_data.jsonl", 3, "1"))
    assert told(codes["leak-identity"]) == ("error", 1, 4, "dialogues", ("test_data.jsonl", 1, "2"))
    assert codes["leak-identity"].examples[0].detail == f"the first is at {source / 'train_data.jsonl'}:2 (2)"


def test_movies_without_a_name_a_year_or_an_entry(tmp_path) -> None:
    dialogues = [movie(None), movie("Up", conversationId="2"), raw("3", [("S", "hi"), ("R", "@7 then")])]
    codes = found(write_source(tmp_path, train=dialogues))
    assert told(codes["unnamed-movie"]) == ("warning", 1, 2, "movies of dialogues", ("train_data.jsonl", 1, "1"))
    assert told(codes["yearless-movie"]) == ("note", 1, 2, "movies of dialogues", ("train_data.jsonl", 2, "2"))
    assert told(codes["unlisted-movie"]) == ("warning", 1, 3, "mentions", ("train_data.jsonl", 3, "3"))


def test_a_list_of_names_makes_a_missing_name_a_note(tmp_path) -> None:
    source = write_source(tmp_path, train=[movie(None)])
    (source / "id2info.json").write_text('{"100": {"name": "Up (2009)"}}', encoding="utf-8")
    finding = found(source)["unnamed-movie"]
    assert (finding.grade, finding.what) == ("note", "a movie has no name; the list of names mends 1 of these")


def test_mentions_glued_to_other_marks(tmp_path) -> None:
    said = [("S", "was@100 good?"), ("R", "@100, yes. And @100 too (@100)")]
    finding = found(write_source(tmp_path, train=[movie("Up (2009)", said=said)]))["glued-mention"]
    assert (finding.count, finding.total) == (3, 4)
    assert finding.parts == {"other mark": 2, "letter or digit": 1}


def test_dialogues_of_one_side(tmp_path) -> None:
    dialogues = [raw("1", [("S", "hello?")]), raw("2", [("R", "hello?")]), raw("3")]
    codes = found(write_source(tmp_path, train=dialogues))
    assert told(codes["one-sided-seeker"]) == ("warning", 1, 3, "dialogues", ("train_data.jsonl", 1, "1"))
    assert told(codes["one-sided-recommender"]) == ("warning", 1, 3, "dialogues", ("train_data.jsonl", 2, "2"))


def test_blank_messages(tmp_path) -> None:
    source = write_source(tmp_path, train=[raw("1", [("S", "hi"), ("S", " "), ("R", "hello"), ("R", "")])])
    assert told(found(source)["blank-message"]) == ("note", 2, 4, "messages", ("train_data.jsonl", 1, "1"))


def test_turns_over_200_words_and_dialogues_over_100_turns(tmp_path) -> None:
    just = raw("1", [("S", "a " * 200), ("R", "b")] + [("S", "hi"), ("R", "ho")] * 49)
    over = raw("2", [("S", "a " * 201), ("R", "b")] + [("S", "hi"), ("R", "ho")] * 49 + [("S", "bye")])
    codes = found(write_source(tmp_path, train=[just, over]))
    assert told(codes["long-turn"]) == ("warning", 1, 201, "turns", ("train_data.jsonl", 2, "2"))
    assert codes["long-turn"].examples[0].detail == "turn 0, 201 words"
    assert told(codes["long-dialogue"]) == ("warning", 1, 2, "dialogues", ("train_data.jsonl", 2, "2"))


def test_lengths_are_estimated_by_words(tmp_path) -> None:
    # "Be kind." and 8 words make 10, times 1.3 is 13; a target of 3 words makes 4, and 1 for its end.
    source = write_source(
        tmp_path, train=[raw("1", [("S", "one two three four five six seven eight"), ("R", "a b c")])]
    )
    assert not {"long-prompt", "long-target"} & set(found(source, context=13, response=5))
    codes = found(source, context=12, response=4)
    assert (codes["long-prompt"].examples[0].detail, codes["long-prompt"].grade) == ("turn 1, 13 tokens", "warning")
    assert (codes["long-target"].examples[0].detail, codes["long-target"].grade) == ("turn 1, 5 tokens", "warning")
    assert "estimated" in codes["long-prompt"].what


class Letters:
    """A tokenizer whose tokens are letters."""

    bos_token, eos_token = "^", "$"

    def encode(self, text, *, add_special_tokens):
        return list(text.encode())


def test_lengths_are_exact_with_a_tokenizer(tmp_path) -> None:
    source = write_source(tmp_path, train=[raw("1", [("S", "hi"), ("R", "hello")])])
    prompt = len("^[INST] <<SYS>>\nBe kind.\n<</SYS>>\n\nhi [/INST]")
    target = len(" hello $")
    assert not {"long-prompt", "long-target"} & set(found(source, context=prompt, response=target, tokenizer=Letters()))
    codes = found(source, context=prompt - 1, response=target - 1, tokenizer=Letters())
    assert codes["long-prompt"].examples[0].detail == f"turn 1, {prompt} tokens"
    assert codes["long-target"].examples[0].detail == f"turn 1, {target} tokens"
    assert "estimated" not in codes["long-prompt"].what


@pytest.mark.parametrize(("recommending", "grade"), [(0, "warning"), (1, "note"), (19, "note"), (20, "warning")])
def test_the_share_of_targets_with_a_slot(tmp_path, recommending, grade) -> None:
    dialogues = [
        movie("Up (2009)", conversationId=str(n)) if n < recommending else raw(str(n))
        for n in range(20 if recommending > 1 else 10)
    ]
    finding = found(write_source(tmp_path, train=dialogues))["slot-share"]
    assert (finding.count, finding.grade) == (recommending, grade)


def test_answers_on_a_movie_that_nobody_mentions(tmp_path) -> None:
    dialogues = [movie("Up (2009)"), movie("Up (2009)", conversationId="2", said=[("S", "hi"), ("R", "hello")])]
    finding = found(write_source(tmp_path, train=dialogues))["unmentioned-answer"]
    assert told(finding) == ("note", 1, 2, "movies with an answer", ("train_data.jsonl", 2, "2"))


def test_the_forms_contradict_each_other(tmp_path) -> None:
    dialogue = movie("Up (2009)", respondentQuestions={"100": {**FORM, "liked": 0}})
    finding = found(write_source(tmp_path, train=[dialogue, raw("2")]))["source-two-sides-disagree-liked"]
    assert told(finding) == ("note", 1, 2, "dialogues", ("train_data.jsonl", 1, "1"))


def test_movies_of_the_test_split_that_training_lacks(tmp_path) -> None:
    known = movie("Up (2009)")
    new = movie("Up (2009)", conversationId="2", said=[("S", "@100 or @5"), ("R", "@5")])
    finding = found(write_source(tmp_path, train=[known], test=[new]))["new-movie"]
    assert told(finding) == ("note", 1, 2, "movies of the test split", ("test_data.jsonl", 1, "2"))


def test_splits_that_are_missing_empty_or_small(tmp_path) -> None:
    codes = found(write_source(tmp_path, train=[raw("1")], valid=[], test=[raw(str(n)) for n in range(2, 31)]))
    assert {code: str(one.grade) for code, one in codes.items() if code.endswith(("valid", "test", "train"))} == {
        "empty-valid": "warning",
        "small-test": "warning",
    }
    assert codes["small-test"].count == 29


def test_a_source_without_training_file_is_looked_at_all_the_same(tmp_path) -> None:
    codes = found(write_source(tmp_path, test=[raw(str(n)) for n in range(30)]))
    assert str(codes["missing-train"].grade) == "error"
    assert str(codes["missing-valid"].grade) == "note"
    assert not {"small-test", "empty-test"} & set(codes)


def test_characters_that_were_decoded_wrongly(tmp_path) -> None:
    dialogues = [
        movie("Amélie (2001)", said=[("S", "it’s a café, â la carte, £5"), ("R", "ok @100")]),
        movie("AmÃ©lie (2001)", conversationId="2", said=[("S", "itâ€™s"), ("R", "caf\ufffd @100")]),
    ]
    codes = found(write_source(tmp_path, train=dialogues))
    assert told(codes["damaged-text"]) == ("warning", 2, 4, "turns", ("train_data.jsonl", 2, "2"))
    assert told(codes["damaged-name"]) == ("warning", 1, 2, "movies of dialogues", ("train_data.jsonl", 2, "2"))


@pytest.fixture
def processed(tmp_path):
    """A processed folder of two dialogues, with two examples in the first, and how to change one of its lines."""
    dialogues = [
        movie("Up (2009)", said=[("S", "hi"), ("R", "hello"), ("S", "a film"), ("R", "@100"), ("S", "thanks")]),
        raw("2"),
    ]
    write_source(tmp_path / "raw", train=dialogues)
    output = tmp_path / "out"
    process(tmp_path / "raw", output, validation_share=0.0, test_share=0.0, skip_bad=False, form="redial")

    def change(number, edit):
        path = output / "train.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines()
        if edit is None:
            lines[number - 1] = lines[number - 1][:20]
        else:
            example = json.loads(lines[number - 1])
            edit(example)
            lines[number - 1] = json.dumps(example)
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return output

    return change


def test_a_processed_folder_is_put_together_from_its_examples(processed) -> None:
    output = processed(1, lambda example: None)
    report = validate(output, system="x", context_max_length=1000, resp_max_length=500)
    assert report.form == "processed"
    assert {split: (one.dialogues, one.turns, one.examples) for split, one in report.splits.items()} == {
        "train": (2, 7, 3),
        "valid": (0, 0, 0),
        "test": (0, 0, 0),
    }
    assert {finding.code for finding in report.findings} == {"slot-share", "empty-valid", "empty-test"}


def test_a_run_is_its_data(processed, tmp_path) -> None:
    output = processed(1, lambda example: None)
    run = tmp_path / "run"
    run.mkdir()
    (run / "run.json").write_text("{}", encoding="utf-8")
    with pytest.raises(DataError) as caught:
        found(run)
    assert (caught.value.problems[0].what, caught.value.problems[0].at) == (
        "the run has no processed data yet",
        str(run / "data"),
    )
    output.rename(run / "data")
    assert found(run)["slot-share"].total == 3


def test_broken_lines_of_a_processed_folder_do_not_part_a_conversation(processed) -> None:
    codes = found(processed(1, None))
    assert told(codes["unreadable"]) == ("error", 1, 3, "records", ("train.jsonl", 1, ""))
    assert codes["unreadable"].fix.startswith("make it again")
    assert "duplicate-identity" not in codes


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (lambda one: one.pop("target"), "the line is not an example: the field 'target' is missing"),
        (lambda one: one.update(target=None), "the line is not an example: 'target' must be text, found null"),
        (
            lambda one: one.update(emotions=[[1]]),
            "the line is not an example: 'emotions' must hold texts, found a list",
        ),
        (
            lambda one: one["context"][0].update(text=["a"]),
            "the line is not an example: 'text' must be text, found a list",
        ),
        (
            lambda one: one.update(reply=3),
            "the line is not an example: 'reply' must be a turn or null, found a number",
        ),
    ],
)
def test_lines_that_are_no_examples(processed, edit, reason) -> None:
    assert found(processed(2, edit))["unreadable"].examples[0].detail == reason


def test_emotions_that_training_cant_take(processed) -> None:
    def edit(example):
        example["emotions"] = ["like", "joy", "happy"]
        example["context"][0]["emotions"] = [{"label": "happy", "probability": 1.5}]

    codes = found(processed(2, edit))
    assert told(codes["unknown-emotion"]) == ("error", 1, 2, "dialogues", ("train.jsonl", 2, "1"))
    assert codes["unknown-emotion"].parts == {"joy": 1}
    assert told(codes["emotion-probability"])[:3] == ("error", 1, 2)
    assert codes["emotion-probability"].examples[0].detail == "turn 0: happy 1.5"
    assert told(codes["many-emotions"])[:3] == ("warning", 1, 2)


def test_slots_that_are_no_movies(processed) -> None:
    codes = found(processed(2, lambda one: one.update(target="<movie> and <movie>")))
    assert told(codes["slot-mismatch"]) == ("error", 1, 7, "turns", ("train.jsonl", 2, "1"))
    assert codes["slot-mismatch"].examples[0].detail == "turn 3: 2 slots, 1 movies"


def test_a_missing_file_of_a_processed_folder(processed) -> None:
    output = processed(1, lambda example: None)
    (output / "test.jsonl").unlink()
    assert found(output)["unreadable"].examples[0].detail == "the file of the split is missing"


@pytest.mark.parametrize(
    ("lines", "what", "line"),
    [
        (["{"], "the line is not JSON: ", ":1"),
        (["{", "{"], "none of the 2 records can be read: the line is not JSON: ", ":1"),
        ([], "the data source holds no dialogues", ""),
    ],
)
def test_nothing_that_can_be_read_is_an_error(tmp_path, lines, what, line) -> None:
    source = write_source(tmp_path, train=lines)
    with pytest.raises(DataError) as caught:
        found(source, form="redial")
    assert caught.value.problems[0].what.startswith(what)
    assert caught.value.problems[0].at.endswith(line)


def test_findings_come_worst_first_and_are_counted(tmp_path) -> None:
    source = write_source(tmp_path, train=[raw("1"), raw("1"), movie(None, conversationId="3")])
    report = validate(source, system="x", context_max_length=1000, resp_max_length=500)
    grades = [str(finding.grade) for finding in report.findings]
    assert grades == sorted(grades, key=["error", "warning", "note"].index)
    assert (report.errors, report.warnings) == (1, 1)
    assert report.notes == len(grades) - 2
    assert not report.passes(strict=False)


def test_every_check_is_found_by_its_file() -> None:
    assert {"copies", "identities", "movies", "oddities"} <= set(CHECKS.names())
