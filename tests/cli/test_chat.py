"""`ecrctl chat` from a script: replies on stdout, a document, errors before any model is loaded."""

from __future__ import annotations

import io
import json
import sys

import pytest
from chat_runs import add_checkpoint, bare_run, chat_run

from ecr_engine.data.schema import Sample
from ecr_engine.serving import conversation


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    root = tmp_path_factory.mktemp("runs")
    chat_run(root / "demo")
    return root


@pytest.fixture
def chat(ecrctl, runs, monkeypatch):
    """Talks to the run in its own folder, so that it is called `demo`."""
    monkeypatch.chdir(runs)
    return lambda *arguments: ecrctl("chat", *arguments)


@pytest.fixture
def answers(monkeypatch):
    """The model says this, one after the other."""
    says = iter(["I am sorry. Try <movie>.", "Or <movie>?", "Bye!\x1b[2J\nbye"])

    def answered(model, tokenizer, examples, *given, **more):
        return [Sample(examples[0], next(says), True, 9)]

    monkeypatch.setattr(conversation, "respond", answered)


def script(tmp_path, text):
    path = tmp_path / "lines.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_replies_on_stdout_and_all_else_on_stderr(chat, answers, tmp_path):
    finished = chat("demo", "--script", script(tmp_path, "I feel so sad\r\n\n  I saw Alien already  \nthanks\n"))
    assert finished.code == 0, finished.err
    # Heat was liked most in the training dialogues; Alien the seeker has named.
    assert finished.out.splitlines() == ["I am sorry. Try Heat (1995).", "Or Up (2009)?", "Bye!�[2J bye"]
    head, about, first, second, third = finished.err.splitlines()
    assert head == "policy of demo, step-000003; temperature 0.7, top-p 1, seed 0"
    assert about == "emotions: lexical; titles: chosen by popularity in the training dialogues, not by the model"
    assert first.startswith("seeker (negative 0.")
    assert second.endswith(": I saw Alien already")
    assert third == "seeker (grateful 0.90): thanks"


def test_quiet_leaves_the_replies(chat, answers, tmp_path):
    finished = chat("demo", "--script", script(tmp_path, "hi\n/reset\nhi\n"), "--quiet")
    assert (finished.out, finished.err) == ("I am sorry. Try Heat (1995).\nOr Heat (1995)?\n", "")


def test_from_stdin_to_its_quit(chat, answers, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("hi 你好 👋\n/quit\nnever said\n".encode())))
    finished = chat("--model_path", "demo:baseline", "--script", "-", "--temperature", "0.2", "--seed", "7")
    assert finished.out == "I am sorry. Try Heat (1995).\n"
    assert finished.err.startswith("baseline of demo, step-000002; temperature 0.2, top-p 1, seed 7\n")
    assert "hi 你好 👋" in finished.err


def test_one_document(chat, answers, tmp_path):
    lines = script(tmp_path, "I feel so sad\n/scores\n/context\n/help\nmore\n/reset\nagain\n")
    finished = chat("demo", "--script", lines, "--json", "--max-new-tokens", "5", "--quiet")
    assert (finished.code, finished.err) == (0, "")
    document = json.loads(finished.out)
    assert document["checkpoint"].endswith("demo/policy/checkpoints/step-000003")
    assert document["decoding"] == {"max_new_tokens": 5, "sample": True, "temperature": 0.7, "top_p": 1.0}
    assert (document["seed"], document["warning"]) == (0, None)
    assert document["titles"] == "by popularity in the training dialogues"
    first, second, third = document["replies"]
    assert (first["seeker"], first["reply"]) == ("I feel so sad", "I am sorry. Try Heat (1995).")
    assert first["response"] == "I am sorry. Try <movie>."
    assert first["items"] == [{"item_id": "11", "name": "Heat (1995)"}]
    assert first["emotions"][0]["label"] == "negative"
    scores = {row["component"]: row["score"] for row in first["components"]}
    assert (scores["bleu"], scores["recommendation"]) == (None, None)
    # Five different words are not as many as the component asks for: see the table of `rl rewards`.
    assert first["reward"] == pytest.approx(sum(row["contribution"] for row in first["components"]))
    assert (second["reward"], second["components"]) == (None, None)
    assert [(each["dialogue"], each["number"]) for each in (first, second, third)] == [(1, 1), (1, 2), (2, 1)]


def test_every_reply_is_scored_where_that_is_asked_for(chat, answers, tmp_path):
    finished = chat("demo", "--script", script(tmp_path, "I feel sad\nmore\n"), "--scores")
    assert finished.out.count("recommendation") == 2
    [bleu, _] = [line.split() for line in finished.out.splitlines() if line.startswith("bleu")]
    assert bleu == ["bleu", "–", "1", "0", "no", "reference"]


def test_what_was_saved_is_read_by_score_run(chat, answers, tmp_path, ecrctl):
    target = tmp_path / "saved.jsonl"
    finished = chat("demo", "--script", script(tmp_path, f"hi\nmore\n/save {target}\n/context\n"))
    assert f"saved 2 replies to {target}" in finished.err
    assert "recommender  Or Alien (1979)?" in finished.out
    judged = ecrctl("score", "run", "--input", target, "--judge", "rubric", "--output", tmp_path / "judged.jsonl")
    assert judged.code == 0, judged.err
    assert len((tmp_path / "judged.jsonl").read_text().splitlines()) == 2


def test_a_long_dialogue_is_said_once(chat, answers, tmp_path):
    finished = chat("demo", "--script", script(tmp_path, "hi\n" + "sad " * 400 + "\nmore\n"))
    note = "the dialogue is longer than what the model reads: from now on its oldest part is left out, as in training"
    assert finished.err.splitlines().count(note) == 1
    assert finished.err.splitlines().index(note) == 3


def test_the_real_model_answers(chat, tmp_path):
    lines = script(tmp_path, "hello there, i feel sad\n")
    first, again = (chat("demo", "--script", lines, "--quiet", "--seed", "3") for _ in range(2))
    assert (first.code, first.err) == (0, "")
    assert first.out == again.out != "\n"


def test_without_names_of_movies_a_slot_is_shown_and_that_is_said(ecrctl, answers, tmp_path):
    add_checkpoint(bare_run(tmp_path / "plain"), "baseline", 1)
    finished = ecrctl("chat", "plain:baseline", "--script", script(tmp_path, "hi\n"))
    assert finished.out == "I am sorry. Try <movie>.\n"
    assert "titles: none are known, so a movie is shown as <movie>" in finished.err


FIX_SCRIPT = "name a text file with what the seeker says, one turn a line"


@pytest.mark.parametrize(
    ("text", "arguments", "code", "said"),
    [
        ("hi", ("demo",), 2, "to talk, stdin and stdout have to be a terminal"),
        ("hi", ("demo", "--json"), 2, "a document can only be made of a script"),
        ("hi", ("--script", "FILE"), 2, "no checkpoint is named"),
        ("hi", ("demo", "--script", "none.txt"), 3, "there is no script 'none.txt'"),
        (" \n\n", ("demo", "--script", "FILE"), 3, "the script says nothing"),
        (b"\xff\xfe", ("demo", "--script", "FILE"), 3, "the script is not UTF-8"),
        ("hi", ("demoo", "--script", "FILE"), 3, "there is no run or checkpoint 'demoo'"),
        ("hi", ("demo", "--script", "FILE", "--temperature", "0"), 2, "evaluation.temperature"),
    ],
    ids=["no-terminal", "json", "no-run", "no-script", "empty", "bytes", "misspelt", "temperature"],
)
def test_what_can_be_wrong(chat, tmp_path, text, arguments, code, said):
    path = script(tmp_path, text)
    finished = chat(*(path if word == "FILE" else word for word in arguments))
    assert (finished.code, finished.out) == (code, "")
    assert said in finished.err.splitlines()[0]


@pytest.mark.parametrize(
    ("line", "what", "fix"),
    [
        ("/scroes", "there is no command '/scroes'", "did you mean '/scores'?"),
        ("/xyzzy", "there is no command '/xyzzy'", "/help lists the commands"),
        ("/reset now", "/reset takes nothing behind it", "/reset"),
        ("/save", "/save needs the name of a file", "/save chat.jsonl"),
        ("/scores", "there is no reply to score yet", "say something first"),
    ],
    ids=["near", "far", "too-much", "too-little", "too-early"],
)
def test_a_wrong_command_is_said_with_its_line(chat, tmp_path, line, what, fix):
    path = script(tmp_path, f"\n{line}\nhi\n")
    finished = chat("demo", "--script", path, "--quiet")
    assert (finished.code, finished.out) == (2, "")
    assert finished.err == f"error: {what}\n  at   {path}:2\n  fix  {fix}\n"


def test_without_a_terminal_it_says_what_to_type(chat):
    finished = chat("demo")
    assert finished.err == (
        "error: to talk, stdin and stdout have to be a terminal\n"
        "  at   ecrctl chat\n"
        "  fix  write what the seeker says into a file, one turn a line: --script FILE; or pipe it: --script -\n"
    )


def test_nothing_is_saved_in_the_place_of_a_link_into_the_void(chat, answers, tmp_path):
    place = tmp_path / "link.jsonl"
    place.symlink_to(tmp_path / "void.jsonl")
    finished = chat("demo", "--script", script(tmp_path, f"hello\n/save {place}\n"))
    assert finished.code == 2
    assert f"error: there is a file '{place}' already" in finished.err
    assert place.is_symlink()
    assert not (tmp_path / "void.jsonl").exists()


@pytest.mark.parametrize("typed", ["'{}'", '"{}"', "{}"], ids=["single", "double", "bare"])
def test_a_file_is_saved_under_the_name_in_its_quotes(chat, tmp_path, typed) -> None:
    target = tmp_path / "my talk.jsonl"
    finished = chat("demo", "--script", script(tmp_path, f"hello\n/save {typed.format(target)}\n"))
    assert finished.code == 0
    assert len(target.read_text(encoding="utf-8").splitlines()) == 1
