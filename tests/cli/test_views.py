"""Profiles, models, rewards and scores as they are printed."""

from __future__ import annotations

import json

import pytest


def test_the_profiles_and_when_to_use_them(ecrctl) -> None:
    lines = ecrctl("profile", "list").out.splitlines()
    named = [line.split()[0] for line in lines[1:] if not line.startswith(" ")]
    assert named == ["aggressive", "balanced", "conservative", "demo", "empathy", "recommendation"]


def test_each_profile_is_another(ecrctl) -> None:
    names = [entry["name"] for entry in json.loads(ecrctl("profile", "list", "--json").out)]
    shown = {json.dumps(json.loads(ecrctl("profile", "show", name, "--json").out)["values"]) for name in names}
    assert len(shown) == len(names) == 6


def test_show_sets_a_profile_beside_the_defaults(ecrctl) -> None:
    rows = [line.split() for line in ecrctl("profile", "show", "conservative").out.splitlines()]
    assert ["ppo.clip_epsilon", "0.1", "0.2"] in rows
    assert ["ppo.epochs", "2", "4"] in rows


def test_difference_of_two_profiles(ecrctl) -> None:
    rows = [line.split() for line in ecrctl("profile", "diff", "conservative", "aggressive").out.splitlines()]
    assert rows[0] == ["setting", "conservative", "aggressive"]
    assert ["ppo.epochs", "2", "6"] in rows
    document = json.loads(ecrctl("profile", "diff", "conservative", "conservative", "--json").out)
    assert document == {}


def test_where_each_setting_comes_from(ecrctl, tmp_path, monkeypatch) -> None:
    (tmp_path / "ecr.toml").write_text("# ours\n[ppo]\nepochs = 3\n", encoding="utf-8")
    monkeypatch.setenv("ECR_SEED", "5")
    lines = ecrctl("profile", "show", "--resolved", "--set", "ppo.gamma=0.9").out.splitlines()
    assert "epochs = 3                                    # project file: ecr.toml:3" in lines
    assert "seed = 5                                      # environment: ECR_SEED" in lines
    assert "gamma = 0.9                                   # --set: --set ppo.gamma=0.9" in lines
    assert "clip_epsilon = 0.2" in lines


def test_models(ecrctl) -> None:
    names = [entry["name"] for entry in json.loads(ecrctl("model", "list", "--json").out)]
    assert {"tiny", "smollm2-135m", "llama2-7b-chat", "minilm-l6"} <= set(names)
    facts = [line.split() for line in ecrctl("model", "info", "llama2-7b-chat").out.splitlines()]
    assert ["source", "meta-llama/Llama-2-7b-chat-hf"] in facts


def test_the_reward_components_with_their_weights(ecrctl) -> None:
    lines = ecrctl("rl", "rewards", "--set", "rewards.empathy=3").out.splitlines()
    weights = {line.split()[0]: line.split()[1] for line in lines[1:-1] if not line.startswith(" ")}
    on = {name: weight for name, weight in weights.items() if weight != "0"}
    wanted = {"bleu": "1", "distinct": "0.5", "empathy": "3", "format": "1", "recommendation": "1.5", "relevance": "1"}
    assert on == wanted


def test_the_breakdown_of_one_response_adds_up(ecrctl) -> None:
    document = json.loads(
        ecrctl(
            "rl",
            "rewards",
            "--context",
            "I feel sad",
            "--response",
            "I am sorry. Try <movie>!",
            "--reference",
            "Try <movie>",
            "--json",
        ).out
    )
    assert {row["component"] for row in document["components"]} == {
        "bleu",
        "distinct",
        "empathy",
        "format",
        "relevance",
        "recommendation",
    }
    assert document["total"] == pytest.approx(sum(row["contribution"] for row in document["components"]))


def sample(number: int, response: str) -> str:
    return json.dumps(
        {
            "example_id": f"1:{number}",
            "conversation_id": "1",
            "turn": number,
            "context": [{"role": "seeker", "text": "I feel sad", "slots": "I feel sad", "items": []}],
            "reference": "Try <movie>",
            "response": response,
            "finished": True,
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
    path = tmp_path / "samples.jsonl"
    path.write_text(
        "\n".join(sample(n, f"I am sorry, number {n}. Try <movie>?") for n in range(5)) + "\n", encoding="utf-8"
    )
    return path


def test_score_takes_a_slice_and_writes_one_judgement_a_line(ecrctl, samples, tmp_path) -> None:
    finished = ecrctl(
        "score",
        "run",
        "--input",
        samples,
        "--output",
        "judged.jsonl",
        "--start",
        "1",
        "--max",
        "3",
        "--json",
        "--quiet",
    )
    assert finished.code == 0, finished.err
    rows = [json.loads(line) for line in (tmp_path / "judged.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["example_id"] for row in rows] == ["1:1", "1:2", "1:3"]
    document = json.loads(finished.out)
    assert (document["judge"], document["scored"], document["failed"]) == ("rubric", 3, 0)
    assert document["means"]["empathy"] == pytest.approx(sum(row["scores"]["empathy"] for row in rows) / 3)


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (
            ["--input", "samples.jsonl", "--output", "x.jsonl", "--start", "9"],
            2,
            "error: no responses are left to score\n  at   --start\n  fix  give a smaller --start\n",
        ),
        (
            ["--input", "samples.jsonl", "--output", "no/x.jsonl"],
            3,
            "error: there is no folder 'no'\n  at   --output no/x.jsonl\n  fix  mkdir -p no\n",
        ),
        (
            ["--input", "samples.jsonl", "--output", "./samples.jsonl"],
            2,
            "error: the output is the input\n  at   --output samples.jsonl\n  fix  name another file with --output\n",
        ),
        (
            ["--input", "samples.jsonl", "--output", "bad.jsonl"],
            2,
            "error: 'bad.jsonl' is there already\n"
            "  at   --output bad.jsonl\n"
            "  fix  go on with it: --resume auto; or name another file with --output\n",
        ),
        (
            ["--input", "samples.jsonl", "--output", "x.jsonl", "--judge", "rubrik"],
            2,
            "error: unknown judge 'rubrik'\n  at   judge.name\n  fix  did you mean 'rubric'?\n",
        ),
        (
            ["--input", "bad.jsonl", "--output", "x.jsonl"],
            3,
            "error: the sample has no field 'context'\n"
            "  at   bad.jsonl:1\n"
            "  fix  name a samples.jsonl that `ecrctl eval run` wrote, or a run\n",
        ),
        (
            ["--input", "empty.jsonl", "--output", "x.jsonl"],
            3,
            "error: the file has no samples\n"
            "  at   empty.jsonl\n"
            "  fix  name a samples.jsonl that `ecrctl eval run` wrote, or a run\n",
        ),
    ],
)
def test_score_of_what_cannot_be_scored(ecrctl, samples, tmp_path, arguments, code, text) -> None:
    (tmp_path / "bad.jsonl").write_text('{"example_id": "1"}\n', encoding="utf-8")
    (tmp_path / "empty.jsonl").write_text("", encoding="utf-8")
    before = samples.read_bytes()
    finished = ecrctl("score", "run", *arguments)
    assert (finished.code, finished.err) == (code, text)
    assert samples.read_bytes() == before
    assert (tmp_path / "bad.jsonl").read_text(encoding="utf-8") == '{"example_id": "1"}\n'
    assert not (tmp_path / "x.jsonl").exists()
