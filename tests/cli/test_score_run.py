"""`ecrctl score run`: from the command line to the file, against the rubric and a server on this machine."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "scoring"))
sys.path.insert(0, str(Path(__file__).parents[1] / "evaluation"))
from endpoint_server import chat_server, completion, late, says
from judged import write_rows
from run_maker import make_run

from ecr_engine.runs.lock import locked

RATINGS = '{"empathy": R, "informativeness": 1, "recommendation": 1, "engagement": 1, "overall": 5}'
WORDS = ["I am sorry. Try <movie>?", "Hello", None, "It is a warm and funny movie"]


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


@pytest.fixture
def rows(tmp_path):
    return write_rows(tmp_path / "in.jsonl", WORDS)


def lines(path):
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


def test_the_guides_command_line_and_the_summary(ecrctl, rows):
    finished = ecrctl("score", "run", "--input", rows, "--output", "out.jsonl", "--max", 3, "--start", 1)
    assert finished.code == 0, finished.err
    found = lines("out.jsonl")
    assert [row["example_id"] for row in found] == ["1:1", "2:1", "3:1"]
    assert found[1]["failure"] == "the row has no response"
    assert [row["who"] for row in found] == ["in"] * 3
    shown = finished.out
    assert "the row has no response     1" in shown
    assert "scored   2 responses, 1 failures\n" in shown
    assert "from     the judge 2, the cache 0, there before 0\n" in shown
    assert "judge    rubric, dimensions guide\n" in shown
    last = finished.err.splitlines()[-1]
    assert last.startswith("stage=score event=progress done=3 total=3 failed=1 cached=0 rows_per_s=")


def test_the_second_time_all_is_known(ecrctl, rows):
    ecrctl("score", "run", "--input", rows, "--output", "one.jsonl", "--quiet")
    again = ecrctl("score", "run", "--input", rows, "--output", "two.jsonl", "--json", "--quiet")
    document = json.loads(again.out)
    assert (document["asked"], document["cached"], document["failed"]) == (0, 3, 1)
    assert document["failures"] == {"the row has no response": 1}
    assert Path("one.jsonl").read_bytes() == Path("two.jsonl").read_bytes()
    anew = ecrctl("score", "run", "--input", rows, "--output", "three.jsonl", "--json", "--quiet", "--no-cache")
    assert json.loads(anew.out)["asked"] == 3
    ecrctl("score", "run", "--input", rows, "--output", "four.jsonl", "--quiet", "--cache", "mine.sqlite3")
    assert Path("mine.sqlite3").is_file()


@pytest.mark.parametrize("flag", [["--resume"], ["--resume", "auto"], ["--resume=auto"]])
def test_going_on(ecrctl, rows, flag):
    ecrctl("score", "run", "--input", rows, "--output", "out.jsonl", "--max", 2, "--quiet")
    finished = ecrctl("score", "run", *flag, "--input", rows, "--output", "out.jsonl", "--json")
    assert finished.code == 0, finished.err
    document = json.loads(finished.out)
    assert (document["kept"], document["rows"]) == (2, 4)
    assert [row["example_id"] for row in lines("out.jsonl")] == [f"{n}:1" for n in range(4)]


def test_an_endpoint_with_the_flags_in_both_spellings(ecrctl, rows):
    words = "--mode generate --batch_size 4 --concurrency 3 --rpm 1000 --tpm 100000 --timeout 5 --retries 2 --json"
    with chat_server(says(RATINGS.replace("R", "3"))) as server:
        finished = ecrctl(
            "score", "run", "--input", rows, "--output", "out.jsonl", "--judge", server.address, *words.split()
        )
        assert finished.code == 0, finished.err
        assert len(server.asked) == 3
        document = json.loads(finished.out)
        assert document["judge"] == server.address
        assert document["means"] == {
            "empathy": 0.5, "informativeness": 0, "recommendation": 0, "engagement": 0, "overall": 1
        }  # fmt: skip


def test_the_papers_dimensions(ecrctl, rows):
    with chat_server(says("7")) as server:
        arguments = ("--judge", server.address, "--dimensions", "paper", "--json", "--quiet")
        finished = ecrctl("score", "run", "--input", rows, "--output", "out.jsonl", *arguments)
    assert json.loads(finished.out)["means"]["lifelikeness"] == 7.0
    assert lines("out.jsonl")[0]["dimensions"] == "paper"


def test_failures_are_judged_again(ecrctl, rows):
    with chat_server(says("no idea")) as server:
        arguments = ("score", "run", "--input", rows, "--output", "out.jsonl", "--judge", server.address)
        first = ecrctl(*arguments, "--json", "--quiet")
        assert json.loads(first.out)["failures"] == {
            "the reply for 'empathy' is no number from 1 to 5": 3,
            "the row has no response": 1,
        }
        server.act = says("2")
        second = ecrctl(*arguments, "--retry-failures", "--json", "--quiet")
    document = json.loads(second.out)
    assert (document["scored"], document["failed"], document["asked"]) == (3, 1, 3)


def test_a_dry_run_judges_nothing(ecrctl, rows):
    finished = ecrctl(
        "score", "run", "--input", rows, "--output", "out.jsonl", "--judge", "openai:http://h/v1#m", "--dry-run"
    )
    assert (finished.code, finished.err) == (0, "")
    shown = {line.split("  ")[0]: line.split()[-1] for line in finished.out.splitlines()}
    assert (shown["responses"], shown["judge"], shown["judge.concurrency"]) == ("4", "openai:http://h/v1#m", "8")
    assert not Path("out.jsonl").exists()


def test_rows_in_any_form(ecrctl, tmp_path):
    rows = [
        {"context": "I feel sad today", "response": "I am sorry."},
        {"context": ["Hi", "Hello", "I feel sad"], "response": "Oh no.", "example_id": 7, "who": "mine"},
        {"context": [{"role": "recommender", "text": "How are you?"}], "response": "Fine", "conversation_id": "c"},
        {"context": [], "response": ""},
    ]
    (tmp_path / "in.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    with chat_server(says("2")) as server:
        arguments = ("--judge", server.address, "--concurrency", 1, "--quiet")
        finished = ecrctl("score", "run", "--input", "in.jsonl", "--output", "out.jsonl", *arguments)
        assert finished.code == 0, finished.err
        texts = [asked["messages"][0]["content"] for asked in server.asked[::5]]
    found = lines("out.jsonl")
    assert [(row["example_id"], row["conversation_id"], row["who"]) for row in found] == [
        ("in:1", "in:1", "in"), ("7", "7", "mine"), ("in:3", "c", "in"), ("in:4", "in:4", "in")
    ]  # fmt: skip
    assert "seeker: I feel sad today\n" in texts[0]
    assert "seeker: Hi\nrecommender: Hello\nseeker: I feel sad\n" in texts[1]
    assert "recommender: How are you?\n" in texts[2]
    assert found[3]["failure"] == "the response is empty"


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ('{"response": "x"}', "the sample has no field 'context'"),
        ('{"context": 5, "response": "x"}', "the sample's 'context' is 5, not a text or a list"),
        ('{"context": [5], "response": "x"}', "the sample's 'context[0]' is 5, not a text or an object"),
        (
            '{"context": [{"role": "bot", "text": ""}]}',
            "the sample's 'context[0].role' is \"bot\", not seeker or recommender",
        ),
        ('{"context": [], "response": 5}', "the sample's 'response' is 5, not a text"),
        ('{"context": [], "resp', "a torn line, not JSON: Unterminated string starting at"),
    ],
)
def test_a_line_that_is_no_row_is_found_before_anything_is_judged(ecrctl, rows, line, what):
    with rows.open("a", encoding="utf-8") as handle:
        handle.write(line)
    refused = ecrctl("score", "run", "--input", rows, "--output", "out.jsonl")
    assert (refused.code, refused.out) == (3, "")
    assert refused.err == (
        f"error: {what}\n  at   {rows}:5\n  fix  name a samples.jsonl that `ecrctl eval run` wrote, or a run\n"
    )
    assert not Path("out.jsonl").exists()


def test_a_judge_that_is_in_the_reward_is_named_as_such(ecrctl, tmp_path):
    run = make_run(tmp_path / "runs" / "demo", turns=12)
    for name, judges in (("policy", ["rubric"]), ("baseline", ["mistral-7b-instruct"])):
        path = run.evaluation(name) / "results.json"
        sources = {"components": ["judge"], "judges": judges, "encoders": []}
        path.write_text(json.dumps({**json.loads(path.read_text()), "reward_sources": sources}), encoding="utf-8")
    paid = ecrctl("score", "run", "--input", "runs/demo", "--output", "a.jsonl", "--quiet")
    assert paid.code == 0, paid.err
    told = "\nin reward  'rubric' is in the reward of runs/demo: its scores are no evidence there\n"
    assert paid.out.endswith(f"{told}next       ecrctl score report a.jsonl\n")
    out = ecrctl("score", "run", "--input", "runs/demo:baseline", "--output", "b.jsonl", "--quiet")
    told = "\nheld out  'rubric' is not in the reward of runs/demo:baseline\n"
    assert out.out.endswith(f"{told}next      ecrctl score report b.jsonl\n")
    asked = ("--output", "c.jsonl", "--quiet", "--json")
    assert json.loads(ecrctl("score", "run", "--input", "runs/demo", *asked).out)["in_reward"] == {"runs/demo": True}
    # An evaluation that does not say what its reward draws on.
    path.write_text(json.dumps({**json.loads(path.read_text()), "reward_sources": {}}), encoding="utf-8")
    unknown = ecrctl("score", "run", "--input", "runs/demo:baseline", "--output", "d.jsonl", "--quiet")
    assert "reward" not in unknown.out


IS_THERE = "'there.jsonl' is there already"


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (
            ["--output", "there.jsonl"],
            2,
            f"error: {IS_THERE}\n  at   --output there.jsonl\n"
            "  fix  go on with it: --resume auto; or name another file with --output\n",
        ),
        (
            ["--output", "out.jsonl", "--max", "2", "--limit", "3"],
            2,
            "error: two numbers of responses: 2 and 3\n  at   --max and --limit\n  fix  leave one of them out\n",
        ),
        (
            ["--output", "out.jsonl", "--cache", "x", "--no-cache"],
            2,
            "error: a cache, and none\n  at   --cache and --no-cache\n  fix  leave one of them out\n",
        ),
        (
            ["--output", "."],
            2,
            "error: the output is a folder\n  at   --output .\n  fix  --output judged.jsonl\n",
        ),
        (
            ["--output", "out.jsonl", "--judge", "openai:http://h/v1"],
            2,
            "error: the endpoint 'openai:http://h/v1' names no model\n  at   judge.name\n"
            "  fix  write openai:http://127.0.0.1:8000/v1#MODEL\n",
        ),
        (
            ["--output", "out.jsonl", "--dimensions", "giude"],
            2,
            "error: there are no dimensions 'giude'\n  at   judge.dimensions\n  fix  did you mean 'guide'?\n",
        ),
    ],
)
def test_what_cannot_be(ecrctl, rows, arguments, code, text):
    Path("there.jsonl").write_text("", encoding="utf-8")
    refused = ecrctl("score", "run", "--input", rows, *arguments)
    assert (refused.code, refused.err) == (code, text)
    assert not Path("out.jsonl").exists()


def test_the_second_process_fails_at_once(ecrctl, rows):
    with locked(Path(".out.jsonl.lock"), "the output"):
        refused = ecrctl("score", "run", "--input", rows, "--output", "out.jsonl", "--quiet")
    assert refused.code == 1
    what, at, fix = refused.err.splitlines()
    assert what.startswith("error: the output 'out.jsonl' is in use by process ")
    assert (at, fix) == ("  at   .out.jsonl.lock", "  fix  wait until it ends, or stop it")


def test_no_server_is_an_unavailable_judge(ecrctl, rows, monkeypatch):
    with chat_server(says("1")) as server:
        address, base = server.address, server.base
    refused = ecrctl("score", "run", "--input", rows, "--output", "out.jsonl", "--judge", address, "--retries", 0)
    assert refused.code == 5
    assert refused.err.endswith(
        f"\n  at   {base}\n  fix  start the server, then type the same command with --resume auto\n"
    )
    assert not Path("out.jsonl").exists()


def test_the_key_is_in_no_file(ecrctl, rows, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    with chat_server(says("I know sk-very-secret")) as server:
        finished = ecrctl("score", "run", "--input", rows, "--output", "out.jsonl", "--judge", server.address, "-v")
        assert server.headers[0]["Authorization"] == "Bearer sk-very-secret"
    assert "sk-very-secret" not in finished.out + finished.err
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or b"sk-very-secret" not in path.read_bytes()


def interrupted(output: Path, address: str, rows: Path, *, after: int) -> int:
    """Starts a job, sends SIGKILL when there are `after` rows, and returns how many there were."""
    words = [sys.executable, "-m", "ecrctl", "score", "run", "--input", rows, "--output", output, "--judge", address]
    options = ["--mode", "generate", "--concurrency", "4", "--quiet", "--resume", "auto"]
    started = subprocess.Popen([*map(str, words), *options], stdout=subprocess.DEVNULL)
    while started.poll() is None and (not output.exists() or output.read_bytes().count(b"\n") < after):
        time.sleep(0.001)
    started.send_signal(signal.SIGKILL)
    started.wait()
    return output.read_bytes().count(b"\n")


@pytest.mark.parametrize("kills", [5, pytest.param(20, marks=pytest.mark.slow)])
def test_kills_lose_and_repeat_nothing(ecrctl, tmp_path, kills):
    count = 60 * kills
    rows = write_rows(tmp_path / "in.jsonl", [f"row-{n:05}" for n in range(count)])
    output = tmp_path / "out.jsonl"
    rng = random.Random(kills)

    def answer(handler, asked):
        number = int(asked["messages"][0]["content"].partition("row-")[2][:5])
        handler.send(completion(RATINGS.replace("R", str(number % 5 + 1))))

    with chat_server(late(0.004, answer)) as server:
        kept = 0
        for _ in range(kills):
            before = len(server.asked)
            kept_before, kept = kept, interrupted(output, server.address, rows, after=kept + rng.randint(1, 50))
            asked = {text.partition("row-")[2][:5] for text in _texts(server)[before:]}
            # What is in the file is not asked for again.
            assert min(map(int, asked)) >= kept_before
            if rng.random() < 0.5:
                # A power cut can tear a line, too.
                os.truncate(output, output.stat().st_size - rng.randint(1, 20))
                kept = output.read_bytes().count(b"\n")
        finished = ecrctl(
            "score", "run", "--input", rows, "--output", output, "--judge", server.address, "--mode", "generate",
            "--quiet", "--json", "--resume", "auto",
        )  # fmt: skip
    assert finished.code == 0, finished.err
    document = json.loads(finished.out)
    assert (document["rows"], document["kept"], document["failed"]) == (count, kept, 0)
    found = lines(output)
    assert [row["example_id"] for row in found] == [f"{n}:1" for n in range(count)]
    assert [row["scores"]["empathy"] for row in found] == [n % 5 / 4 for n in range(count)]


def _texts(server) -> list[str]:
    return [asked["messages"][0]["content"] for asked in server.asked]
