"""The report and the model card of a whole run."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from run_maker import make_run

from ecr_engine.errors import DataError
from ecr_engine.evaluation.evidence import gather
from ecr_engine.evaluation.model_card import write_model_card
from ecr_engine.evaluation.report import write_report
from ecr_engine.runs.events import EventLog

VOID = {"meta", "img", "br"}


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


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    run = make_run(tmp_path_factory.mktemp("runs") / "demo")
    path = write_report(run.root)
    return run, path, Page(path.read_text(encoding="utf-8"))


def test_it_is_one_small_file_that_needs_nothing_else(full):
    _, path, page = full
    assert path.name == "report.html"
    assert path.stat().st_size < 3_000_000
    assert all(address.startswith("data:image/png;base64,") for address in page.addresses)
    assert not {"script", "link", "iframe"} & set(page.tags)
    assert "url(" not in path.read_text() and "@import" not in path.read_text()
    assert page.open == []


def test_every_plot_is_in_it_with_its_words(full):
    run, _, page = full
    assert len(page.pictures) == 6
    assert all(len(picture["alt"]) > 30 for picture in page.pictures)
    assert sorted(path.name for path in run.plots.iterdir()) == sorted(
        f"{name}.{kind}"
        for name in ("before_after", "comparison", "reward", "components", "kl", "loss")
        for kind in ("csv", "png")
    )


def test_it_says_what_was_run_and_what_came_out(full):
    _, _, page = full
    assert "Policy is better than baseline at the objective on 240 held-out test turns of 120 dialogues" in page.text
    assert "ecrctl run --run runs/demo --set 'prompt.system=Feel & recommend'" in page.text
    assert "reward in reward" in page.text
    assert "dist@1 1.310 1.110 −0.200 −15.3 % – – – not tested" in page.text
    assert "rl : clip fraction 0.34 is above 0.3: the updates are large (step 61)" in page.text
    assert "ppo.learning_rate 1e-05 profile balanced balanced.toml:9" in page.text
    assert "against a target of 3" in page.pictures[4]["alt"]
    assert "rl 2.5 min done" in page.text
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
    ):
        assert sentence in page.text


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
    assert "KL is high (step 3, 2 times, last at step 9)" in Page(write_report(run.root).read_text()).text


def test_a_warning_of_the_health_watch_has_its_reason_and_its_remedy(tmp_path):
    run = make_run(tmp_path / "demo", turns=4)
    log = EventLog(run.events)
    for step, kl in ((20, 0.6), (45, 0.7)):
        fix = "ecrctl rl train --run demo --ppo_epochs 2"
        told = {"name": "kl_beyond_band", "what": f"the KL is {kl}", "why": "language falls apart", "fix": fix}
        log.emit("rl", "warning", step, **told)
    (found,) = [warning for warning in gather(run.root).warnings if warning.fix]
    assert (found.text, found.why, found.steps) == ("the KL is 0.7", "language falls apart", (20, 45))
    text = Page(write_report(run.root).read_text()).text
    assert "the KL is 0.7 (step 20, 2 times, last at step 45)" in text
    assert "language falls apart ecrctl rl train --run demo --ppo_epochs 2" in text
    card = write_model_card(run.root).read_text()
    assert "- rl: the KL is 0.7 (fix: `ecrctl rl train --run demo --ppo_epochs 2`)" in card


def test_the_model_card_has_the_results_and_how_to_load_the_model(full):
    run, _, _ = full
    assert "This run has no checkpoint of a language model yet." in write_model_card(run.root).read_text()
    (run.stage("policy") / "latest").mkdir(parents=True)
    path = write_model_card(run.root)
    card = path.read_text()
    assert path.name == "README.md"
    assert card.startswith("---\nlibrary_name: transformers\n")
    assert "\n# demo\n" in card
    assert "\n**Policy is better than baseline at the objective" in card
    assert 'AutoModelForCausalLM.from_pretrained("policy/latest")' in card
    (run.stage("policy") / "best").symlink_to("latest")
    assert 'AutoModelForCausalLM.from_pretrained("policy/best")' in write_model_card(run.root).read_text()
    assert "| dist@1 | 1.310 | 1.110 | −0.200 | – | – | not tested |" in card
    assert "- Weights of the reward: bleu 1.0, empathy 2.0" in card
    assert "- rl: clip fraction 0.34 is above 0.3: the updates are large" in card


def test_the_model_card_of_an_unfinished_run_gives_what_there_is(tmp_path):
    run = make_run(tmp_path / "demo", turns=4)
    run.comparison.unlink()
    (run.evaluation("policy") / "results.json").unlink()
    card = write_model_card(run.root).read_text()
    assert "## Results of the baseline\n\n4 turns of the test split.\n" in card
    assert "| dist@1 | 1.310 |" in card
    assert "- The policy has not been evaluated in this run." in card
