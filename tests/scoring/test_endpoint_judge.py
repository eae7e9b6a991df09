"""The judge behind an endpoint, against a server that behaves, and one that does not."""

from __future__ import annotations

import json
import math
import threading
import time

import pytest
from endpoint_server import MODEL, chat_server, completion, cuts, late, says, sends

from ecr_engine.config.sections.evaluation import JudgeSettings
from ecr_engine.data.schema import Example, Role, Sample, Turn
from ecr_engine.errors import UnavailableError, UsageError
from ecr_engine.scoring.dimensions import dimension_set
from ecr_engine.scoring.endpoint import client as client_module
from ecr_engine.scoring.endpoint.address import key_of, parse_address
from ecr_engine.scoring.endpoint.judge import endpoint_judge

GUIDE = dimension_set("guide")
FIVE = len(GUIDE.names)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(client_module, "BACKOFF_S", 0.01)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def row(number: int = 0, turns: int = 2, response: str = "Try <movie>, it is fun") -> Sample:
    context = tuple(Turn(Role.SEEKER if n % 2 else Role.RECOMMENDER, f"turn {n}", f"turn {n}") for n in range(turns))
    return Sample(
        Example(f"{number}:1", str(number), 1, context, "", (), (), (), "", 0), response, finished=True, tokens=0
    )


def judged(server, rows=None, **settings):
    made = endpoint_judge(server.address, dimension_set(settings.pop("dimensions", "guide")), JudgeSettings(**settings))
    return list(made.judge([row()] if rows is None else rows))


def test_a_number_becomes_its_share_of_the_scale():
    # 4 on a scale of 1 to 5 is three quarters of the way; 6 on 0 to 9 is 6.
    with chat_server(says(" 4\n")) as server:
        [found] = judged(server)
        assert found.scores == dict.fromkeys(GUIDE.names, 0.75)
        assert found.failure is None
        assert set(found.reasons.values()) == {"the number that it wrote"}
        assert len(server.asked) == FIVE
    with chat_server(says("Rating: 6.")) as server:
        assert judged(server, dimensions="paper")[0].scores["lifelikeness"] == 6.0


def test_log_probabilities_become_the_mean_rating():
    # 4 has .5 and 2 has .25 of the token, both with and without a blank; "the" is no rating. (4*.5 + 2*.25)/.75 = 10/3,
    # and (10/3 - 1)/4 = 7/12.
    likely = {"4": math.log(0.4), " 4": math.log(0.1), "2": math.log(0.25), "the": math.log(0.25)}
    with chat_server(says("4", logprobs=[likely])) as server:
        [found] = judged(server)
    assert found.scores["empathy"] == pytest.approx(7 / 12)
    assert found.reasons["empathy"] == "mean over the log-probabilities of the ratings"
    asked = server.asked[0]
    assert (asked["logprobs"], asked["top_logprobs"], asked["temperature"], asked["model"]) == (True, 20, 0.0, MODEL)


def test_what_the_model_reads():
    with chat_server(says("3")) as server:
        judged(server)
    [text] = {asked["messages"][0]["content"].partition("Rate the")[0] for asked in server.asked}
    assert "recommender: turn 0\nseeker: turn 1\n" in text
    assert "Response: Try <movie>, it is fun" in text
    ends = [asked["messages"][0]["content"].rpartition("\n\n")[2] for asked in server.asked]
    assert ends[0] == "Rate the empathy, 1 to 5. Answer with the number only."


def test_in_the_mode_generate_one_request_answers_all():
    reply = json.dumps({"empathy": 5, "informativeness": 1, "recommendation": 3, "engagement": 2, "overall": 4})
    with chat_server(says(reply)) as server:
        [found] = judged(server, mode="generate")
    assert found.scores == {
        "empathy": 1.0,
        "informativeness": 0.0,
        "recommendation": 0.5,
        "engagement": 0.25,
        "overall": 0.75,
    }
    [asked] = server.asked
    assert asked["response_format"]["json_schema"]["schema"]["required"] == list(GUIDE.names)


def test_any_number_of_rows_in_order_at_the_full_concurrency():
    def answer(handler, asked):
        number = int(asked["messages"][0]["content"].partition("row-")[2][:3])
        # Every fifth is slow, so that later ones are done first.
        time.sleep(0.05 if number % 5 == 0 else 0.002)
        handler.send(completion(str(number % 5 + 1)))

    with chat_server(answer) as server:
        rows = [row(n, response=f"row-{n:03}") for n in range(60)]
        found = judged(server, rows, concurrency=6)
    assert [each.example_id for each in found] == [f"{n}:1" for n in range(60)]
    assert [each.scores["overall"] for each in found] == [n % 5 / 4 for n in range(60)]
    assert server.most == 6


def test_rows_are_read_a_window_at_a_time():
    taken = []

    def source():
        for number in range(500):
            taken.append(number)
            yield row(number)

    with chat_server(says("3")) as server:
        judgements = endpoint_judge(server.address, GUIDE, JudgeSettings(concurrency=2)).judge(source())
        next(judgements)
        assert len(taken) <= 2 * 8
        judgements.close()


NOT_JSON = "the endpoint's answer is not JSON: "
NO_REPLY = "the endpoint's answer holds no reply: "
NO_NUMBER = "the reply for 'empathy' is no number from 1 to 5: "
NAN = b'{"choices": [{"message": {"content": NaN}}]}'
BACK = "the endpoint answers 429 Too Many Requests and asks to come back in 500 s"


@pytest.mark.parametrize(
    ("act", "failure"),
    [
        (says("I'd say it is quite good!"), NO_NUMBER + '"I\'d say it is quite good!"'),
        (says("NaN"), NO_NUMBER + "'NaN'"),
        (says("7"), "the reply for 'empathy' is not from 1 to 5: '7'"),
        (says("4 or 5"), NO_NUMBER + "'4 or 5'"),
        (says(""), NO_NUMBER + "''"),
        (says(None), "the reply is empty"),
        (says(None, refusal="I can't rate that."), 'the model refuses: "I can\'t rate that."'),
        (says("4", model="gpt-2"), f"the endpoint answered as another model: 'gpt-2', not '{MODEL}'"),
        (sends(b"<html>busy</html>"), NOT_JSON + "'<html>busy</html>'"),
        (sends(b"\xff\xfe"), NOT_JSON + "'\ufffd\ufffd'"),
        (sends(NAN), NOT_JSON + repr(NAN.decode())),
        (sends(completion("4", logprobs=[{"4": -0.1}]).replace(b"-0.1", b"NaN")), None),
        (sends(b"[]"), NO_REPLY + "'[]'"),
        (sends(b'{"choices": []}'), NO_REPLY + "'{\"choices\": []}'"),
        (sends(b'{"error": {"message": "what?"}}', 400), "the endpoint answers 400 Bad Request: 'what?'"),
        (sends(b"", 429), "the endpoint answers 429 Too Many Requests, asked 3 times"),
        (sends(b"oops", 500), "the endpoint answers 500 Internal Server Error, asked 3 times"),
        (sends(b"", 429, Retry_After="500"), BACK),
        (cuts, "the endpoint cut the connection, asked 3 times"),
        (late(0.3, says("4")), "the endpoint did not answer within 0.1 s, asked 3 times"),
    ],
)
def test_what_goes_wrong_is_a_failure_with_its_reason(act, failure):
    with chat_server(act) as server:
        [found] = judged(server, retries=2, timeout_s=0.1)
    assert found.scores == {}
    if failure is None:
        assert found.failure.startswith(NOT_JSON)
    else:
        assert found.failure == failure


def test_a_body_that_trickles_has_no_more_time_than_any_other():
    def trickles(handler, asked):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
        for _ in range(100):
            handler.wfile.write(b" ")
            time.sleep(0.03)

    start = time.monotonic()
    with chat_server(trickles) as server:
        [found] = judged(server, retries=0, timeout_s=0.15)
    assert found.failure == "the endpoint did not answer within 0.15 s"
    assert time.monotonic() - start < 1.5


@pytest.mark.parametrize("trouble", [sends(b"", 429), sends(b"", 503), cuts, late(0.3, says("4"))])
def test_a_trouble_that_passes_leaves_no_trace(trouble):
    with chat_server(says("5")) as server:
        server.script = [trouble, trouble]
        [found] = judged(server, retries=2, timeout_s=0.15)
    assert found.scores["overall"] == 1.0
    assert len(server.asked) == FIVE + 2


def test_retry_after_is_honoured_by_all_threads():
    with chat_server(says("5")) as server:
        server.script = [sends(b"", 429, Retry_After="1")]
        found = judged(server, [row(n) for n in range(4)], concurrency=2, retries=1)
        gaps = [moment - server.times[0] for moment in server.times]
    assert [each.failure for each in found] == [None] * 4
    # What was under way when the server said so may still come; nothing else before the second is over.
    assert len([gap for gap in gaps if gap < 0.99]) <= 2


def test_a_context_over_the_window_loses_its_oldest_turns():
    body = json.dumps({"error": {"message": "This model's maximum context length is 40 tokens."}}).encode()

    def window(handler, asked):
        turns = asked["messages"][0]["content"].count("turn ")
        handler.send(body, 400) if turns > 2 else handler.send(completion("2"))

    with chat_server(window) as server:
        [found] = judged(server, [row(turns=9)])
    # 9 turns, then 4, then 2.
    assert (found.scores["overall"], found.turns_cut, found.failure) == (0.25, 7, None)


def test_a_response_over_the_window_is_a_failure():
    body = b'{"object": "error", "message": "the prompt is too long"}'
    with chat_server(sends(body, 400)) as server:
        [found] = judged(server)
    assert found.failure == "the response is over the model's window: 'the prompt is too long'"


def test_an_empty_response_is_not_sent():
    with chat_server(says("5")) as server:
        [found] = judged(server, [row(response=" ")])
    assert (found.failure, server.asked) == ("the response is empty", [])


def test_what_a_server_does_not_know_is_left_out():
    def old(handler, asked):
        if "logprobs" in asked:
            handler.send(b'{"error": {"message": "logprobs is not supported"}}', 400)
        elif "max_tokens" in asked:
            handler.send(b'{"error": {"message": "use max_completion_tokens instead of max_tokens"}}', 400)
        else:
            handler.send(completion("1"))

    with chat_server(old) as server:
        found = judged(server, [row(0), row(1)], concurrency=1)
    assert [each.scores["empathy"] for each in found] == [0.0, 0.0]
    assert len(server.asked) == 2 + 2 * FIVE


@pytest.mark.parametrize(
    ("act", "what", "fix"),
    [
        (
            sends(b'{"error": {"message": "no such key: secret-1"}}', 401),
            "the endpoint answers 401 Unauthorized: 'no such key: …'",
            "put the right key into the environment: OPENAI_API_KEY",
        ),
        (
            sends(b'{"error": "model not found"}', 404),
            "the endpoint answers 404 Not Found: 'model not found'",
            "see what there is: curl BASE/models; addresses often end in /v1",
        ),
    ],
)
def test_what_would_go_wrong_for_every_response_ends_the_job(monkeypatch, act, what, fix):
    monkeypatch.setenv("OPENAI_API_KEY", "secret-1")
    with chat_server(act) as server, pytest.raises(UnavailableError) as caught:
        judged(server)
    [problem] = caught.value.problems
    assert (problem.what, problem.fix) == (what, fix.replace("BASE", server.base))
    assert len(server.asked) <= 8


def test_no_server_ends_the_job():
    with chat_server(says("1")) as server:
        address = server.address
    judge = endpoint_judge(address, GUIDE, JudgeSettings(retries=1))
    with pytest.raises(UnavailableError) as caught:
        list(judge.judge([row()]))
    [problem] = caught.value.problems
    assert problem.what.startswith("the endpoint can't be reached (")
    assert problem.what.endswith("), asked 2 times")
    assert problem.fix == "start the server, then type the same command with --resume auto"


def test_a_server_that_only_fails_ends_the_job():
    with chat_server(sends(b"", 500)) as server:
        judgements = endpoint_judge(server.address, GUIDE, JudgeSettings(retries=0)).judge(row(n) for n in range(99))
        with pytest.raises(UnavailableError) as caught:
            for _ in range(21):
                assert next(judgements).failure == "the endpoint answers 500 Internal Server Error"
    [problem] = caught.value.problems
    assert problem.what == (
        "the endpoint has failed for 20 responses in a row; the last time: "
        "the endpoint answers 500 Internal Server Error"
    )


def test_leaving_waits_for_no_answer():
    with chat_server(late(3.0, says("1"))) as server:
        judge = endpoint_judge(server.address, GUIDE, JudgeSettings(concurrency=2))
        start = time.monotonic()

        def rows():
            yield row()
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            list(judge.judge(rows()))
    assert time.monotonic() - start < 1.0


def test_the_key_goes_into_the_header_and_nowhere_else(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "secret-1")
    with chat_server(says("1")) as server:
        judge = endpoint_judge(server.address, GUIDE, JudgeSettings())
        list(judge.judge([row()]))
    assert server.headers[0]["Authorization"] == "Bearer secret-1"
    assert "secret-1" not in f"{judge.name} {judge.explanation} {judge.fingerprint} {server.asked}"
    monkeypatch.setenv("OPENAI_API_KEY", "secret\x07")
    with pytest.raises(UsageError, match="the key holds characters that no key has") as caught:
        key_of()
    assert "secret" not in repr(caught.value.problems)


@pytest.mark.parametrize(
    ("address", "what"),
    [
        ("openai:http://h/v1", "the endpoint 'openai:http://h/v1' names no model"),
        ("openai:h:8000#m", "the endpoint's address is no http or https URL"),
        ("openai:ftp://h/v1#m", "the endpoint's address is no http or https URL"),
        ("openai:http://h:x/v1#m", "the endpoint's address is no http or https URL"),
        (
            "openai:http://me:pw@h/v1#m",
            "the endpoint's address holds a user, a password or a query, and names of judges are written into files",
        ),
        (
            "openai:http://h/v1?key=pw#m",
            "the endpoint's address holds a user, a password or a query, and names of judges are written into files",
        ),
    ],
)
def test_an_address_that_is_none(address, what):
    with pytest.raises(UsageError) as caught:
        parse_address(address)
    [problem] = caught.value.problems
    assert problem.what == what
    assert problem.fix.endswith("openai:http://127.0.0.1:8000/v1#MODEL")
    assert "pw" not in problem.what + problem.fix


def test_addresses_in_their_usual_forms():
    for text in ("http://h:1/v1", "http://h:1/v1/", "http://h:1/v1/chat/completions"):
        endpoint = parse_address(f"openai:{text}#org/Model-7B")
        assert (endpoint.url, endpoint.model) == ("http://h:1/v1/chat/completions", "org/Model-7B")
    same = ["org/Model-7B", "model-7b", "Model-7B-0613", "Model-7B-2024-05-13", "model-7b:latest"]
    other = ["Model-7B-turbo", "Model", "Model-70B", "model-7b:q4"]
    assert [endpoint.is_its_model(name) for name in same + other] == [True] * 5 + [False] * 4


def test_the_fingerprint_is_that_of_what_scores_depend_on():
    def print_of(address="openai:http://h/v1#m", dimensions="guide", **settings):
        return endpoint_judge(address, dimension_set(dimensions), JudgeSettings(**settings)).fingerprint

    assert print_of() == print_of(concurrency=3, retries=1, timeout_s=5)
    others = [print_of("openai:http://h/v1#n"), print_of("openai:http://g/v1#m"), print_of(mode="generate")]
    assert len({print_of(), print_of(dimensions="paper"), *others}) == 5


def test_threads_end_with_the_judge():
    before = threading.active_count()
    with chat_server(says("1")) as server:
        judged(server, concurrency=8)
    deadline = time.monotonic() + 2
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() <= before
