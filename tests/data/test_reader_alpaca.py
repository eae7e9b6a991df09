"""Reading alpaca lists: our own exports and rows of others."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from source_makers import dialogues, examples_of, fault, form_of, said, skipped

from ecr_engine.data import files
from ecr_engine.data.readers import _rows
from ecr_engine.data.schema import Example, Item, Role, Split, Turn
from ecr_engine.data.store import encode

HEAT = Turn(Role.SEEKER, "i like Heat (1995)", "i like <movie>", ("11",))
REPLY = Turn(Role.RECOMMENDER, "ok [x", "ok [x")
FIRST = Example(
    "a:1", "a", 1, (HEAT,), "See <movie>", (Item("22", "Alien (1979)", True),), ("11",), ("like",), "s.jsonl", 7, HEAT
)
SECOND = Example("a:2", "a", 2, (HEAT, REPLY), "Bye", (), ("11",), (), "s.jsonl", 7)
OTHER = Example("b:0", "b", 0, (), 'Say "}"\\', (), (), (), "s.jsonl", 8)
INPUTS = {"a:1": "seeker: i like Heat (1995)", "a:2": "seeker: i like Heat (1995)\nrecommender: ok [x", "b:0": ""}

FOUR = (
    "Movie Name: Heat (1995), Drive Angry\nRelated Entities: drama\n"
    "Related Knowledge from KG: None\nFirst Sentence: See Heat (1995)"
)


def exported(example: Example, **changes: Any) -> dict[str, Any]:
    kept = json.loads(encode(example))
    del kept["target"]
    row = {"instruction": "Be kind.", "input": INPUTS[example.example_id], "output": example.target, "example": kept}
    return {**row, **changes}


def foreign(output: str, asked: str = FOUR) -> dict[str, Any]:
    return {"instruction": "You are the recommender.", "input": asked, "output": output}


def listed(folder: Path, rows: Sequence[Any], name: str = "llama_train.json", indent: int | None = 2) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(json.dumps(rows, indent=indent, ensure_ascii=False), encoding="utf-8")
    return folder


@pytest.mark.parametrize("indent", [None, 2])
def test_exports_read_back_to_the_same_examples(tmp_path: Path, indent: int | None) -> None:
    folder = listed(tmp_path, [exported(FIRST), exported(SECOND), exported(OTHER)], indent=indent)
    listed(folder, [foreign("x")], "llama_test.json")
    (folder / "llama_test.json").unlink()
    assert form_of(folder) == "alpaca"
    assert examples_of(folder) == [(FIRST, SECOND), (OTHER,)]


def test_an_export_with_the_four_lines_reads_back_too(tmp_path: Path) -> None:
    assert examples_of(listed(tmp_path, [exported(FIRST, input=FOUR)])) == [(FIRST,)]


PLAIN = "take 'example' out of the row to read it as plain text"


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        (
            {"output": "See this"},
            f"'output' and 'example' do not make an example: the target has 0 <movie> and 1 movies; {PLAIN}",
        ),
        ({"input": "seeker: i like it"}, f"'input' is not the context of 'example'; {PLAIN}"),
        ({"output": None}, "'output' must be text, found null"),
    ],
)
def test_an_export_that_somebody_edited(tmp_path: Path, changes: dict[str, Any], what: str) -> None:
    folder = listed(tmp_path, [exported(OTHER), exported(FIRST, **changes)])
    line = (folder / "llama_train.json").read_text().splitlines().index("  {", 2) + 1
    assert fault(folder) == (what, f"llama_train.json:{line}")


@pytest.mark.parametrize("indent", [None, 2])
def test_a_conversation_that_comes_again_even_on_the_same_line(tmp_path: Path, indent: int | None) -> None:
    rows = [exported(FIRST), exported(OTHER), exported(SECOND)]
    folder = listed(tmp_path, rows, indent=indent)
    ((_, reason),) = skipped(folder)
    line = 1 if indent is None else 2
    assert reason == f"conversation 'a' is there twice; the first is at llama_train.json:{line}"


def test_an_example_that_comes_again_at_once(tmp_path: Path) -> None:
    folder = listed(tmp_path, [exported(FIRST), exported(SECOND), exported(FIRST), exported(OTHER)])
    assert skipped(folder) == [(2, "example 'a:1' is there twice")]


def test_which_row_of_a_conversation_is_bad(tmp_path: Path) -> None:
    folder = listed(tmp_path, [exported(FIRST), exported(SECOND, input="x")])
    assert fault(folder)[0] == f"row 2 of the conversation: 'input' is not the context of 'example'; {PLAIN}"


@pytest.mark.parametrize("indent", [None, 1])
def test_rows_of_ecr(tmp_path: Path, indent: int | None) -> None:
    rows = [
        foreign("Try Heat! heat is good, or Drive Angry (2011).  Bye &amp; bye <movie>"),
        foreign("a", "Hello\n you"),
    ]
    folder = listed(tmp_path, rows, indent=indent)
    assert form_of(folder) == "alpaca"
    first, second = dialogues(folder)
    assert (first.conversation_id, second.conversation_id) == ("llama_train:1", "llama_train:2")
    assert (first.line, second.line) == ((1, 1) if indent is None else (2, 7))
    assert said(first) == [
        ("seeker", (" ".join(FOUR.split()),), ()),
        (
            "recommender",
            ("Try ", "! heat is good, or ", ". Bye & bye movie"),
            ("Heat (1995)", "Drive Angry"),
        ),
    ]
    assert first.items == {name: Item(name, name) for name in ("Heat (1995)", "Drive Angry")}
    assert said(second) == [("seeker", ("Hello you",), ()), ("recommender", ("a",), ())]


def test_splits_and_a_single_file_of_another_name(tmp_path: Path) -> None:
    listed(tmp_path, [foreign("a")])
    listed(tmp_path, [foreign("b")], "llama_test.json")
    assert [dialogue.split for dialogue in dialogues(tmp_path)] == [Split.TRAIN, Split.TEST]
    single = listed(tmp_path / "single", [foreign("c")], "mine.json") / "mine.json"
    assert form_of(single) == "alpaca"
    assert [dialogue.conversation_id for dialogue in dialogues(single)] == ["mine:1"]


def test_rows_without_an_output(tmp_path: Path) -> None:
    folder = listed(tmp_path, [foreign("a"), foreign(" ")])
    what = "the row has no output: there is nothing to learn or to compare with"
    assert fault(folder) == (what, "llama_train.json:7")
    assert skipped(folder) == [(7, what)]


GOOD = json.dumps(foreign("a"))
BROKEN = {
    "cut in a row": (f"[{GOOD},\n{GOOD[:-9]}", [(2, "the file ends within this row")]),
    "cut in a string": (f'[{GOOD},\n{{"instruction": "a', [(2, "the file ends within this row")]),
    "cut after a row": (f"[{GOOD},\n", [(2, "the file ends before its list does")]),
    "an object": (GOOD, [(1, "the file is not a list of rows")]),
    "nothing": (" x \n", [(2, "the file is not a list of rows")]),
    "a number": (f"[{GOOD}, 5,\n {GOOD}]", [(2, "an entry of the list is no object: 5")]),
    "a text": (f'[{GOOD}, "[b"]', [(1, 'an entry of the list is no object: "[b"')]),
    "a list": (f"[{GOOD}, [1]]", [(1, "the line is not a row: expected a JSON object, found a list")]),
    "more": (f"[{GOOD}]\n[]", [(2, "there is more in the file than one list")]),
    "more text": (f"[{GOOD}]\nx", [(2, "there is more in the file than one list")]),
    "nan": (f'[{GOOD},{{"input": NaN}}]', [(1, "the line is not JSON: NaN is no JSON number")]),
    "missing": (f'[{GOOD},{{"instruction": "a"}}]', [(1, "the field 'input' is missing")]),
    "type": (f'[{GOOD},{{"instruction": 1}}]', [(1, "'instruction' must be text, found a number")]),
    "comma": (f"\ufeff[{GOOD},]", []),
}


@pytest.mark.parametrize(("content", "expected"), BROKEN.values(), ids=BROKEN.keys())
def test_what_is_said_of_a_broken_file(tmp_path: Path, content: str, expected: list[tuple[int, str]]) -> None:
    (tmp_path / "llama_train.json").write_text(content, encoding="utf-8")
    assert skipped(tmp_path) == expected


def test_a_row_that_is_too_long_is_named_and_the_next_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = listed(tmp_path, [foreign("x" * 5000), foreign("b")])
    monkeypatch.setattr(files, "LONGEST_LINE", 3000)
    (reason,) = [reason for line, reason in skipped(folder) if line == 2]
    assert reason.startswith("the row has 5,") and reason.endswith(" bytes; 3,000 is the limit")


entries = st.recursive(
    st.text(alphabet='a"\\[]{},\n é') | st.integers(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(alphabet='a"\\{}', max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(
    rows=st.lists(st.dictionaries(st.text(alphabet='k"\\]'), entries, max_size=4), max_size=5),
    block=st.integers(1, 40),
    indent=st.sampled_from([None, 1]),
)
def test_any_list_is_cut_into_its_rows_however_it_comes_in(
    rows: list[dict[str, Any]], block: int, indent: int | None
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_rows, "_BLOCK", block)
        content = json.dumps(rows, indent=indent).encode()
        found = list(_rows.rows(io.BytesIO(content)))
    assert [json.loads(row.content) for row in found] == rows
    for row in found:
        assert content.split(b"\n")[row.line - 1].lstrip().startswith((b"{", b"[{"))
