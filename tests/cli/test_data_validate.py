"""`ecrctl data validate` as it is typed and read."""

from __future__ import annotations

import json

import pytest

DIALOGUE = {
    "conversationId": "7",
    "initiatorWorkerId": 1,
    "respondentWorkerId": 2,
    "movieMentions": {"100": "Up (2009)"},
    "initiatorQuestions": {"100": {"suggested": 1, "seen": 0, "liked": 1}},
    "respondentQuestions": {"100": {"suggested": 1, "seen": 0, "liked": 1}},
    "messages": [
        {"timeOffset": 0, "text": "I feel sad", "senderWorkerId": 1, "messageId": 1},
        {"timeOffset": 9, "text": "I am sorry", "senderWorkerId": 2, "messageId": 2},
        {"timeOffset": 12, "text": "Thanks", "senderWorkerId": 1, "messageId": 3},
        {"timeOffset": 15, "text": "Try @100", "senderWorkerId": 2, "messageId": 4},
    ],
}


@pytest.fixture
def folder(tmp_path):
    """Writes dialogues by split into the folder `raw`."""

    def write(**splits):
        (tmp_path / "raw").mkdir(exist_ok=True)
        for split, dialogues in splits.items():
            lines = [entry if isinstance(entry, str) else json.dumps({**DIALOGUE, **entry}) for entry in dialogues]
            path = tmp_path / "raw" / f"{split}_data.jsonl"
            path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")

    return write


def test_good_data_passes_with_notes(ecrctl, folder) -> None:
    folder(train=[{}])
    finished = ecrctl("data", "validate", "raw", "--strict", "--format", "redial")
    assert (finished.code, finished.err) == (0, "")
    assert finished.out.splitlines()[1].split(maxsplit=1)[0] == "note"
    assert finished.out.splitlines()[-2:] == [
        "raw (redial): train 1 dialogues, 2 examples",
        "0 errors, 0 warnings, 3 notes",
    ]


def test_errors_are_shown_and_fail_the_gate(ecrctl, folder) -> None:
    folder(train=[{}, {"conversationId": "8"}], test=[{"conversationId": "8"}])
    finished = ecrctl("data", "validate", "raw", "--format", "redial")
    assert finished.code == 4
    lines = finished.out.splitlines()
    assert " ".join(lines[1].split()) == "error a conversation is in two splits, by its id 1 of 3 dialogues"
    at = lines.index("error leak-identity: a conversation is in two splits, by its id")
    assert lines[at + 1 : at + 3] == [
        "  raw/test_data.jsonl:1 (8): the first is at raw/train_data.jsonl:2 (8)",
        "  fix  take it out of one of the two files",
    ]
    assert finished.err == (
        "error: the data has 1 error\n"
        "  at   raw\n"
        "  fix  mend what the findings name; all of them with their fixes: ecrctl data validate raw --json\n"
    )


def test_warnings_fail_only_when_strict(ecrctl, folder) -> None:
    folder(train=[{"movieMentions": {"100": None}}])
    assert ecrctl("data", "validate", "raw", "--format", "redial").code == 0
    finished = ecrctl("data", "validate", "raw", "--strict", "--format", "redial")
    assert finished.code == 4
    assert finished.err.splitlines()[0] == "error: the data has 1 warning, and --strict allows none"


def test_json_is_the_report_and_the_gate_holds(ecrctl, folder) -> None:
    folder(train=[{}, "{"])
    finished = ecrctl("data", "validate", "raw", "--json", "--format", "redial")
    document = json.loads(finished.out)
    assert finished.code == 4
    assert (document["source"], document["form"], document["errors"]) == ("raw", "redial", 1)
    assert document["splits"]["train"] == {"dialogues": 1, "turns": 4, "examples": 2, "unread": 1}
    first = document["findings"][0]
    assert (first["code"], first["grade"], first["count"], first["total"]) == ("unreadable", "error", 1, 2)
    assert (first["examples"][0]["file"], first["examples"][0]["line"]) == ("raw/train_data.jsonl", 2)


def test_what_cant_be_read_at_all_is_bad_data(ecrctl, tmp_path) -> None:
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "train_data.jsonl").write_text("{\n", encoding="utf-8")
    finished = ecrctl("data", "validate", "raw", "--format", "redial")
    assert finished.code == 3
    assert finished.out == ""
    assert "  at   raw/train_data.jsonl:1\n" in finished.err
    assert "  fix  mend the source, or name its format with --format\n" in finished.err


def test_a_processed_folder(ecrctl, folder) -> None:
    folder(train=[{}])
    ecrctl("data", "process", "raw", "--output", "out", "--format", "redial", "--set", "data.validation_share=0")
    finished = ecrctl("data", "validate", "out")
    assert finished.code == 0, finished.err
    assert finished.out.splitlines()[-1] == "0 errors, 2 warnings, 1 note"


def test_the_length_limits_are_the_settings(ecrctl, folder) -> None:
    folder(train=[{}])
    finished = ecrctl(
        "data", "validate", "raw", "--json", "--format", "redial", "--set", "prompt.context_max_length=16",
        "--set", "prompt.system=one two three four five six seven eight nine ten",
    )  # fmt: skip
    codes = {finding["code"]: finding for finding in json.loads(finished.out)["findings"]}
    # 10 words of the system message and 7 of three turns, times 1.3, are 22.1: 23 tokens; before that it is 17.
    assert codes["long-prompt"]["count"] == 2
    assert codes["long-prompt"]["examples"][1]["detail"] == "turn 3, 23 tokens"


def test_a_tokenizer_that_is_not_there(ecrctl, folder) -> None:
    folder(train=[{}])
    finished = ecrctl("data", "validate", "raw", "--format", "redial", "--tokenizer", "nowhere")
    assert finished.code in (2, 3)
    assert "nowhere" in finished.err


@pytest.mark.parametrize("columns", ["30", "49", "50", "200"])
def test_it_stays_readable_at_any_width(ecrctl, folder, monkeypatch, columns) -> None:
    folder(train=[{}, {}])
    monkeypatch.setenv("COLUMNS", columns)
    finished = ecrctl("data", "validate", "raw", "--format", "redial")
    assert finished.out.splitlines()[-1] == "1 error, 0 warnings, 3 notes"
    narrow = "error a conversation id comes twice in one split: 1 of 2 dialogues" in finished.out
    assert narrow == (int(columns) < 50)
    words = finished.out.split()
    assert words.count("1") >= 1
    assert "dialogues" in words


def test_control_characters_of_dialogues_do_not_reach_the_terminal(ecrctl, folder) -> None:
    folder(train=[{"movieMentions": {"100": "\u001b[31mUp\u0007"}}])
    finished = ecrctl("data", "validate", "raw", "--format", "redial")
    assert "\u001b" not in finished.out
    assert "\u0007" not in finished.out


def test_the_command_it_advises_can_be_typed_where_a_folder_has_a_blank_and_an_umlaut(ecrctl, folder, tmp_path) -> None:
    folder(train=[{}, "{"])
    (tmp_path / "raw").rename(tmp_path / "Mein Gespräch")
    said = ecrctl("data", "validate", "Mein Gespräch", "--format", "redial").err
    assert "ecrctl data validate 'Mein Gespräch' --json" in said
