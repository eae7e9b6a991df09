"""The model card of a run."""

from __future__ import annotations

import json

import pytest
from run_maker import make_run

from ecr_engine.evaluation.model_card import write_model_card
from ecr_engine.runs.checkpoints import save_checkpoint
from ecr_engine.runs.events import EventLog


def _write(folder):
    (folder / "config.json").write_text("{}")


@pytest.fixture
def run(tmp_path):
    return make_run(tmp_path / "demo", turns=24)


def test_the_card_has_the_results_and_how_to_load_the_model(run):
    assert "This run has no checkpoint of a language model yet." in write_model_card(run.root).read_text()
    for step, best in ((10, True), (20, False)):
        save_checkpoint(run.stage("policy"), step, _write, metrics={}, best=best, keep_last=2)
    path = write_model_card(run.root)
    card = path.read_text()
    assert path.name == "README.md"
    assert card.startswith("---\nlibrary_name: transformers\n")
    assert "\n# demo\n" in card
    assert "\n**Policy is better than baseline at the objective on 24 held-out test turns" in card
    assert 'AutoModelForCausalLM.from_pretrained("policy/checkpoints/step-000010")' in card
    assert "| dist@1 | 1.310 | 1.110 | −0.200 | −15.3 % | +25.0 % | – | – | not tested |" in card
    assert "- Weights of the reward: bleu 1.0, empathy 2.0" in card
    assert "- Held out from the reward: dist@1\n- Paid for by the reward: bleu@1, length, finished\n" in card
    assert "- rl: clip fraction 0.34 is above 0.3: the updates are large" in card
    assert "Hardware: Cpu x86_64, Cores 2, Memory gib 15.6, Accelerator none." in card


def test_the_card_says_what_not_to_use_the_model_for(run):
    _, _, after = write_model_card(run.root).read_text().partition("## What not to use it for\n\n")
    section, _, _ = after.partition("\n## ")
    assert len(section.strip().splitlines()) == 4
    assert "- Advice or comfort in distress, illness or danger: it answers with a movie." in section


def test_limits_that_follow_from_the_run(run):
    counts = {"train": {"dialogues": 1461, "recommender_turns": 9}, "test": {"dialogues": 9, "recommender_turns": 24}}
    (run.data / "summary.json").write_text(json.dumps({"splits": counts}))
    (run.root / "sample").mkdir()
    (run.root / "sample" / "sample.json").write_text("{}")
    card = write_model_card(run.root).read_text()
    assert "- Its backbone was trained from nothing: all that it knows is from 1,461 dialogues.\n" in card
    assert "- It was trained on the generated sample corpus: the movies and the people in it do not exist.\n" in card
    assert "- Data: train 1,461 dialogues, test 9 dialogues, fingerprint feedc0ffee\n" in card
    run.resolved_config.write_text(run.resolved_config.read_text().replace('"tiny"', '"some/llama"'))
    assert "trained from nothing" not in write_model_card(run.root).read_text()


def test_turns_that_got_worse_are_a_limit(run):
    for side, rewards in (("baseline", [0.5] * 24), ("policy", [0.4] * 5 + [0.6] * 19)):
        folder = run.evaluation(side)
        lines = (folder / "samples.jsonl").read_text().splitlines()
        rows = [json.loads(line) for line in lines]
        for row, reward in zip(rows, rewards, strict=True):
            row["metrics"]["reward"] = reward
        (folder / "samples.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")
        results = json.loads((folder / "results.json").read_text())
        results["metrics"]["reward"]["value"] = sum(rewards) / 24
        (folder / "results.json").write_text(json.dumps(results))
    assert (
        "- The reward is lower than the baseline's on 5 of 24 held-out turns.\n"
        in write_model_card(run.root).read_text()
    )


def test_a_warning_has_its_remedy(run):
    told = {"name": "kl_beyond_band", "what": "the KL is 0.7", "fix": "ecrctl rl train --run demo --ppo_epochs 2"}
    EventLog(run.events).emit("rl", "warning", 20, **told)
    card = write_model_card(run.root).read_text()
    assert "- rl: the KL is 0.7 (fix: `ecrctl rl train --run demo --ppo_epochs 2`)" in card


def test_the_card_of_an_unfinished_run_gives_what_there_is(run):
    run.comparison.unlink()
    (run.evaluation("policy") / "results.json").unlink()
    card = write_model_card(run.root).read_text()
    assert "## Results of the baseline\n\n24 turns of the test split.\n" in card
    assert "| dist@1 | 1.310 |" in card
    assert "- The policy has not been evaluated in this run." in card


def test_folded_metrics_are_counted_and_not_listed(run):
    raw = json.loads(run.comparison.read_text())
    for label in ("happy", "like", "grateful"):
        raw["metrics"][f"emotion_f1/{label}"] = raw["metrics"]["dist@1"]
    run.comparison.write_text(json.dumps(raw))
    card = write_model_card(run.root).read_text()
    assert "2 further metrics are in `report.html` and `evaluation/comparison.json`." in card
    assert "| emotion_f1/happy |" in card
    assert "| emotion_f1/like |" not in card
