"""`ecrctl rl rewards`: the list of components, and the breakdown of one turn."""

from __future__ import annotations

import io
import json
import re
import sys

import pytest
from rich.console import Console

from ecrctl.ui import rewards_view

SHARED = ("--response", "I'm sorry. Try <movie><movie>, it is warm.", "--reference", "Try <movie>, it is warm")


def breakdown(ecrctl, *arguments):
    finished = ecrctl("rl", "rewards", *arguments, "--json")
    assert finished.code == 0, finished.err
    return json.loads(finished.out)


def scores(document):
    return {row["component"]: row["score"] for row in document["components"]}


def line(number, conversation="7", response="I am sorry. Try <movie>?"):
    return json.dumps(
        {
            "example_id": f"{conversation}:{number}",
            "conversation_id": conversation,
            "turn": number,
            "context": [
                {"role": "seeker", "text": "Hi", "slots": "Hi", "items": []},
                {"role": "recommender", "text": "Hello", "slots": "Hello", "items": []},
                {"role": "seeker", "text": "I love Heat", "slots": "I love <movie>", "items": ["1"]},
            ],
            "reference": "Try <movie>",
            "response": response,
            "finished": False,
            "tokens": 4,
            "items": [],
            "mentioned": [],
            "emotions": [],
            "source": "test_data.jsonl",
            "line": 1,
            "metrics": {},
        }
    )


@pytest.fixture
def samples(tmp_path):
    lines = [line(3), line(5, response="A response of its own"), line(3, conversation="8")]
    (tmp_path / "samples.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_the_list_has_weight_range_kind_and_sentence(ecrctl):
    lines = ecrctl("rl", "rewards").out.splitlines()
    assert lines[0].split() == ["component", "weight", "range", "kind", "what", "it", "measures"]
    rows = {row.split()[0]: row for row in lines[1:]}
    assert re.match(r"format +1 +-1 … 0 +penalty +penalty for empty", rows["format"])
    assert re.match(r"distinct +0\.5 +0 … 1 +reward +share of different words", rows["distinct"])
    assert max(map(len, lines)) <= 120


def test_an_explanation_can_not_move_the_cursor(ecrctl, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [place for place in sys.path if place])
    (tmp_path / "odd_explanation.py").write_text(
        "class Odd:\n    name, low, high, explanation = 'odd', 0.0, 1.0, 'is \\x1b[2J odd'\n"
        "    def score(self, batch): ...\n"
    )
    finished = ecrctl("rl", "rewards", "--reward", "odd_explanation:Odd=1")
    assert finished.code == 0, finished.err
    assert "is �[2J odd" in finished.out
    assert "\x1b" not in finished.out


def test_the_list_as_json(ecrctl):
    entries = {entry["name"]: entry for entry in breakdown(ecrctl, "--set", "rewards.bleu=0.25")}
    assert entries["bleu"] == {
        "name": "bleu",
        "weight": 0.25,
        "low": 0.0,
        "high": 1.0,
        "direction": "higher",
        "penalty": False,
        "explanation": entries["bleu"]["explanation"],
        "needs": None,
    }
    assert "human reference" in entries["bleu"]["explanation"]
    assert entries["format"]["penalty"] is True


def test_what_a_component_needs_stands_in_the_list(ecrctl):
    entries = {entry["name"]: entry for entry in breakdown(ecrctl)}
    needs = "needs a trained critic (train it first: ecrctl train critic --run DIR; or --set rewards.critic=0)"
    assert (entries["critic"]["needs"], entries["critic"]["low"]) == (needs, None)
    shown = " ".join(ecrctl("rl", "rewards").out.split())
    assert "critic 0 – – needs a trained critic (train it first:" in shown


def test_what_a_component_needs_leaves_it_out_with_a_note(ecrctl):
    finished = ecrctl("rl", "rewards", *SHARED, "--set", "rewards.critic=2")
    assert finished.code == 0
    assert finished.err == (
        "left out: critic needs a trained critic "
        "(train it first: ecrctl train critic --run DIR; or --set rewards.critic=0)\n"
    )
    document = breakdown(ecrctl, *SHARED, "--set", "rewards.critic=2")
    assert [one["component"] for one in document["left_out"]] == ["critic"]
    assert document["total"] == breakdown(ecrctl, *SHARED)["total"]


def test_a_model_that_is_not_there_leaves_its_component_out(ecrctl):
    missing = ("--set", "reward_options.similarity_encoder=./no-encoder", "--reward", "similarity=1")
    finished = ecrctl("rl", "rewards", *SHARED, *missing)
    assert finished.code == 0
    assert finished.err.startswith("left out: similarity encoder './no-encoder' can't be loaded: ")
    assert breakdown(ecrctl, *SHARED, *missing)["total"] == breakdown(ecrctl, *SHARED)["total"]


def test_a_component_from_elsewhere_with_its_own_reason(ecrctl, tmp_path):
    (tmp_path / "kindness.py").write_text(
        "class Polite:\n"
        "    name, low, high, explanation = 'polite', 0.0, 1.0, 'says please'\n"
        "    def score(self, batch):\n"
        "        return [float('please' in one.response) for one in batch]\n"
        "    def explain(self, sample):\n"
        "        if 'no' in sample.response:\n"
        "            raise ValueError('never no')\n"
        "        return 'it says please'\n",
        encoding="utf-8",
    )
    only = [word for name in ("distinct", "empathy", "format") for word in ("--reward", f"{name}=0")]
    given = (*only, "--reward", "kindness:Polite=2", "--response")
    document = breakdown(ecrctl, *given, "Tell me please")
    rows = {row["component"]: row for row in document["components"]}
    assert rows["kindness:Polite"] == {
        "component": "kindness:Polite",
        "score": 1.0,
        "low": 0.0,
        "high": 1.0,
        "weight": 2.0,
        "contribution": 1.0,
        "reason": "it says please",
    }
    failed = ecrctl("rl", "rewards", *given, "no please")
    assert (failed.code, failed.err) == (
        1,
        "error: reward component 'kindness:Polite' raised ValueError: never no (kindness.py:7) "
        "when asked for its reason\n"
        "  at   example given:0\n"
        "  fix  mend its method explain\n",
    )


def test_the_breakdown_adds_up_and_says_why(ecrctl):
    document = breakdown(ecrctl, "--context", "I am sad", *SHARED)
    rows = {row["component"]: row for row in document["components"]}
    assert (rows["recommendation"]["score"], rows["format"]["score"]) == (0.5, -0.25)
    assert rows["recommendation"]["contribution"] == pytest.approx(0.5 * 1.5 / 5)
    assert rows["format"]["contribution"] == -0.125
    assert document["total"] == pytest.approx(sum(row["contribution"] for row in rows.values()))
    assert rows["recommendation"]["reason"] == "2 slots, the reference has 1"
    assert rows["format"]["reason"] == "glued slots 0.25"
    assert document["emotions"] == {"labels": ["negative"], "given": False}


def test_an_emotion_is_given_under_any_of_its_names(ecrctl):
    document = breakdown(ecrctl, "--context", "A film", "--emotion", "sad", "--emotion", "curious", *SHARED)
    assert document["emotions"] == {"labels": ["negative", "curious"], "given": True}
    happy = scores(breakdown(ecrctl, "--context", "A film", "--emotion", "happy", *SHARED))
    assert happy["empathy"] < scores(document)["empathy"]


def test_turns_alternate_or_say_whose_they_are(ecrctl):
    document = breakdown(ecrctl, "--context", "Hi", "--context", "I love it", "--response", "Great")
    assert document["context"] == [{"role": "recommender", "text": "Hi"}, {"role": "seeker", "text": "I love it"}]
    marked = breakdown(ecrctl, "--context", "seeker: Hi", "--context", "seeker: I love it", "--response", "Great")
    assert marked["context"] == [{"role": "seeker", "text": "Hi I love it"}]


def test_a_turn_of_a_file_by_number_and_by_id(ecrctl, samples):
    first = breakdown(ecrctl, "--samples", "samples.jsonl")
    assert (first["example"], first["response"], first["reference"]) == (
        "7:3",
        "I am sorry. Try <movie>?",
        "Try <movie>",
    )
    # It was cut off at the length limit.
    assert scores(first)["format"] == -0.5
    assert breakdown(ecrctl, "--samples", "samples.jsonl", "--turn", "2")["response"] == "A response of its own"
    assert breakdown(ecrctl, "--samples", "samples.jsonl", "--turn", "8:3")["example"] == "8:3"


def test_another_response_to_a_turn_of_a_file(ecrctl, samples):
    document = breakdown(
        ecrctl, "--samples", "samples.jsonl", "--turn", "2", "--response", "See <movie>", "--emotion", "joy"
    )
    assert (document["example"], document["response"], document["emotions"]["labels"]) == (
        "7:5",
        "See <movie>",
        ["happy"],
    )
    assert (scores(document)["format"], scores(document)["recommendation"]) == (0.0, 1.0)


def test_a_turn_of_a_run(ecrctl, samples, tmp_path):
    evaluation = tmp_path / "runs" / "x" / "evaluation" / "policy"
    evaluation.mkdir(parents=True)
    (tmp_path / "samples.jsonl").rename(evaluation / "samples.jsonl")
    assert breakdown(ecrctl, "--samples", "runs/x/evaluation/policy/samples.jsonl", "--turn", "3")["example"] == "8:3"


def test_the_response_from_stdin(ecrctl, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("  Try <movie>\n"))
    document = breakdown(ecrctl, "--context", "hello", "--response", "-", "--reference", "Try <movie>")
    assert (document["response"], scores(document)["bleu"]) == ("Try <movie>", 1.0)


@pytest.fixture
def run(tmp_path):
    """A run folder with settings of its own and a critic whose every value is 0."""
    from tiny_models import tiny_critic

    from ecr_engine.runs.checkpoints import save_checkpoint

    folder = tmp_path / "runs" / "x"
    (folder / "data").mkdir(parents=True)
    (folder / "run.json").write_text("{}", encoding="utf-8")
    (folder / "config.resolved.toml").write_text("[rewards]\nempathy = 7.0\ncritic = 1.0\n", encoding="utf-8")
    save_checkpoint(folder / "critic", 1, tiny_critic().save, metrics={}, best=True, keep_last=1)


def test_a_run_brings_its_settings_and_its_critic(ecrctl, run):
    entries = {entry["name"]: entry for entry in breakdown(ecrctl, "--run", "runs/x")}
    assert (entries["empathy"]["weight"], entries["critic"]["needs"]) == (7.0, None)
    document = breakdown(ecrctl, "--run", "runs/x", *SHARED)
    assert document["left_out"] == []
    # A value of 0 is squashed to (1 + tanh(-1)) / 2.
    assert scores(document)["critic"] == pytest.approx(0.1192, abs=1e-4)
    stated = {entry["name"]: entry for entry in breakdown(ecrctl, "--run", "runs/x", "--reward", "empathy=1")}
    assert stated["empathy"]["weight"] == 1.0


class Terminal(io.StringIO):
    """Answers that are typed at a terminal."""

    def isatty(self):
        return True


def test_a_terminal_is_asked_for_what_was_not_given(ecrctl, monkeypatch):
    monkeypatch.setattr("sys.stdin", Terminal("I feel low\nI'm sorry. Try <movie>\n\nsad neutral\n"))
    finished = ecrctl("rl", "rewards", "--response", "-", "--json")
    document = json.loads(finished.out)
    assert document["context"] == [{"role": "seeker", "text": "I feel low"}]
    assert (document["response"], document["reference"]) == ("I'm sorry. Try <movie>", None)
    assert document["emotions"]["labels"] == ["negative", "neutral"]
    asked = ["seeker", "response", "reference, if there is one", "emotions, if you know them", ""]
    assert [question.strip() for question in finished.err.split(":")] == asked


def test_in_a_pipe_numbers_are_plain(ecrctl):
    out = ecrctl("rl", "rewards", "--context", "I am sad", *SHARED).out
    assert not set("█▉▊▋▌▍▎▏\x1b") & set(out)
    rows = {row.split()[0]: row.split() for row in out.splitlines() if row.strip()}
    assert rows["component"] == ["component", "score", "weight", "adds", "why"]
    assert rows["format"] == ["format", "-0.2500", "1", "-0.1250", "glued", "slots", "0.25"]
    assert rows["emotions"] == ["emotions", "negative", "(recognised)"]


@pytest.fixture
def drawn(ecrctl, monkeypatch):
    """What a terminal of some width shows, as lines without colours."""

    def draw(width, *arguments):
        stream = io.StringIO()
        console = Console(file=stream, force_terminal=True, width=width, highlight=False, color_system=None)
        monkeypatch.setattr(rewards_view, "results", lambda: console)
        assert ecrctl("rl", "rewards", *arguments).code == 0
        return re.sub(r"\x1b\[[0-9;]*m", "", stream.getvalue()).splitlines()

    return draw


def test_bars_of_a_terminal(drawn):
    lines = drawn(100, "--context", "I am sad", *SHARED)
    rows = {row.split()[0]: row.split() for row in lines if row.strip()}
    # 12 characters for a whole one: half of them for 0.5, and a quarter for a penalty of 0.25.
    assert rows["recommendation"][2] == "█" * 6
    assert rows["format"][2] == "█" * 3


@pytest.mark.parametrize("width", [48, 60, 80, 100, 200])
def test_everything_fits_the_terminal_and_nothing_is_lost(drawn, width):
    words = " ".join(f"word{number}" for number in range(60))
    lines = drawn(width, "--context", words, "--response", f"I'm sorry. {words}", "--reference", "Try <movie>")
    assert max(map(len, lines)) <= width
    text = " ".join(" ".join(lines).split())
    assert f"seeker {words} response" in text
    assert text.count("0 slots, the reference has 1") == 1


def test_control_characters_do_not_reach_the_terminal(ecrctl):
    out = ecrctl("rl", "rewards", "--response", "\x1b[31mred\x07 one", "--context", "hi").out
    assert "�[31mred� one" in out
    assert "\x1b" not in out


FIX = "name a samples.jsonl that `ecrctl eval run` wrote, or a run"


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (
            ["--response", " "],
            2,
            "error: the response is empty\n"
            "  at   --response\n"
            '  fix  write --response "…", or - to read it from stdin\n',
        ),
        (
            ["--reference", "Try <movie>", "--emotion", "sad"],
            2,
            "error: there is no response to score\n"
            "  at   --reference\n"
            '  fix  add --response "…", or leave them out for the list of components\n',
        ),
        (
            ["--response", "a", "--emotion", "sadd"],
            2,
            "error: unknown emotion 'sadd'\n  at   --emotion\n  fix  did you mean 'sad'?\n",
        ),
        (
            ["--response", "a", "--emotion", "sad", "--emotion", "joy", "--emotion", "calm"],
            2,
            "error: 3 emotions of one utterance: negative, happy, neutral\n"
            "  at   --emotion\n"
            "  fix  name the 2 strongest\n",
        ),
        (
            ["--response", "caf\udce9"],
            2,
            "error: the text is not UTF-8\n  at   --response\n  fix  convert it first: iconv -t UTF-8\n",
        ),
        (
            ["--response", "a", "--context", "caf\udce9"],
            2,
            "error: the text is not UTF-8\n  at   --context\n  fix  convert it first: iconv -t UTF-8\n",
        ),
        (
            ["--turn", "3"],
            2,
            "error: there is no file to take the turn from\n"
            "  at   --turn 3\n"
            "  fix  add --samples FILE, or a run: --samples runs/demo\n",
        ),
        (
            ["--samples", "samples.jsonl", "--turn", "4"],
            2,
            "error: there is no turn 4\n  at   samples.jsonl\n  fix  name one of 1 to 3\n",
        ),
        (
            ["--samples", "samples.jsonl", "--turn", "0"],
            2,
            "error: there is no turn 0\n  at   samples.jsonl\n  fix  name one of 1 to 3\n",
        ),
        (
            ["--samples", "samples.jsonl", "--turn", "9" * 5000],
            2,
            f"error: there is no turn {'9' * 39}…\n  at   samples.jsonl\n  fix  name a number, or an id such as 7:3\n",
        ),
        (
            ["--samples", "samples.jsonl", "--turn", ""],
            2,
            "error: there is no turn without a name\n  at   samples.jsonl\n"
            "  fix  name a number, or an id such as 7:3\n",
        ),
        (
            ["--samples", "sad.jsonl"],
            3,
            "error: the emotion 'sad' of example 7:3 is none of the nine\n  at   sad.jsonl\n"
            "  fix  give it by --emotion NAME, or mend the file\n",
        ),
        (
            ["--samples", "samples.jsonl", "--turn", "7:4"],
            2,
            "error: there is no turn 7:4\n  at   samples.jsonl\n  fix  its conversation has 7:3, 7:5\n",
        ),
        (
            ["--samples", "samples.jsonl", "--turn", "9:1"],
            2,
            "error: there is no turn 9:1\n  at   samples.jsonl\n  fix  name a number, or an id such as 7:3\n",
        ),
        (
            ["--samples", "samples.jsonl", "--context", "hello"],
            2,
            "error: a turn of a file brings its own context and reference\n"
            "  at   --context and --samples\n"
            "  fix  leave --context or --samples out\n",
        ),
        (
            ["--samples", "bad.jsonl"],
            3,
            f"error: the sample has no field 'context'\n  at   bad.jsonl:1\n  fix  {FIX}\n",
        ),
        (
            ["--samples", "other.txt"],
            3,
            f"error: a torn line, not JSON: Expecting value\n  at   other.txt:1\n  fix  {FIX}\n",
        ),
        (["--samples", "empty.jsonl"], 3, f"error: the file has no samples\n  at   empty.jsonl\n  fix  {FIX}\n"),
        (
            ["--run", "runs/demo"],
            3,
            "error: there is no run in 'runs/demo'\n"
            "  at   runs/demo/run.json\n"
            "  fix  see what there is: ecrctl runs list runs\n",
        ),
    ],
)
def test_what_can_not_be_looked_at(ecrctl, samples, tmp_path, arguments, code, text):
    (tmp_path / "bad.jsonl").write_text('{"example_id": "1"}\n', encoding="utf-8")
    (tmp_path / "other.txt").write_text("hello\n", encoding="utf-8")
    (tmp_path / "empty.jsonl").write_text("", encoding="utf-8")
    (tmp_path / "sad.jsonl").write_text(line(3).replace('"emotions": []', '"emotions": ["sad"]'), encoding="utf-8")
    finished = ecrctl("rl", "rewards", *arguments)
    assert (finished.code, finished.out, finished.err) == (code, "", text)


def test_an_empty_response_from_stdin(ecrctl, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("\n"))
    finished = ecrctl("rl", "rewards", "--response", "-")
    assert (finished.code, finished.err.splitlines()[0]) == (2, "error: the response is empty")


def test_bytes_from_stdin_that_are_no_text(ecrctl, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"caf\xe9\n"), encoding="utf-8"))
    finished = ecrctl("rl", "rewards", "--response", "-")
    wanted = "error: the text is not UTF-8\n  at   stdin\n  fix  convert it first: iconv -t UTF-8\n"
    assert (finished.code, finished.err) == (2, wanted)


def test_an_empty_response_of_a_file_has_its_reward(ecrctl, tmp_path):
    (tmp_path / "samples.jsonl").write_text(line(3, response="") + "\n", encoding="utf-8")
    assert scores(breakdown(ecrctl, "--samples", "samples.jsonl"))["format"] == -1.0
