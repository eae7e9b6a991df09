"""Examples in the forms of other trainers, against files written out by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import islice
from pathlib import Path

import jinja2
import pytest
from processed_data import ALIEN, OFFER, TRAIN, write_processed

from ecr_engine.data.decoding import strict_example
from ecr_engine.data.export import Wish, export, named_target
from ecr_engine.data.four_lines import INSTRUCTION
from ecr_engine.data.knowledge.graph import KnowledgeGraph
from ecr_engine.data.process import process
from ecr_engine.data.prompts import chat, render_text
from ecr_engine.data.store import read_summary
from ecr_engine.emotion.annotation import annotate_folder
from ecr_engine.emotion.recognition import find_recogniser
from ecr_engine.errors import DataError, EcrError

SYSTEM = "Be kind."
REDIAL = Path(__file__).parents[2].parent / "shared" / "data" / "redial"

# The chat template of Llama-2-chat, as its tokenizer has it, without the checks of the roles.
LLAMA_2 = (
    "{% set system = messages[0].content %}{% for message in messages[1:] %}"
    "{% if loop.first %}{% set content = '<<SYS>>\\n' + system + '\\n<</SYS>>\\n\\n' + message.content %}"
    "{% else %}{% set content = message.content %}{% endif %}"
    "{% if message.role == 'user' %}{{ '<s>[INST] ' + content.strip() + ' [/INST]' }}"
    "{% else %}{{ ' ' + content.strip() + ' </s>' }}{% endif %}{% endfor %}"
)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_processed(tmp_path / "processed")


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def problem(caught: pytest.ExceptionInfo[EcrError]) -> tuple[str, str, str]:
    (found,) = caught.value.problems
    return found.what, found.at, found.fix


def test_alpaca_is_a_list_with_a_row_a_line(source: Path, tmp_path: Path) -> None:
    made = export(source, tmp_path / "out", Wish("alpaca", SYSTEM))
    found = lines(tmp_path / "out" / "llama_train.json")
    assert found[0] == "["
    assert found[-1] == "]"
    row = json.loads(found[2].removesuffix(","))
    assert {name: row[name] for name in ("instruction", "input", "output")} == {
        "instruction": "Be kind.",
        "input": "recommender: Hello!\nseeker: I love Heat (1995), what is like it?",
        "output": "Try <movie> & <movie>",
    }
    assert list(row) == ["instruction", "input", "output", "example"]
    assert "target" not in row["example"]
    assert (tmp_path / "out" / "llama_valid.json").read_text() == "[\n]\n"
    assert [(file.name, file.rows, file.left_out) for file in made.files] == [
        ("llama_train.json", 3, 0),
        ("llama_valid.json", 0, 0),
        ("llama_test.json", 1, 0),
    ]
    assert made.files[0].size == (tmp_path / "out" / "llama_train.json").stat().st_size
    assert made.reads_back


def test_an_alpaca_row_holds_all_of_its_example(source: Path, tmp_path: Path) -> None:
    export(source, tmp_path / "out", Wish("alpaca", SYSTEM))
    rows = json.loads((tmp_path / "out" / "llama_train.json").read_text(encoding="utf-8"))
    again = [strict_example({**row["example"], "target": row["output"]}) for row in rows]
    assert again == list(TRAIN)


def test_an_alpaca_export_is_processed_into_the_same_bytes(source: Path, tmp_path: Path) -> None:
    export(source, tmp_path / "out", Wish("alpaca", SYSTEM))
    process(tmp_path / "out", tmp_path / "again", validation_share=0.5, test_share=0.5, skip_bad=False)
    for name in ("train.jsonl", "valid.jsonl", "test.jsonl"):
        assert (tmp_path / "again" / name).read_bytes() == (source / name).read_bytes(), name


@pytest.mark.skipif(not REDIAL.is_dir(), reason="the real ReDial files are not here")
@pytest.mark.parametrize("prompt", ["dialogue", "ecr"])
def test_real_dialogues_with_emotions_survive_the_round_trip(tmp_path: Path, prompt: str) -> None:
    (tmp_path / "raw").mkdir()
    for name in ("train_data.jsonl", "valid_data.jsonl", "test_data.jsonl"):
        with (REDIAL / name).open(encoding="utf-8") as handle:
            (tmp_path / "raw" / name).write_text("".join(islice(handle, 40)), encoding="utf-8")
    shares = {"validation_share": 0.5, "test_share": 0.5}
    process(tmp_path / "raw", tmp_path / "p", **shares, skip_bad=False, knowledge=REDIAL)
    annotate_folder(tmp_path / "p", tmp_path / "p", find_recogniser("lexical"))
    export(tmp_path / "p", tmp_path / "out", Wish("alpaca", SYSTEM, prompt=prompt))
    process(tmp_path / "out", tmp_path / "again", **shares, skip_bad=False)
    for name in ("train.jsonl", "valid.jsonl", "test.jsonl"):
        before = lines(tmp_path / "p" / name)
        wanted = [line for line in before if prompt == "dialogue" or json.loads(line)["items"]]
        assert len(wanted) > 50
        assert lines(tmp_path / "again" / name) == wanted, name
    if prompt == "dialogue":  # with all examples there, the counts that examples can tell are the same, too
        for split, counts in read_summary(tmp_path / "again").splits.items():
            told = read_summary(tmp_path / "p").splits[split]
            assert counts.entities > 0
            assert counts == replace(told, messages=told.turns, joined_messages=0, blank_messages=0)


def test_chat_has_one_example_a_line(source: Path, tmp_path: Path) -> None:
    made = export(source, tmp_path / "out", Wish("chat", SYSTEM))
    assert lines(tmp_path / "out" / "train.chat.jsonl")[:2] == [
        '{"messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": ""}, '
        '{"role": "assistant", "content": "Hello!"}]}',
        '{"messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": ""}, '
        '{"role": "assistant", "content": "Hello!"}, '
        '{"role": "user", "content": "I love Heat (1995), what is like it?"}, '
        '{"role": "assistant", "content": "Try <movie> & <movie>"}]}',
    ]
    assert (tmp_path / "out" / "valid.chat.jsonl").read_bytes() == b""
    assert not made.reads_back


def test_chat_messages_render_into_our_prompt_by_the_template_of_llama_2() -> None:
    context = OFFER.context[1:]
    messages = list(chat(context, SYSTEM, "ok"))
    rendered = jinja2.Template(LLAMA_2, keep_trailing_newline=True).render(messages=messages)
    assert rendered == render_text(context, SYSTEM) + " ok </s>"
    assert rendered == ("<s>[INST] <<SYS>>\nBe kind.\n<</SYS>>\n\nI love Heat (1995), what is like it? [/INST] ok </s>")


def test_sharegpt(source: Path, tmp_path: Path) -> None:
    export(source, tmp_path / "out", Wish("sharegpt", SYSTEM, splits=("train",)))
    assert json.loads((tmp_path / "out" / "train.sharegpt.json").read_text(encoding="utf-8"))[1] == {
        "conversations": [
            {"from": "human", "value": ""},
            {"from": "gpt", "value": "Hello!"},
            {"from": "human", "value": "I love Heat (1995), what is like it?"},
            {"from": "gpt", "value": "Try <movie> & <movie>"},
        ],
        "system": "Be kind.",
        "id": "5:2",
    }
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["train.sharegpt.json"]


def test_names_in_targets_leave_no_slot_to_read_back(source: Path, tmp_path: Path) -> None:
    made = export(source, tmp_path / "out", Wish("alpaca", SYSTEM, names=True))
    rows = json.loads((tmp_path / "out" / "llama_train.json").read_text(encoding="utf-8"))
    assert rows[1]["output"] == "Try Alien (1979) & a movie"
    assert [list(row) for row in rows] == [["instruction", "input", "output"]] * 3
    assert not made.reads_back


@pytest.mark.parametrize(
    ("target", "items", "named"),
    [
        ("<movie> or <movie>", (ALIEN, ALIEN), "Alien (1979) or Alien (1979)"),
        ("see <movie> and <movie>", (ALIEN,), "see Alien (1979) and a movie"),
        ("nothing", (), "nothing"),
    ],
)
def test_slots_filled_in(target, items, named) -> None:
    assert named_target(replace(OFFER, target=target, items=items)) == named


def test_a_limit_takes_the_first_of_each_split(source: Path, tmp_path: Path) -> None:
    made = export(source, tmp_path / "out", Wish("sharegpt", SYSTEM, limit=2))
    rows = json.loads((tmp_path / "out" / "train.sharegpt.json").read_text(encoding="utf-8"))
    assert [row["id"] for row in rows] == ["5:0", "5:2"]
    assert [file.rows for file in made.files] == [2, 0, 1]


def test_an_export_without_the_training_split_is_not_read_back(source: Path, tmp_path: Path) -> None:
    assert not export(source, tmp_path / "out", Wish("alpaca", SYSTEM, splits=("test",))).reads_back


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        (Wish("alpca", SYSTEM), ("unknown export format 'alpca'", "--to", "did you mean 'alpaca'?")),
        (Wish("chat", SYSTEM, splits=("tset",)), ("unknown split 'tset'", "--split", "did you mean 'test'?")),
        (
            Wish("chat", SYSTEM, prompt="four"),
            ("unknown prompt 'four'", "--prompt", "choose from: dialogue, ecr"),
        ),
        (
            Wish("chat", SYSTEM, prompt="ecr"),
            ("the format 'chat' has no prompt 'ecr'", "--prompt", "--to alpaca"),
        ),
    ],
)
def test_wishes_that_can_not_be_met(source: Path, tmp_path: Path, wish: Wish, expected) -> None:
    with pytest.raises(EcrError) as caught:
        export(source, tmp_path / "out", wish)
    assert problem(caught) == expected
    assert not (tmp_path / "out").exists()


def test_the_four_lines_need_knowledge(source: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        export(source, tmp_path / "out", Wish("alpaca", SYSTEM, prompt="ecr"))
    assert problem(caught) == (
        "the prompt 'ecr' needs a knowledge graph, and the data was processed without one",
        str(source / "knowledge.json"),
        "process it again: ecrctl data process SOURCE --output DIR --knowledge DIR",
    )


def test_the_four_lines_of_targets_with_a_movie(source: Path, tmp_path: Path) -> None:
    graph = KnowledgeGraph(
        names=["Alien (1979)", "Ridley Scott"],
        kinds=["movie", "person"],
        relations=["director"],
        triples=[(0, 0, 1)],
        items={"22": 0},
    )
    graph.save(source / "knowledge.json")
    made = export(source, tmp_path / "out", Wish("alpaca", SYSTEM, prompt="ecr"))
    (row,) = json.loads((tmp_path / "out" / "llama_train.json").read_text(encoding="utf-8"))
    assert row["instruction"] == INSTRUCTION
    assert row["input"] == (
        "Movie Name: Alien (1979)\n"
        "Related Entities: Ridley Scott\n"
        "Related Knowledge from KG: Alien (1979)'s director is Ridley Scott\n"
        "First Sentence: Try Alien (1979) & a movie"
    )
    assert row["output"] == "Try <movie> & <movie>"
    assert row["example"]["example_id"] == "5:2"
    assert [(file.rows, file.left_out) for file in made.files] == [(1, 2), (0, 0), (0, 1)]
    assert made.reads_back


def test_a_folder_that_is_not_processed(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    with pytest.raises(DataError, match="the folder holds no processed data"):
        export(tmp_path / "raw", tmp_path / "out", Wish("chat", SYSTEM))


def test_an_earlier_export_is_only_replaced_by_force(source: Path, tmp_path: Path) -> None:
    export(source, tmp_path / "out", Wish("chat", SYSTEM))
    with pytest.raises(EcrError) as caught:
        export(source, tmp_path / "out", Wish("chat", SYSTEM, splits=("train",)))
    assert problem(caught) == (
        "the output folder holds an earlier export",
        str(tmp_path / "out"),
        "replace it: --force",
    )
    export(source, tmp_path / "out", Wish("chat", SYSTEM, splits=("train",), force=True))
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["train.chat.jsonl"]


def test_force_takes_no_other_files(source: Path, tmp_path: Path) -> None:
    export(source, tmp_path / "out", Wish("chat", SYSTEM))
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(EcrError, match="the output folder holds other files"):
        export(source, tmp_path / "out", Wish("chat", SYSTEM, force=True))
    assert (tmp_path / "out" / "mine.txt").read_text() == "mine"


def test_a_broken_line_leaves_nothing_half_written(source: Path, tmp_path: Path) -> None:
    with (source / "test.jsonl").open("a", encoding="utf-8") as handle:
        handle.write("{}\n")
    with pytest.raises(DataError) as caught:
        export(source, tmp_path / "new" / "out", Wish("alpaca", SYSTEM))
    assert problem(caught)[1] == f"{source / 'test.jsonl'}:2"
    assert [path.name for path in tmp_path.iterdir()] == ["processed"]
