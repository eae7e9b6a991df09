"""The report of a whole run."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from run_maker import make_run

from ecr_engine.errors import DataError
from ecr_engine.evaluation.evidence import gather
from ecr_engine.evaluation.report import render, write_report
from ecr_engine.evaluation.reward_told import reward_facts
from ecr_engine.evaluation.run_facts import REPORT, STAGES
from ecr_engine.pipeline.table import TABLE
from ecr_engine.rewards.sources import RewardSources, write_sources
from ecr_engine.runs.events import EventLog

VOID = {"meta", "img", "br", "col"}


class Page(HTMLParser):
    """What a reader and a browser find in a page."""

    def __init__(self, html):
        super().__init__()
        self.open, self.pictures, self.addresses, self.tags, self.words = [], [], [], [], []
        self.feed(html)
        self.close()
        self.text = re.sub(r"\s+", " ", " ".join(self.words))

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.append(tag)
        self.addresses += [attrs[name] for name in ("src", "href") if name in attrs]
        if tag == "img":
            self.pictures.append(attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def page_of(run):
    """The report without its plots, which take most of the time."""
    return Page(render(gather(run.root), ()))


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    run = make_run(tmp_path_factory.mktemp("runs") / "demo")
    path = write_report(run.root)
    return run, path, Page(path.read_text(encoding="utf-8"))


def test_it_is_one_small_file_that_needs_nothing_else(full):
    _, path, page = full
    assert path.name == "report.html"
    assert path.stat().st_size < 3_000_000
    assert all(address.startswith(("data:image/png;base64,", "#")) for address in page.addresses)
    assert not {"script", "link", "iframe"} & set(page.tags)
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'" in path.read_text()
    assert "url(" not in path.read_text() and "@import" not in path.read_text()
    assert page.open == []


def test_every_plot_is_in_it_with_its_words(full):
    run, _, page = full
    assert len(page.pictures) == 10
    assert all(len(picture["alt"]) > 30 for picture in page.pictures)
    assert sorted(path.name for path in run.plots.iterdir()) == sorted(
        f"{name}.{kind}"
        for name in (
            "comparison", "before_after", "reward_turns", "lengths",
            "reward", "components", "kl", "frontier", "updates", "loss",
        )
        for kind in ("csv", "png")
    )  # fmt: skip


def test_it_says_what_was_run_and_what_came_out(full):
    _, _, page = full
    assert "Policy is better than baseline at the objective on 240 held-out test turns of 120 dialogues" in page.text
    assert "ecrctl run --run runs/demo --set 'prompt.system=Feel & recommend'" in page.text
    assert "reward in reward 0.2" in page.text
    assert "dist@1 held out 1.310 1.110 −0.200 −15.3 % +25.0 % – – – not tested" in page.text
    assert "rl : clip fraction 0.34 is above 0.3: the updates are large (step 61)" in page.text
    assert "ppo.learning_rate 1e-05 profile balanced balanced.toml:9" in page.text
    assert "against a target of 3" in page.pictures[6]["alt"]
    assert "it rose on 99% of the turns and fell on 1%" in page.pictures[2]["alt"]
    assert "rl 2.5 min done" in page.text
    assert "git checkout 0123456789abcdef0123456789abcdef01234567 ecrctl run --run runs/demo" in page.text
    assert "4 of 10 settings are not the built-in defaults: Setting Value Layer Where seed 7 flag --seed" in page.text
    assert "Weights of the reward bleu 1.0, empathy 2.0 Judges that trained the policy not recorded" in page.text
    assert "Held out from the reward dist@1 Paid for by the reward bleu@1, length, finished" in page.text
    assert "Most improved" in page.text and "Most harmed" in page.text and "Drawn at random" in page.text


def test_text_of_users_is_escaped(full):
    _, path, page = full
    assert "it is <b>warm</b> & funny." in page.text
    assert "b" not in page.tags
    assert "&lt;movie&gt;" in path.read_text()


def test_a_run_that_just_began_has_a_report_that_says_what_is_missing(tmp_path):
    run = make_run(tmp_path / "demo")
    for path in (run.events, run.comparison, run.resolved_config, run.config_origin):
        path.unlink()
    for name in ("baseline", "policy"):
        (run.evaluation(name) / "results.json").unlink()
    page = Page(write_report(run.root).read_text(encoding="utf-8"))
    assert page.pictures == []
    for sentence in (
        "No verdict: there is no comparison of a baseline with a policy in this run.",
        "There are no events (events.jsonl) in this run, so its curves are left out.",
        "The baseline has not been evaluated in this run.",
        "The policy has not been evaluated in this run.",
        "The baseline and the policy have not been compared in this run.",
        "The settings (config.resolved.toml) are not in this run.",
        "There is nothing to plot in this run yet.",
        "Nothing is known: the run has no events.",
        "The run has no settings on disk.",
    ):
        assert sentence in page.text
    assert "samples.jsonl" not in page.text


def test_a_run_without_its_turns_has_the_rest(tmp_path):
    run = make_run(tmp_path / "demo", turns=24)
    (run.evaluation("policy") / "samples.jsonl").unlink()
    page = Page(write_report(run.root).read_text(encoding="utf-8"))
    assert (
        "The turns of an evaluation (samples.jsonl) are not in this run, so their distributions are left" in page.text
    )
    assert len(page.pictures) == 8
    assert "Most improved turn" in page.text


def test_a_torn_file_of_turns_is_an_error_that_names_the_line(tmp_path):
    run = make_run(tmp_path / "demo", turns=6)
    path = run.evaluation("policy") / "samples.jsonl"
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(DataError) as error:
        write_report(run.root)
    problem = error.value.problems[0]
    assert problem.at == f"{path}:6"
    assert problem.fix == "evaluate again: ecrctl eval run RUN"


def test_stages_that_were_not_run_or_did_not_end_are_named(tmp_path):
    run = make_run(tmp_path / "demo", turns=4)
    record = run.read_record()
    stages = {name: stage for name, stage in record.stages.items() if name not in ("judge", "critic")}
    stages["rl"] = replace(stages["rl"], status="interrupted")
    stages["report"] = replace(stages["data"], status="running")
    run.write_record(replace(record, stages=stages))
    page = page_of(run)
    assert "Stages that were not run: judge, critic. The stage rl is not done: interrupted." in page.text
    assert "report is not done" not in page.text
    assert "rl 2.5 min interrupted" in page.text


def test_the_stages_are_those_of_the_main_job():
    assert [stage.name for stage in TABLE] == [*STAGES, REPORT]


def test_further_evaluations_are_named(tmp_path):
    run = make_run(tmp_path / "demo", turns=4)
    shutil.copytree(run.evaluation("policy"), run.evaluation("early"))
    path = run.evaluation("early") / "results.json"
    raw = json.loads(path.read_text())
    raw |= {"checkpoint": "runs/demo:policy@step-000010"}
    raw["metrics"]["reward"]["value"] = 0.25
    path.write_text(json.dumps(raw))
    page = page_of(run)
    assert "evaluation/early : policy ( runs/demo:policy@step-000010 ), 4 turns of the test split, reward 0.250" in (
        page.text
    )


def test_judges_that_trained_the_policy_are_named(tmp_path):
    run = make_run(tmp_path / "demo", turns=4)
    write_sources(run.stage("policy"), RewardSources(("bleu", "critic"), ("rubric",), ("minilm-l6",)))
    path = run.evaluation("policy") / "results.json"
    raw = json.loads(path.read_text())
    raw["judge"] = {"name": "rubric", "fingerprint": "1", "dimensions": "default", "turns": 4}
    path.write_text(json.dumps(raw))
    facts = {fact.name: fact.text for fact in reward_facts(gather(run.root))}
    assert facts["Judges that trained the policy"] == (
        "rubric (through a critic that learned their scores); their scores are marked as paid for"
    )
    assert facts["Text encoders in the reward"] == "minilm-l6"
    assert facts["Judge of the metrics judge/…"] == "rubric, which trained the policy too: no evidence"
    raw["judge"]["name"] = "smollm2-135m"
    path.write_text(json.dumps(raw))
    facts = {fact.name: fact.text for fact in reward_facts(gather(run.root))}
    assert facts["Judge of the metrics judge/…"] == "smollm2-135m, which the reward does not ask: held out"


@pytest.mark.parametrize(
    ("ppo", "said"),
    [
        ('estimator = "rloo"', "none: the estimator rloo needs no values"),
        ('estimator = "gae"\nvalue = "trunk"', "a head on the policy's trunk"),
        (
            'estimator = "gae"\nvalue = "critic"',
            "the critic, first taught with the scores of the judge rubric; it estimates the reward and is no part of "
            "it",
        ),
    ],
    ids=["rloo", "trunk", "critic"],
)
def test_where_the_values_come_from(tmp_path, ppo, said):
    run = make_run(tmp_path / "demo", turns=4)
    run.resolved_config.write_text(f'[judge]\nname = "rubric"\n[ppo]\n{ppo}\n')
    facts = {fact.name: fact.text for fact in reward_facts(gather(run.root))}
    assert facts["Values of PPO"] == said


def test_a_mark_of_the_reward_that_is_no_list(tmp_path):
    run = make_run(tmp_path / "demo", turns=4)
    path = run.evaluation("policy") / "results.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"reward_sources": {"judges": 7}}))
    with pytest.raises(DataError) as error:
        gather(run.root)
    problem = error.value.problems[0]
    assert problem.what.startswith("what the reward of an evaluation draws on can't be read: ")
    assert (problem.at, problem.fix) == (str(run.evaluation("policy")), "evaluate again: ecrctl eval run RUN")


def test_the_data_is_told_by_split(tmp_path):
    run = make_run(tmp_path / "demo", turns=4)
    summary = run.data / "summary.json"
    counts = {"train": {"dialogues": 1200, "recommender_turns": 7654}}
    summary.write_text(json.dumps({"splits": counts}))
    page = page_of(run)
    assert "Data train 1,200 dialogues, 7,654 recommender turns; fingerprint feedc0ffee" in page.text
    summary.write_text(json.dumps({"splits": {"train": {"dialogues": 1200}}}))
    with pytest.raises(DataError) as error:
        gather(run.root)
    assert error.value.problems[0].what == "the data summary has a wrong or missing field: 'recommender_turns'"
    assert error.value.problems[0].at == f"{summary}:1"


def test_dialogues_show_what_the_seeker_feels_and_how_the_answers_meet_it(full):
    _, _, page = full
    found = re.search(r"turn \d+:3 · the seeker feels: negative .{300,500}?reward/empathy 0\.\d{3} policy", page.text)
    assert found is not None
    assert "reward/bleu 0." not in found.group()


def test_rows_of_one_family_open_from_one_row(tmp_path):
    run = make_run(tmp_path / "demo", turns=24)
    raw = json.loads(run.comparison.read_text())
    for label in ("happy", "like", "grateful"):
        raw["metrics"][f"emotion_f1/{label}"] = raw["metrics"]["dist@1"]
    run.comparison.write_text(json.dumps(raw))
    page = page_of(run)
    assert page.tags.count("details") == 3
    assert "emotion_f1/happy held out 1.310" in page.text
    assert "2 more of emotion_f1: 2 not tested emotion_f1/like held out 1.310" in page.text


def test_a_folder_that_is_no_run(tmp_path):
    with pytest.raises(DataError) as error:
        write_report(tmp_path / "nothing")
    assert error.value.problems[0].what == f"there is no run folder '{tmp_path}/nothing'"
    assert not (tmp_path / "nothing").exists()


def test_settings_that_are_no_toml(tmp_path):
    run = make_run(tmp_path / "demo", turns=4)
    run.resolved_config.write_text("seed = = 3")
    with pytest.raises(DataError) as error:
        gather(run.root)
    problem = error.value.problems[0]
    assert problem.what.startswith("the settings can't be read: Invalid value (at line 1, column 8)")
    assert problem.at == str(run.resolved_config)


def test_equal_warnings_are_told_once(tmp_path):
    run = make_run(tmp_path / "demo", turns=4)
    with run.events.open("a") as handle:
        for step in (3, 9):
            line = '{"time": 1.0, "stage": "rl", "step": %d, "kind": "warning", "values": {"what": "KL is high"}}\n'
            handle.write(line % step)
    warnings = [w for w in gather(run.root).warnings if w.text == "KL is high"]
    assert [w.steps for w in warnings] == [(3, 9)]
    assert "KL is high (step 3, 2 times, last at step 9)" in page_of(run).text


def test_a_warning_of_the_health_watch_has_its_reason_and_its_remedy(tmp_path):
    run = make_run(tmp_path / "demo", turns=4)
    log = EventLog(run.events)
    for step, kl in ((20, 0.6), (45, 0.7)):
        fix = "ecrctl rl train --run demo --ppo_epochs 2"
        told = {"name": "kl_beyond_band", "what": f"the KL is {kl}", "why": "language falls apart", "fix": fix}
        log.emit("rl", "warning", step, **told)
    (found,) = [warning for warning in gather(run.root).warnings if warning.fix]
    assert (found.text, found.why, found.steps) == ("the KL is 0.7", "language falls apart", (20, 45))
    text = page_of(run).text
    assert "the KL is 0.7 (step 20, 2 times, last at step 45)" in text
    assert "language falls apart ecrctl rl train --run demo --ppo_epochs 2" in text
