"""`ecrctl data show`: what training sees of one example."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from processed_data import ASKED, HELLO, OFFER, OPENING, THANKS, feeling, write_processed

from ecr_engine.data.prompts import PromptEncoder
from ecr_engine.models.tokenizer import train_tokenizer
from ecr_engine.models.tokenizer_files import load_tokenizer

PROMPT = (
    "<s>[INST] <<SYS>>\nBe kind.\n<</SYS>>\n\n"
    " [/INST] Hello! </s><s>[INST] I love Heat (1995), what is like it? [/INST]"
)
KIND = ("--set", "prompt.system=Be kind.")


@pytest.fixture
def source(tmp_path):
    """One example with all there is to know of it, and its conversation's opening."""
    asked = feeling(ASKED, ("like", 0.7), ("curious", 0.654))
    known = replace(
        OFFER, context=(HELLO, asked), emotions=("like", "curious"), reply=feeling(THANKS, ("grateful", 0.9))
    )
    return write_processed(tmp_path / "p", [OPENING, known])


@pytest.fixture(scope="session")
def tokenizer_folder(tmp_path_factory):
    """A byte-level tokenizer with the markers of the chat format and hardly a merge: one token a byte or marker."""
    folder = tmp_path_factory.mktemp("tokenizer")
    train_tokenizer(["a b"], 400).save_pretrained(folder)
    return folder


def test_without_a_tokenizer_the_trained_text_is_told_and_lengths_are_not_known(ecrctl, source) -> None:
    finished = ecrctl("data", "show", "p", "2", *KIND)
    assert finished.code == 0, finished.err
    assert finished.out.startswith(PROMPT + "\ntrained: Try <movie> & <movie> </s>\n\n")
    assert [line.split(maxsplit=1) for line in finished.out.splitlines()[-9:]] == [
        ["tokens", "their number is not known without a tokenizer; name one: --tokenizer RUN"],
        ["reference", "Try <movie> & <movie>"],
        ["movies", "Alien (1979) (disliked, the recommender's suggestion); @33 (not said)"],
        ["mentioned", "1 in the context"],
        ["entities", "crime"],
        ["emotions", "like 0.70, curious 0.65"],
        ["reply", "Thanks so much, bye (grateful 0.90)"],
        ["id", "5:2, from train_data.jsonl:3"],
        ["example", "2 of 2 in p/train.jsonl"],
    ]


def test_an_example_by_its_id_in_any_split(ecrctl, source) -> None:
    finished = ecrctl("data", "show", "p", "--id", "8:0", *KIND)
    assert "\ntrained: Hello! </s>\n" in finished.out
    assert finished.out.splitlines()[-1].split(maxsplit=1) == ["example", "1 of 1 in p/test.jsonl"]


def test_with_a_tokenizer_tokens_are_counted(ecrctl, source, tokenizer_folder) -> None:
    finished = ecrctl("data", "show", "p", "2", "--tokenizer", tokenizer_folder, *KIND)
    assert finished.code == 0, finished.err
    assert finished.out.startswith(PROMPT + "\ntrained: Try <movie> & <movie></s>\n\n")
    # one token a marker and one a byte; a stop token takes the blank before it
    markers = ["<s>", "[INST]", "<<SYS>>", "<</SYS>>", "[/INST]", " </s>", "<s>", "[INST]", "[/INST]"]
    rest = PROMPT
    for marker in markers:
        rest = rest.replace(marker, "", 1)
    prompt = len(markers) + len(rest)
    assert prompt == 68
    # " Try ", a slot, " & ", a slot, the stop token
    assert f"prompt {prompt} of 150 tokens, 11 trained (of 60)\n" in finished.out
    assert "\ncut " not in finished.out


def test_the_mask_covers_the_target_and_its_stop_token(ecrctl, source, tokenizer_folder) -> None:
    finished = ecrctl("data", "show", "p", "2", "--tokenizer", tokenizer_folder, *KIND, "--json")
    document = json.loads(finished.out)
    tokens = document["tokens"]
    assert document["prompt"] == PROMPT
    assert document["example"]["example_id"] == "5:2"
    assert tokens["mask"] == [0] * 68 + [1] * 11
    assert len(tokens["ids"]) == len(tokens["texts"]) == 79
    trained = [text for text, flag in zip(tokens["texts"], tokens["mask"], strict=True) if flag]
    assert trained == [" ", "T", "r", "y", " ", "<movie>", " ", "&", " ", "<movie>", "</s>"]
    assert tokens["cut"] == {"turns": 0, "start": "", "prompt_before": 68, "target_before": 11}


def test_what_the_limits_cut_is_told(ecrctl, source, tokenizer_folder) -> None:
    limits = ("--set", "prompt.context_max_length=30", "--set", "prompt.resp_max_length=5")
    words = ("data", "show", "p", "2", "--tokenizer", tokenizer_folder, *KIND, *limits)
    finished = ecrctl(*words)
    # the head of a prompt takes 19 of 30 tokens: what is left holds "is like it?", 11, and no word more
    assert "\n\nis like it? [/INST]\ntrained: Try\n" in finished.out
    assert (
        "the oldest turn and the start of the seeker's last turn (I love Heat (1995), what): "
        "the prompt had 68 tokens; the last 6 of the target's 11 tokens, its stop token among them\n"
    ) in finished.out
    cut = json.loads(ecrctl(*words, "--json").out)["tokens"]["cut"]
    assert cut == {"turns": 1, "start": "I love Heat (1995), what", "prompt_before": 68, "target_before": 11}


@pytest.mark.parametrize(("prompt", "target"), [(150, 60), (70, 4), (60, 11), (40, 60), (20, 1)])
def test_what_is_shown_is_what_training_encodes(ecrctl, source, tokenizer_folder, prompt, target) -> None:
    limits = ("--set", f"prompt.context_max_length={prompt}", "--set", f"prompt.resp_max_length={target}")
    shown = ecrctl("data", "show", "p", "2", "--tokenizer", tokenizer_folder, *KIND, *limits, "--json").out
    tokens = json.loads(shown)["tokens"]
    encoder = PromptEncoder(
        load_tokenizer(tokenizer_folder), system="Be kind.", context_max_length=prompt, resp_max_length=target
    )
    encoded = encoder.encode(OFFER)
    assert tokens["ids"] == encoded.prompt + encoded.target
    assert (tokens["prompt"], tokens["trained"]) == (len(encoded.prompt), len(encoded.target))
    assert "".join(tokens["texts"][: tokens["prompt"]]).replace("</s>", " </s>") == json.loads(shown)["prompt"]


def test_on_a_terminal_the_prompt_is_dim_and_the_trained_part_green(ecrctl, source, monkeypatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    coloured = ecrctl("data", "show", "p", "2", *KIND).out
    assert "what is like it? [/INST]\x1b[0m \x1b[1;32mTry <movie> & <movie> </s>\x1b[0m\n" in coloured
    assert "trained:" not in coloured
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\ntrained: Try <movie> & <movie> </s>\n" in ecrctl("data", "show", "p", "2", *KIND).out


def test_a_run_is_shown_with_its_own_tokenizer_and_settings(ecrctl, tmp_path, tokenizer_folder) -> None:
    run = tmp_path / "r"
    write_processed(run / "data")
    (run / "run.json").write_text("{}")
    (run / "config.resolved.toml").write_text(
        '[prompt]\nsystem = "Be kind."\ncontext_max_length = 80\nresp_max_length = 70\n'
    )
    assert "not known without a tokenizer" in ecrctl("data", "show", "r", "2").out
    checkpoint = run / "baseline" / "checkpoints" / "step-000001"
    checkpoint.parent.mkdir(parents=True)
    (checkpoint).symlink_to(tokenizer_folder)
    (run / "baseline" / "latest").symlink_to("checkpoints/step-000001")
    shown = ecrctl("data", "show", "r", "2")
    assert shown.code == 0, shown.err
    assert "prompt 68 of 80 tokens, 11 trained (of 70)\n" in shown.out
    assert "r/baseline/checkpoints/step-000001" in shown.out
    write_processed(tmp_path / "p")
    borrowed = ecrctl("data", "show", "p", "2", "--tokenizer", "r", *KIND)
    assert "prompt 68 of 150 tokens" in borrowed.out


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["9"], 2, "error: there is no example 9\n  at   p/train.jsonl\n  fix  name one of 1 to 2\n"),
        (
            ["1", "--split", "valid"],
            2,
            "error: there is no example 1\n"
            "  at   p/valid.jsonl\n"
            "  fix  the split is empty: name another with --split\n",
        ),
        (
            ["1", "--split", "tset"],
            2,
            "error: unknown split 'tset'\n  at   --split\n  fix  did you mean 'test'?\n",
        ),
        (
            ["--id", "5:1"],
            2,
            "error: there is no example '5:1'\n  at   p\n  fix  its conversation has 5:0, 5:2\n",
        ),
        (
            ["--id", "8:0", "--split", "train"],
            2,
            "error: there is no example '8:0'\n  at   p\n  fix  an id is CONVERSATION:TURN, such as 391:3\n",
        ),
        (
            ["1", "--id", "5:0"],
            2,
            "error: an example is named by its number or by its id\n  at   --id\n  fix  leave 1 out\n",
        ),
        (
            ["--tokenizer", "nowhere"],
            3,
            "error: there is no run or checkpoint 'nowhere'\n"
            "  at   nowhere\n"
            "  fix  `ecrctl runs list` shows the runs\n",
        ),
    ],
)
def test_show_of_what_is_not_there(ecrctl, source, arguments, code, text) -> None:
    finished = ecrctl("data", "show", "p", *arguments)
    assert (finished.code, finished.err) == (code, text)


def test_a_tokenizer_without_an_end_token(ecrctl, source, tokenizer_folder, tmp_path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    for path in tokenizer_folder.iterdir():
        (broken / path.name).write_bytes(path.read_bytes())
    config = json.loads((broken / "tokenizer_config.json").read_bytes())
    del config["eos_token"]
    (broken / "tokenizer_config.json").write_text(json.dumps(config))
    finished = ecrctl("data", "show", "p", "--tokenizer", "broken")
    assert (finished.code, finished.err) == (
        5,
        "error: the tokenizer has no begin or no end token: the chat format needs both\n"
        "  at   broken\n"
        "  fix  set bos_token and eos_token in its tokenizer_config.json\n",
    )
    (broken / "tokenizer.json").write_text("{")
    finished = ecrctl("data", "show", "p", "--tokenizer", "broken")
    assert finished.code == 5
    assert finished.err.startswith("error: the tokenizer can't be loaded: ")
    assert finished.err.endswith("  at   broken\n  fix  name another with --tokenizer\n")
