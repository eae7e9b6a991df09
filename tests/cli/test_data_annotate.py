"""`ecrctl data annotate` at the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from processed_data import write_processed


def test_annotate_tells_shares_beside_the_published_ones(ecrctl, tmp_path) -> None:
    write_processed(tmp_path / "p")
    finished = ecrctl("data", "annotate", "p")
    assert finished.code == 0, finished.err
    rows = [line.split() for line in finished.out.splitlines()]
    # "I love …, what is like it?" twice, "Thanks so much, bye" once
    assert rows[0] == ["emotion", "seeker", "turns", "share", "ECR", "on", "ReDial"]
    assert rows[1:5] == [
        ["like", "2", "66.7%", "46%"],
        ["curious", "2", "66.7%", "41%"],
        ["happy", "0", "0.0%", "22%"],
        ["grateful", "1", "33.3%", "20%"],
    ]
    assert [line.split(maxsplit=2) for line in finished.out.splitlines()[-4:-1]] == [
        ["seeker", "turns", "3, at most two emotions each"],
        ["recognised", "3", "by lexical"],
        ["folder", "p"],
    ]
    shown = json.loads(ecrctl("data", "show", "p", "2", "--json").out)
    assert shown["example"]["emotions"] == ["like", "curious"]


def test_annotate_as_json_into_another_folder(ecrctl, tmp_path) -> None:
    before = {path.name: path.read_bytes() for path in write_processed(tmp_path / "p").iterdir()}
    document = json.loads(ecrctl("data", "annotate", "p", "--output", "out", "--json").out)
    assert document["labels"]["grateful"] == {"turns": 1, "share": 1 / 3, "published": 0.2}
    assert (document["folder"], document["recogniser"], document["seeker_turns"], document["kept"]) == (
        "out",
        "lexical",
        3,
        0,
    )
    assert json.loads((tmp_path / "out" / "summary.json").read_bytes())["fingerprint"] == document["fingerprint"]
    assert {path.name: path.read_bytes() for path in (tmp_path / "p").iterdir()} == before


def test_kept_emotions_are_told(ecrctl, tmp_path) -> None:
    write_processed(tmp_path / "p")
    ecrctl("data", "annotate", "p")
    summary = json.loads((tmp_path / "p" / "summary.json").read_bytes())
    (tmp_path / "p" / "summary.json").write_text(json.dumps({**summary, "recogniser": "source"}))
    finished = ecrctl("data", "annotate", "p")
    assert [line.split(maxsplit=1) for line in finished.out.splitlines()[-4:-2]] == [
        ["recognised", "0 by lexical"],
        [
            "kept",
            "3 as they came with the source; if it was annotated before it was processed, write them anew: --overwrite",
        ],
    ]
    anew = ecrctl("data", "annotate", "p", "--overwrite").out
    assert "3 by lexical\n" in anew
    assert "kept" not in anew


def test_emotions_that_went_through_an_export_are_kept_and_told(ecrctl, tmp_path) -> None:
    write_processed(tmp_path / "p")
    ecrctl("data", "annotate", "p")
    ecrctl("data", "export", "p", "--to", "alpaca", "--output", "alpaca")
    assert ecrctl("data", "process", "alpaca", "--output", "again").code == 0
    assert (
        "kept          3 as they came with the source; if it was annotated" in ecrctl("data", "annotate", "again").out
    )
    assert json.loads(ecrctl("data", "annotate", "again", "--overwrite", "--json").out)["kept"] == 0


@pytest.mark.parametrize(
    "command", [["annotate", "p"], ["export", "p", "--to", "chat", "--output", "out"], ["show", "p"]]
)
def test_a_source_that_cant_be_read_is_blamed_itself(ecrctl, tmp_path, monkeypatch, command) -> None:
    write_processed(tmp_path / "p")
    opened = Path.open

    def refuse(path, mode="r", *rest, **more):
        if path == Path("p/train.jsonl") and "r" in mode:
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, mode, *rest, **more)

    monkeypatch.setattr(Path, "open", refuse)
    refused = ecrctl("data", *command)
    assert (refused.code, refused.err) == (
        3,
        "error: the file can't be read: Permission denied\n  at   p/train.jsonl\n  fix  look at its permissions\n",
    )


def test_errors_of_annotate(ecrctl, tmp_path) -> None:
    write_processed(tmp_path / "r" / "data")
    (tmp_path / "r" / "run.json").write_text("{}")
    refused = ecrctl("data", "annotate", "r")
    assert (refused.code, refused.err) == (
        2,
        "error: these are the data of a run, whose stages would no longer match them\n"
        "  at   r/data\n"
        "  fix  write elsewhere: --output DIR\n",
    )
    unknown = ecrctl("data", "annotate", "r", "--output", "out", "--recogniser", "lexicon")
    assert (unknown.code, unknown.err) == (
        2,
        "error: unknown emotion recogniser 'lexicon'\n  at   --recogniser\n"
        "  fix  did you mean 'lexical'?, or name the folder of a trained one\n",
    )
    assert ecrctl("data", "annotate", "r", "--output", "out").code == 0
