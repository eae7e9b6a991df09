"""`ecrctl score run --listwise`: several systems side by side, against a server whose liking for the first is known."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "scoring"))
from endpoint_server import chat_server, completion, says, sends

VALUES = [(3, 3), (3, 3), (4, 2), (4, 2)]
"""What the responses of `ours` and `theirs` are worth, turn by turn."""


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


@pytest.fixture
def files(tmp_path):
    write(tmp_path / "ours.jsonl", [f"worth {ours}" for ours, _ in VALUES])
    # Another order, and a turn that `ours` does not have: rows go by their example.
    write(tmp_path / "theirs.jsonl", [f"worth {theirs}" for _, theirs in VALUES] + ["worth 1"], backwards=True)


def write(path: Path, responses: list[str | None], *, backwards: bool = False, **more: object) -> Path:
    rows = [
        {"example_id": f"{n}:1", "conversation_id": f"{n}", "context": ["Hi", "Hello", f"turn {n}"], "response": text}
        for n, text in enumerate(responses)
    ]
    ordered = reversed(rows) if backwards else rows
    path.write_text("".join(json.dumps({**row, **more}) + "\n" for row in ordered), encoding="utf-8")
    return path


def first_is_better(handler, asked):
    """Rates a response by its number, and one higher where it is shown first."""
    text = asked["messages"][0]["content"]
    letter = re.search(r"Rate the .* of response ([A-M]), ", text)[1]
    worth = int(re.search(rf"^Response {letter}: worth (\d)$", text, re.MULTILINE)[1])
    handler.send(completion(str(worth + (letter == "A"))))


def lines(path: str) -> list[dict]:
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


def words(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def compare(ecrctl, server, *arguments):
    asked = ("--listwise", "theirs.jsonl", "--judge", server.address, "--output", "out.jsonl")
    return ecrctl("score", "run", "--input", "ours.jsonl", *asked, *arguments)


def test_a_swap_test_shows_the_liking_and_evens_it_out(ecrctl, files):
    with chat_server(first_is_better) as server:
        done = compare(ecrctl, server, "--swap-test")
        assert done.code == 0, done.err
        # Four turns in two orders, two responses, five dimensions.
        assert len(server.asked) == 4 * 2 * 2 * 5
    shown = words(done.out)
    assert shown[0] == ["mean", "of", "ours", "theirs"]
    # Worth 3.5 and 2.5 on average, and half a point for having stood first once: (4 - 1) / 4 and (3 - 1) / 4.
    assert shown[1] == ["empathy", "0.7500", "0.5000"]
    [bias] = [line for line in shown if line[:1] == ["overall"] and line[-1] == "0.50"]
    # A point is .25; the two turns where both are worth the same change their better one, the other two do not.
    assert bias[-5:] == ["0.25", "[0.25,", "0.25]", "0.25", "0.50"]
    assert "swap test of 4 turns: earlier − later is what a response gains by standing earlier" in done.out
    found = lines("out.jsonl")
    assert [(row["example_id"], row["who"]) for row in found] == [
        (f"{n}:1", who) for n in range(4) for who in ("ours", "theirs")
    ]
    places = [[each["place"] for each in row["places"]] for row in found]
    assert all(sorted(pair) == [1, 2] for pair in places)
    for row, (first, second) in zip(found, (row["places"] for row in found), strict=True):
        assert abs(first["scores"]["overall"] - second["scores"]["overall"]) == 0.25
        assert row["scores"]["overall"] == (first["scores"]["overall"] + second["scores"]["overall"]) / 2


def test_the_same_from_the_file_and_as_json(ecrctl, files):
    with chat_server(first_is_better) as server:
        done = compare(ecrctl, server, "--swap-test", "--json", "--quiet")
    document = json.loads(done.out)
    assert document["systems"]["ours"]["overall"] == 0.75
    assert (document["rows"], document["left_out"], document["in_reward"]) == (
        8, 0, {"ours.jsonl": None, "theirs.jsonl": None},
    )  # fmt: skip
    [file] = json.loads(ecrctl("score", "report", "out.jsonl", "--json").out)["files"]
    assert file["position"] == document["position"]
    [overall] = [one for one in file["position"] if one["dimension"] == "overall"]
    assert overall == {
        "dimension": "overall", "turns": 4, "preference": 0.25, "interval": [0.25, 0.25], "shift": 0.25, "flipped": 0.5,
    }  # fmt: skip
    told = ecrctl("score", "report", "out.jsonl").out
    assert ["mean", "of", "ours", "theirs"] in words(told)
    assert "swap test of 4 turns" in told


@pytest.mark.parametrize("width", [40, 80])
def test_tables_fit(ecrctl, files, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    with chat_server(first_is_better) as server:
        done = compare(ecrctl, server, "--swap-test", "--quiet")
    head = done.out.partition("swap test of")[0].splitlines()
    assert max(map(len, head)) <= width
    # The last figure of a row is the share of pairs that flip, at any width.
    assert [line.split()[-1] for line in head if line.startswith("overall")][-1] == "0.50"


def test_without_a_swap_test_there_is_no_figure_for_places(ecrctl, files):
    with chat_server(first_is_better) as server:
        done = compare(ecrctl, server, "--json", "--quiet")
        assert len(server.asked) == 4 * 2 * 5
        # All names are hidden, and A is not always the same system.
        texts = {asked["messages"][0]["content"] for asked in server.asked}
    assert json.loads(done.out)["position"] == []
    assert not any("ours" in text or "theirs" in text for text in texts)
    assert {row["places"][0]["place"] for row in lines("out.jsonl") if row["who"] == "ours"} == {1, 2}
    assert "swap test" not in ecrctl("score", "report", "out.jsonl").out


def test_a_kill_in_the_middle_of_a_turn_loses_and_repeats_nothing(ecrctl, files):
    with chat_server(first_is_better) as server:
        compare(ecrctl, server, "--swap-test", "--quiet")
        whole = Path("out.jsonl").read_bytes()
        ends = [at + 1 for at, byte in enumerate(whole) if byte == ord("\n")]
        # After three rows, in mid-turn; in the fourth row; after two turns.
        for size, turns in ((ends[2], 1), (ends[2] + 9, 1), (ends[3], 2), (0, 0), (len(whole), 4)):
            os.truncate("out.jsonl", size) if size else Path("out.jsonl").write_bytes(b"")
            before = len(server.asked)
            again = compare(ecrctl, server, "--swap-test", "--quiet", "--json", "--resume", "auto")
            assert again.code == 0, again.err
            assert Path("out.jsonl").read_bytes() == whole
            assert json.loads(again.out)["kept"] == 2 * turns
            assert len(server.asked) - before == (4 - turns) * 20


def test_what_was_judged_otherwise_is_not_gone_on_with(ecrctl, files):
    with chat_server(first_is_better) as server:
        compare(ecrctl, server, "--quiet")
        other = compare(ecrctl, server, "--quiet", "--swap-test", "--resume")
        seed = compare(ecrctl, server, "--quiet", "--set", "seed=5", "--resume")
        fewer = compare(ecrctl, server, "--quiet", "--start", 1, "--resume")
        alone = ecrctl(
            "score", "run", "--input", "ours.jsonl", "--output", "out.jsonl", "--resume", "--judge", "rubric"
        )
    expected = (
        "error: 'out.jsonl' was judged by another judge, with other settings, or not side by side in these orders\n"
        "  at   out.jsonl:1\n  fix  use the judge, the settings, the seed and --swap-test of the first time, or name "
        "another file with --output\n"
    )
    assert (other.code, other.err.rpartition("stopped")[0] + other.err[other.err.index("error") :]) == (2, expected)
    assert seed.err.endswith(expected)
    assert fewer.code == 3
    assert "'out.jsonl' has 4 turns, and 3 are to be judged" in fewer.err
    assert alone.code == 2


def test_the_human_responses_and_turns_that_one_did_not_answer(ecrctl, tmp_path):
    write(tmp_path / "ours.jsonl", ["worth 4", "worth 4", "worth 4"], reference="worth 2")
    write(tmp_path / "theirs.jsonl", ["worth 3", None])
    with chat_server(first_is_better) as server:
        done = compare(
            ecrctl, server, "--listwise", "reference", "--swap-test", "--quiet", "--set", "judge.concurrency=2"
        )
    assert done.code == 0, done.err
    assert words(done.out)[0] == ["mean", "of", "ours", "theirs", "reference"]
    assert "left out  1 turns that not all of them answered\n" in done.out
    assert "the response is empty     1\n" in done.out
    found = lines("out.jsonl")
    assert [row["failure"] for row in found if row["who"] == "theirs"] == [None, "the response is empty"]
    assert [row["places"][0]["of"] for row in found] == [3] * 6


def test_a_dry_run(ecrctl, files):
    done = ecrctl(
        "score", "run", "--input", "ours.jsonl", "--listwise", "theirs.jsonl", "--judge", "openai:http://h/v1#m",
        "--output", "out.jsonl", "--dry-run", "--dimensions", "paper", "--swap-test", "--max", 3,
    )  # fmt: skip
    shown = {line.split("  ")[0]: line.partition("  ")[2].strip() for line in done.out.splitlines()}
    assert (shown["systems"], shown["turns"], shown["swap_test"]) == ("ours, theirs", "3", "True")
    assert shown["dimensions"].startswith("emotional_intensity, ")
    assert not Path("out.jsonl").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (
            ["--swap-test", "--judge", "openai:http://h/v1#m"],
            2,
            "error: one response alone has no place among others that could be swapped\n  at   --swap-test\n"
            "  fix  name what is laid beside it: --listwise reference, or --listwise RUN\n",
        ),
        (
            ["--listwise", "theirs.jsonl"],
            2,
            "error: the judge 'rubric' looks at one response at a time: it can't lay several side by side\n"
            "  at   --listwise\n  fix  name a language model with --judge, or leave --listwise out\n",
        ),
        (
            ["--listwise", "theirs.jsonl", "--judge", "openai:http://h/v1#m", "--retry-failures"],
            2,
            "error: responses that were judged side by side can't be judged again one by one\n"
            "  at   --retry-failures and --listwise\n  fix  leave it out, and name another file with --output\n",
        ),
        (
            ["--listwise", "theirs.jsonl", "--judge", "openai:http://h/v1#m", "--cache", "x"],
            2,
            "error: the cache holds responses that were judged by themselves\n  at   --cache and --listwise\n"
            "  fix  leave one of them out\n",
        ),
        (
            ["--listwise", "./ours.jsonl", "--judge", "openai:http://h/v1#m"],
            2,
            "error: './ours.jsonl' is named twice\n  at   --listwise\n  fix  name responses of different systems\n",
        ),
        (
            ["--listwise", "twice.jsonl", "--judge", "openai:http://h/v1#m"],
            3,
            "error: 'twice.jsonl' answers the turn '0:1' twice\n  at   twice.jsonl\n"
            "  fix  put the responses of each system into a file of its own, one a turn\n",
        ),
        (
            ["--listwise", "other.jsonl", "--judge", "openai:http://h/v1#m"],
            3,
            "error: there is no turn that all of them answered\n  at   ours.jsonl, other.jsonl\n"
            "  fix  lay responses to the same turns side by side: rows with the same example_id in each file\n",
        ),
        (
            ["--listwise", "moved.jsonl", "--judge", "openai:http://h/v1#m"],
            3,
            "error: the turn '0:1' of 'moved.jsonl' is in another dialogue than in the input\n  at   moved.jsonl\n"
            "  fix  lay responses to the same turns side by side\n",
        ),
        (
            ["--listwise", "theirs.jsonl", "--judge", "openai:http://h/v1#m", "--output", "theirs.jsonl"],
            2,
            "error: the output is the input\n  at   --output theirs.jsonl\n  fix  name another file with --output\n",
        ),
    ],
    ids=["alone", "rubric", "retry", "cache", "itself", "twice", "other-turns", "other-dialogue", "output"],
)
def test_what_cannot_be(ecrctl, files, tmp_path, arguments, code, text):
    row = {"example_id": "0:1", "context": ["Hi", "Hello", "turn 0"], "response": "x"}
    (tmp_path / "twice.jsonl").write_text(2 * (json.dumps(row) + "\n"), encoding="utf-8")
    (tmp_path / "other.jsonl").write_text(json.dumps({**row, "example_id": "x:1"}), encoding="utf-8")
    (tmp_path / "moved.jsonl").write_text(json.dumps({**row, "context": ["Hi"]}), encoding="utf-8")
    before = sorted(path.name for path in tmp_path.iterdir())
    asked = ["--input", "ours.jsonl", "--output", "out.jsonl", *arguments]
    refused = ecrctl("score", "run", *asked)
    assert (refused.code, refused.err, refused.out) == (code, text, "")
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_a_server_that_fails_for_one_response_fails_that_one(ecrctl, files):
    with chat_server(says("5")) as server:
        server.script = [says("no idea")]
        compare(ecrctl, server, "--quiet", "--set", "judge.concurrency=1")
    failed = [row for row in lines("out.jsonl") if row["failure"]]
    assert [row["failure"] for row in failed] == ["the reply for 'empathy' is no number from 1 to 5: 'no idea'"]
    assert failed[0]["places"][0]["scores"] == {}


def test_a_server_that_only_fails_ends_the_job(ecrctl, tmp_path):
    write(tmp_path / "ours.jsonl", ["worth 4"] * 25)
    write(tmp_path / "theirs.jsonl", ["worth 3"] * 25)
    with chat_server(sends(b"", 500)) as server:
        done = compare(ecrctl, server, "--quiet", "--retries", 0)
        base = server.base
    assert done.code == 5
    assert done.err == (
        "stopped; 40 judgements are kept in out.jsonl\n"
        "error: the endpoint has failed for 20 responses in a row; the last time: the endpoint answers 500 Internal "
        f"Server Error\n  at   {base}\n"
        "  fix  see to the server, then judge into another file: --output FILE\n"
    )
