"""Scoring jobs: in order, resumable, cached, and honest about failures."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from dataclasses import replace

import pytest
from judged import GUIDE, ByLength, write_rows

from ecr_engine.errors import DataError, EcrError, UsageError
from ecr_engine.evaluation.responses import read_responses
from ecr_engine.runs.lock import locked
from ecr_engine.scoring import answers, growing
from ecr_engine.scoring.answers import checked
from ecr_engine.scoring.cache import JudgementCache, content_key, default_cache
from ecr_engine.scoring.growing import keep_rows, repair
from ecr_engine.scoring.job import JobPlan, lock_path, run_job
from ecr_engine.scoring.judge import Judgement
from ecr_engine.scoring.store import read_judgements
from ecr_engine.scoring.tally import JobProgress, Tally

WORDS = ["a", "bb", "!bad", "dddd", None, "ffffff", "!worse", "hh", "iii", "jjjj"]


@pytest.fixture
def rows(tmp_path):
    return write_rows(tmp_path / "in.jsonl", WORDS)


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out.jsonl"


def run(rows, out, judge, *, cache=None, start=0, maximum=None, listener=lambda news: None, **plan):
    responses = read_responses(rows, start=start, maximum=maximum)
    return run_job(responses, judge, JobPlan(out, **plan), cache=cache, listener=listener)


def failures(path):
    return [row.judgement.failure for row in read_judgements(path)]


def test_one_judgement_a_line_in_order_and_failures_with_their_reason(rows, out):
    summary = run(rows, out, ByLength())
    found = list(read_judgements(out))
    assert [row.example_id for row in found] == [f"{n}:1" for n in range(10)]
    assert [row.judgement.scores.get("overall") for row in found] == [
        0.1, 0.2, None, 0.4, None, 0.6, None, 0.2, 0.3, 0.4
    ]  # fmt: skip
    assert failures(out)[2] == "the judge does not like it: !bad"
    assert failures(out)[4] == "the row has no response"
    assert (found[0].judges, found[0].dimensions, found[0].fingerprint) == (("by-length",), "guide", "by-length-1")
    assert (summary.rows, summary.scored, summary.failed, summary.asked) == (10, 7, 3, 9)
    # (.1 + .2 + .4 + .6 + .2 + .3 + .4) / 7
    assert summary.means["overall"] == pytest.approx(2.2 / 7)
    assert summary.failures == {"the judge does not like it": 2, "the row has no response": 1}


def test_a_stop_at_any_byte_loses_and_repeats_nothing(rows, out, tmp_path):
    run(rows, out, ByLength())
    whole = out.read_bytes()
    ends = [at + 1 for at, byte in enumerate(whole) if byte == ord("\n")]
    near = {end + step for end in ends for step in (-2, -1, 0, 1) if 0 <= end + step < len(whole)}
    for size in sorted(near | {0, 1, len(whole) // 2}):
        part = tmp_path / "part.jsonl"
        part.write_bytes(whole[:size])
        judge = ByLength()
        summary = run(rows, part, judge, resume=True)
        assert part.read_bytes() == whole
        kept = whole[:size].count(b"\n")
        assert summary.kept == kept
        assert judge.asked == [word for word in WORDS[kept:] if word is not None]


def test_a_judge_that_breaks_leaves_what_it_has_said(rows, out):
    class Breaks(ByLength):
        def _one(self, row):
            if row.response == "hh":
                raise EcrError("the judge is gone")
            return super()._one(row)

    with pytest.raises(EcrError, match="the judge is gone"):
        run(rows, out, Breaks(window=1))
    assert len(failures(out)) == 7
    judge = ByLength()
    assert run(rows, out, judge, resume=True).kept == 7
    assert judge.asked == ["hh", "iii", "jjjj"]


def test_nothing_is_left_of_a_job_that_wrote_nothing(rows, out):
    class Absent(ByLength):
        def judge(self, rows):
            raise EcrError("no judge")
            yield

    with pytest.raises(EcrError):
        run(rows, out, Absent())
    assert sorted(path.name for path in out.parent.iterdir()) == ["in.jsonl"]


def test_failures_are_judged_again_and_only_they(rows, out, tmp_path):
    run(rows, out, ByLength())
    before = out.read_bytes().splitlines()
    judge = ByLength()
    judge.fails = False
    summary = run(rows, out, judge, retry_failures=True)
    assert judge.asked == ["!bad", "!worse"]
    assert (summary.rows, summary.failed, summary.kept, summary.asked) == (10, 1, 7, 2)
    after = out.read_bytes().splitlines()
    assert [number for number in range(10) if before[number] != after[number]] == [2, 6]
    assert json.loads(after[2])["scores"] == {"overall": 0.4}
    assert failures(out)[4] == "the row has no response"
    assert not list(tmp_path.glob(".*"))


def test_retrying_goes_on_with_what_is_not_there_yet(rows, out):
    run(rows, out, ByLength(), maximum=4)
    judge = ByLength()
    judge.fails = False
    summary = run(rows, out, judge, retry_failures=True)
    assert judge.asked == ["!bad", "ffffff", "!worse", "hh", "iii", "jjjj"]
    assert (summary.rows, summary.kept, summary.failed) == (10, 3, 1)


def test_a_retry_that_is_stopped_leaves_the_file_as_it_was(rows, out):
    run(rows, out, ByLength())
    before = out.read_bytes()

    class Breaks(ByLength):
        def _one(self, row):
            raise EcrError("the judge is gone")

    with pytest.raises(EcrError):
        run(rows, out, Breaks(), retry_failures=True)
    assert out.read_bytes() == before


def test_what_was_judged_before_is_not_asked_again(rows, out, tmp_path):
    with JudgementCache(tmp_path / "cache.sqlite3") as cache:
        first = run(rows, out, ByLength(), cache=cache)
        judge = ByLength()
        second = run(rows, tmp_path / "again.jsonl", judge, cache=cache)
    assert (first.asked, first.cached, second.asked, second.cached) == (9, 0, 2, 7)
    # Failures are asked about again.
    assert judge.asked == ["!bad", "!worse"]
    assert (tmp_path / "again.jsonl").read_bytes() == out.read_bytes()


def test_the_cache_goes_by_content_and_judge(rows):
    [first, *_] = [row.sample for row in read_responses(rows).rows()]
    judge = ByLength()
    key = content_key(judge, first)
    assert key == content_key(ByLength(name="another name"), replace(first, tokens=99))
    renamed = replace(first, example=replace(first.example, example_id="x", target="reference"))
    assert key == content_key(judge, renamed)
    others = [
        content_key(ByLength(fingerprint="by-length-2"), first),
        content_key(judge, replace(first, response="b")),
        content_key(judge, replace(first, example=replace(first.example, context=first.example.context[1:]))),
    ]
    assert len({key, *others}) == 4


def test_two_processes_may_use_one_cache(tmp_path):
    path = tmp_path / "deep" / "cache.sqlite3"
    code = textwrap.dedent(f"""
        import sys
        from pathlib import Path
        from ecr_engine.scoring.cache import JudgementCache
        from ecr_engine.scoring.judge import Judgement
        with JudgementCache(Path({str(path)!r})) as cache:
            for number in range(100):
                cache.put([(f"{{sys.argv[1]}}{{number}}".encode(), Judgement("x", {{"overall": number / 100}}, {{}}))])
    """)
    both = [subprocess.Popen([sys.executable, "-c", code, name]) for name in "ab"]
    assert [each.wait() for each in both] == [0, 0]
    with JudgementCache(path) as cache:
        found = [cache.get(f"{name}{n}".encode(), "1:1") for name in "ab" for n in range(100)]
    assert [each.scores["overall"] for each in found] == [n / 100 for n in range(100)] * 2


def test_a_damaged_cache_is_named(tmp_path):
    path = tmp_path / "cache.sqlite3"
    path.write_text("this is a text, and no database" * 99, encoding="utf-8")
    with pytest.raises(DataError) as caught, JudgementCache(path):
        pass
    [problem] = caught.value.problems
    assert problem.what == "the cache of judgements is damaged, or is none: file is not a database"
    assert problem.fix == f"remove it: rm '{path}'; or name another file with --cache"


def test_a_cache_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(EcrError) as caught, JudgementCache(tmp_path / "file" / "cache.sqlite3"):
        pass
    [problem] = caught.value.problems
    assert problem.what.startswith("the cache of judgements can't be used: ")
    assert problem.fix == "name another file with --cache, or do without: --no-cache"


def test_where_the_cache_is():
    assert str(default_cache({"XDG_CACHE_HOME": "/x"})) == "/x/ecrctl/judgements.sqlite3"
    assert str(default_cache({"XDG_CACHE_HOME": "x"})).endswith("/.cache/ecrctl/judgements.sqlite3")


@pytest.mark.parametrize(
    ("judge", "what"),
    [
        (ByLength(name="other"), "'{out}' was judged by 'by-length' on the dimensions 'guide'"),
        (
            ByLength(fingerprint="by-length-2"),
            "'{out}' was judged by 'by-length' with other settings, or another version of it",
        ),
    ],
)
def test_a_file_of_another_judge_is_not_gone_on_with(rows, out, judge, what):
    run(rows, out, ByLength(), maximum=3)
    before = out.read_bytes()
    with pytest.raises(UsageError) as caught:
        run(rows, out, judge, resume=True)
    [problem] = caught.value.problems
    assert (problem.what, problem.at) == (what.format(out=out), f"{out}:1")
    assert problem.fix == "use the judge and the settings of the first time, or name another file with --output"
    assert out.read_bytes() == before


def test_a_file_of_other_responses_is_not_gone_on_with(rows, out):
    run(rows, out, ByLength(), start=1, maximum=3)
    with pytest.raises(DataError) as caught:
        run(rows, out, ByLength(), resume=True)
    [problem] = caught.value.problems
    assert problem.what == "the judgement is of '1:1', which is not response 1 of the input ('0:1')"
    assert (problem.at, problem.fix) == (
        f"{out}:1",
        "give the same --input and --start as before, or name another file with --output",
    )
    with pytest.raises(DataError) as caught:
        run(rows, out, ByLength(), start=1, maximum=2, resume=True)
    assert caught.value.problems[0].what == f"'{out}' has 3 judgements, and 2 responses are to be judged"


def test_a_file_that_is_there_is_not_touched(rows, out):
    out.write_text("mine\n", encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        run(rows, out, ByLength())
    [problem] = caught.value.problems
    assert (problem.what, problem.fix) == (
        f"'{out}' is there already",
        "go on with it: --resume auto; or name another file with --output",
    )
    with pytest.raises(DataError, match="the line is not a judgement"):
        run(rows, out, ByLength(), resume=True)
    assert out.read_text(encoding="utf-8") == "mine\n"


def test_the_second_process_fails_at_once(rows, out):
    with locked(lock_path(out), "the output"), pytest.raises(EcrError) as caught:
        run(rows, out, ByLength())
    [problem] = caught.value.problems
    assert problem.what.startswith(f"the output '{out}' is in use by process ")
    assert problem.fix == "wait until it ends, or stop it"


def test_lines_that_come_meanwhile_are_for_the_next_time(rows, out):
    responses = read_responses(rows)
    write_rows(rows, ["later", "latest"], first=10, mode="a")
    assert run_job(responses, ByLength(), JobPlan(out)).rows == 10
    judge = ByLength()
    assert run(rows, out, judge, resume=True).rows == 12
    assert judge.asked == ["later", "latest"]


def test_an_input_that_shrinks_meanwhile_is_an_error(rows, out):
    responses = read_responses(rows)
    size = rows.stat().st_size
    rows.write_bytes(rows.read_bytes()[:200])
    with pytest.raises(DataError) as caught:
        list(responses.rows())
    assert caught.value.problems[0].what.startswith("a torn line, not JSON")
    rows.write_bytes(rows.read_bytes().rpartition(b"\n")[0] + b"\n")
    with pytest.raises(DataError) as caught:
        list(responses.rows())
    left = rows.stat().st_size
    assert caught.value.problems[0].what == (
        f"the file has become shorter while it was read: {left} of {size} bytes are left"
    )


def test_known_rows_do_not_pile_up_before_one_that_is_asked(rows, out, monkeypatch, tmp_path):
    monkeypatch.setattr(answers, "AHEAD", 3)
    with JudgementCache(tmp_path / "cache.sqlite3") as cache:
        run(rows, out, ByLength(), cache=cache)
        again = tmp_path / "again.jsonl"
        judge = ByLength(window=99)
        run(rows, again, judge, cache=cache)
    assert again.read_bytes() == out.read_bytes()
    # Ten rows, three at a time.
    assert judge.calls >= 4


@pytest.mark.parametrize(
    ("judgement", "failure"),
    [
        (Judgement("1:1", {"overall": float("nan")}, {}), "the judge's score nan for 'overall' is not in [0, 1]"),
        (Judgement("1:1", {"overall": 1.5}, {}), "the judge's score 1.5 for 'overall' is not in [0, 1]"),
        (Judgement("1:1", {"charm": 0.5}, {}), "the judge scored 'charm', which was not asked for"),
        (Judgement("1:1", {}, {}), "the judge gave no score"),
        (Judgement("1:1", {"overall": 0.5}, {}, "it broke"), "it broke"),
    ],
)
def test_what_no_judgement_is_becomes_a_failure(judgement, failure):
    found = checked(judgement, GUIDE)
    assert (found.scores, found.failure) == ({}, failure)


def test_a_judge_out_of_step_is_an_error(rows, out):
    class Backwards(ByLength):
        def judge(self, rows):
            yield from reversed(list(super().judge(rows)))

    with pytest.raises(EcrError) as caught:
        run(rows, out, Backwards())
    assert caught.value.problems[0].what == ("the judge 'by-length' answers out of order: '9:1' in the place of '0:1'")


def test_progress_and_pace():
    time = iter([0.0, 10.0, 20.0, 50.0, 60.0])
    tally = Tally(100, clock=lambda: next(time))
    for _ in range(10):
        tally.add(Judgement("x", {"overall": 1.0}, {}), answers.Origin.KEPT)
    for _ in range(20):
        tally.add(Judgement("x", {"overall": 1.0}, {}), answers.Origin.JUDGE)
    # 20 new rows in 10 s; 70 left.
    assert tally.progress() == JobProgress(30, 100, 0, 0, 2.0, 35.0)
    assert tally.progress().rows_per_s == 1.0
    for _ in range(30):
        tally.add(Judgement("x", {}, {}, "no"), answers.Origin.CACHE)
    # 30 rows since the mark of 20 s: the pace is that of the last 30 s. 40 are left.
    assert tally.progress() == JobProgress(60, 100, 30, 30, 1.0, 40.0)
    assert tally.summary(None, "j", "guide").rows_per_s == pytest.approx(50 / 60)


def test_a_torn_line_longer_than_a_block_is_taken_away(tmp_path, monkeypatch):
    monkeypatch.setattr(growing, "BLOCK", 8)
    path = tmp_path / "x"
    path.write_bytes(b"one\n" + b"x" * 50)
    assert (repair(path), path.read_bytes()) == (50, b"one\n")
    path.write_bytes(b"x" * 50)
    assert (repair(path), path.read_bytes()) == (50, b"")
    path.write_bytes(b"one\n")
    assert (repair(path), path.read_bytes()) == (0, b"one\n")
    path.write_bytes(b"one\ntwo\nthree\n")
    keep_rows(path, 2)
    assert path.read_bytes() == b"one\ntwo\n"


MEMORY = """
import resource, sys
from pathlib import Path
sys.path.insert(0, {here!r})
from judged import ByLength, write_rows
from ecr_engine.evaluation.responses import read_responses
from ecr_engine.scoring.cache import JudgementCache
from ecr_engine.scoring.job import JobPlan, run_job
folder, count = Path(sys.argv[1]), int(sys.argv[2])
write_rows(folder / f"in{{count}}", ("word " * 20 + str(n) for n in range(count)))
judge = ByLength()
judge._one = lambda row, one=judge._one: (one(row), judge.asked.clear())[0]
with JudgementCache(folder / f"cache{{count}}") as cache:
    run_job(read_responses(folder / f"in{{count}}"), judge, JobPlan(folder / f"out{{count}}"), cache=cache)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_memory_is_flat_over_100_000_rows(tmp_path):
    from pathlib import Path

    code = MEMORY.format(here=str(Path(__file__).parent))
    used = []
    for count in (1_000, 100_000):
        done = subprocess.run([sys.executable, "-c", code, str(tmp_path), str(count)], capture_output=True, check=True)
        used.append(int(done.stdout))
    assert used[1] - used[0] < 16 * 1024
