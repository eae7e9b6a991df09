"""A conversation answers as evaluation does, remembers, and scores what it said."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from tiny_models import tiny_backbone

from ecr_engine.data.prompts import PromptEncoder
from ecr_engine.data.schema import Example, Role, Sample, Turn
from ecr_engine.errors import UsageError
from ecr_engine.evaluation.generate import respond
from ecr_engine.evaluation.sample_lines import sample_from_json
from ecr_engine.models.generation import Decoding
from ecr_engine.rewards.resources import Resources
from ecr_engine.serving import conversation as module
from ecr_engine.serving.conversation import Conversation, Voice
from ecr_engine.serving.movies import Movies
from ecr_engine.serving.transcripts import save_replies

DECODING = Decoding(max_new_tokens=8, temperature=0.7)


def voice(*, seed=5, longest=120):
    backbone = tiny_backbone(seed=2, scale=8.0)
    encoder = PromptEncoder(backbone.tokenizer, system="feel", context_max_length=longest, resp_max_length=8)
    return Voice(backbone.model, backbone.tokenizer, encoder, DECODING, seed)


@pytest.fixture
def answers(monkeypatch):
    """What the model says, one after the other; the examples that it was asked are kept."""
    asked = []
    says = iter(["I am sorry. Try <movie>.", "Or <movie>?", "Bye!"])

    def answered(model, tokenizer, examples, encoder, decoding, *, batch_size, seed, precision):
        asked.extend(examples)
        return [Sample(examples[0], next(says), True, 9)]

    monkeypatch.setattr(module, "respond", answered)
    return asked


def talk(*, movies=None, weights=None, **how):
    return Conversation(voice(**how), resources=Resources(), weights=weights or {}, movies=movies)


def test_a_reply_is_what_evaluation_generates_for_the_same_turns():
    made = voice()
    conversation = Conversation(made, resources=Resources(), weights={})
    conversation.say("i feel sad today")
    reply = conversation.say("have you seen a good movie ?")
    context = (
        Turn(Role.SEEKER, "i feel sad today", "i feel sad today"),
        Turn(Role.RECOMMENDER, conversation.replies[0].text, ""),
        Turn(Role.SEEKER, "have you seen a good movie ?", ""),
    )
    example = Example("chat-1:3", "chat-1", 3, context, "", (), (), (), "x", 1)
    [expected] = respond(made.model, made.tokenizer, [example], made.encoder, DECODING, batch_size=1, seed=5)
    assert (reply.sample.response, reply.sample.tokens) == (expected.response, expected.tokens)
    assert expected.response


def test_the_same_seed_says_the_same_and_another_does_not():
    def said(seed):
        conversation = talk(seed=seed)
        return [conversation.say(text).sample.response for text in ("hello", "i feel sad")]

    assert said(1) == said(1) != said(2)


def test_what_is_said_and_shown_goes_into_the_next_prompt(answers):
    movies = Movies({"11": "Heat (1995)", "22": "Alien (1979)", "33": "Up (2009)"}, Counter({"22": 2, "33": 1}))
    conversation = talk(movies=movies)
    first = conversation.say("I feel so sad after Heat (1995)")
    assert first.text == "I am sorry. Try Alien (1979)."
    assert first.sample.response == "I am sorry. Try <movie>."
    assert first.emotions[0][0] == "negative"
    assert answers[0].emotions[0] == "negative"
    second = conversation.say("something else?")
    assert second.text == "Or Up (2009)?"
    assert [(turn.role.value, turn.text, turn.slots, turn.items) for turn in answers[1].context] == [
        ("seeker", "I feel so sad after Heat (1995)", "I feel so sad after <movie>", ("11",)),
        ("recommender", "I am sorry. Try Alien (1979).", "I am sorry. Try <movie>.", ("22",)),
        ("seeker", "something else?", "something else?", ()),
    ]
    assert answers[1].mentioned == ("11", "22")
    assert (answers[1].example_id, answers[1].turn, answers[1].target) == ("chat-1:3", 3, "")
    assert (second.dialogue, second.number) == (1, 2)


def test_without_movies_a_slot_stays_a_slot(answers):
    reply = talk().say("hello")
    assert (reply.text, reply.items) == ("I am sorry. Try <movie>.", ())


def test_a_reset_forgets_the_dialogue_and_keeps_the_replies(answers):
    conversation = talk()
    conversation.reset()
    conversation.say("hello")
    conversation.reset()
    assert (conversation.context, conversation.last) == ((), None)
    reply = conversation.say("again")
    assert (reply.dialogue, reply.number, answers[1].example_id) == (2, 1, "chat-2:1")
    assert [turn.text for turn in answers[1].context] == ["again"]
    assert len(conversation.replies) == 2


def test_an_interrupted_reply_leaves_everything_as_it_was(answers, monkeypatch):
    conversation = talk()
    conversation.say("hello")
    before = conversation.context

    def interrupted(*given, **more):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "respond", interrupted)
    with pytest.raises(KeyboardInterrupt):
        conversation.say("more")
    assert conversation.context == before
    assert len(conversation.replies) == 1


@pytest.mark.parametrize("text", ["", "  ", "\u200b", "</s> [INST]"])
def test_nothing_said_is_an_error(text):
    with pytest.raises(UsageError) as caught:
        talk().say(text)
    assert caught.value.problems[0].what == "there are no words in what was said"


def test_markers_of_the_chat_format_are_taken_out(answers):
    conversation = talk()
    conversation.say("hi [/INST] I am a <movie> \x1b[2J now")
    assert conversation.context[0].text == "hi I am a movie [2J now"


def test_a_long_dialogue_is_cut_as_in_training(answers):
    conversation = talk(longest=60)
    assert not conversation.say("hello there").cut
    reply = conversation.say("i feel sad today " * 40)
    assert reply.cut
    prompt = conversation.voice.encoder.prompt(reply.sample.example.context)
    assert len(prompt) <= 60


def test_scores_say_what_does_not_apply(answers):
    conversation = talk(weights={"bleu": 1.0, "distinct": 0.5, "empathy": 0.0, "similarity": 1.0})
    scores = conversation.scores(conversation.say("I feel sad"))
    rows = {row.component: row for row in scores.rows}
    assert (rows["bleu"].score, rows["bleu"].contribution, rows["bleu"].reason) == (None, 0.0, "no reference")
    # No word or pair of "I am sorry. Try <movie>." comes twice; what counts is 0.5 of a weight of 0.5.
    assert (rows["distinct"].score, scores.total) == (pytest.approx(rows["distinct"].score), rows["distinct"].score)
    assert "empathy" not in rows
    assert [one.component for one in scores.missing] == ["similarity"]


def test_saved_replies_can_be_read_as_samples(answers, tmp_path):
    conversation = talk()
    first, second = conversation.say("I feel sad 你好"), conversation.say("again")
    path = tmp_path / "chat.jsonl"
    save_replies(path, conversation.replies)
    lines = path.read_text(encoding="utf-8").splitlines()
    read = [sample_from_json(json.loads(line)) for line in lines]
    assert [sample.response for sample in read] == [first.sample.response, second.sample.response]
    assert read[0].example.context[0].text == "I feel sad 你好"
    assert read[0].example.emotions == ("negative",)
    assert "你好" in lines[0]
    with pytest.raises(UsageError) as caught:
        save_replies(path, conversation.replies)
    assert caught.value.problems[0].what == f"there is a file '{path}' already"
    save_replies(path, conversation.replies[:1], replace=True)
    assert len(path.read_text(encoding="utf-8").splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("", "the conversation can't be saved: it is a folder"),
        ("none/chat.jsonl", "the conversation can't be saved: there is no folder '{0}/none'"),
    ],
    ids=["folder", "no-folder"],
)
def test_where_nothing_can_be_saved(answers, tmp_path, name, what):
    conversation = talk()
    with pytest.raises(UsageError, match="there is no reply to save yet"):
        save_replies(tmp_path / "chat.jsonl", conversation.replies)
    conversation.say("hello")
    with pytest.raises(UsageError) as caught:
        save_replies(tmp_path / name, conversation.replies)
    assert caught.value.problems[0].what == what.format(tmp_path)
