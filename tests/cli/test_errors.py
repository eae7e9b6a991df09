"""Errors as they are printed: what, where, fix, and the exit code."""

from __future__ import annotations

import pytest

from ecr_engine.errors import EcrError
from ecrctl.errors import show_unexpected

CASES = {
    "a misspelt setting": (
        ["rl", "train", "--dry-run", "--set", "ppo.clip_epsilom=0.1"],
        2,
        "error: unknown setting 'ppo.clip_epsilom'\n"
        "  at   --set ppo.clip_epsilom=0.1\n"
        "  fix  did you mean 'ppo.clip_epsilon'?\n",
    ),
    "a misspelt profile": (
        ["rl", "train", "--dry-run", "--profile", "agressive"],
        2,
        "error: unknown profile 'agressive'\n  at   --profile agressive\n  fix  did you mean 'aggressive'?\n",
    ),
    "a misspelt flag": (
        ["rl", "train", "--ppo_clip_epsilom", "0.1"],
        2,
        "error: no such option: --ppo-clip-epsilom\n"
        "  at   ecrctl rl train\n"
        "  fix  did you mean '--ppo-clip-epsilon'?\n",
    ),
    "a flag like no other": (
        ["run", "--zzzzzz"],
        2,
        "error: no such option: --zzzzzz\n  at   ecrctl run\n"
        "  fix  for example: ecrctl run; all of it: ecrctl run --help\n",
    ),
    "a misspelt command": (
        ["rl", "trian"],
        2,
        "error: no such command 'trian'\n  at   ecrctl rl\n  fix  did you mean 'train'?\n",
    ),
    "a missing argument": (
        ["data", "stats"],
        2,
        "error: missing argument 'SOURCE'\n  at   ecrctl data stats\n"
        "  fix  for example: ecrctl data stats redial/; all of it: ecrctl data stats --help\n",
    ),
    "a value of another kind": (
        ["run", "--seed", "x"],
        2,
        "error: the value must be a whole number, not x\n  at   ecrctl run --seed\n  fix  ecrctl run --help\n",
    ),
    "a value out of range": (
        ["rl", "train", "--dry-run", "--ppo_clip_epsilon", "3"],
        2,
        "error: ppo.clip_epsilon must be a number above 0 and below 1, not 3.0\n"
        "  at   --ppo-clip-epsilon\n"
        "  fix  for example the default: --ppo-clip-epsilon 0.2\n",
    ),
    "a value that is too small": (
        ["run", "--limit", "0"],
        2,
        "error: the value must be at least 1, not 0\n  at   ecrctl run --limit\n  fix  ecrctl run --help\n",
    ),
    "a switch with a value": (
        ["rl", "train", "--use_rl=maybe"],
        2,
        "error: --use-rl is a switch: it takes no value\n"
        "  at   --use-rl\n"
        "  fix  leave it out: PPO is part of `ecrctl run` and of `ecrctl rl train`\n",
    ),
    "a guide's flag of another command": (
        ["train", "critic", "--rl_learning_rate", "1e-5"],
        2,
        "error: no such option: --rl-learning-rate\n  at   ecrctl train critic\n  fix  --set ppo.learning_rate=1e-5\n",
    ),
    "the same with an equals sign": (
        ["train", "baseline", "--ppo-epochs=3"],
        2,
        "error: no such option: --ppo-epochs\n  at   ecrctl train baseline\n  fix  --set ppo.epochs=3\n",
    ),
    "a guide's switch of another command": (
        ["train", "baseline", "--debug"],
        2,
        "error: no such option: --debug\n  at   ecrctl train baseline\n  fix  --verbose\n",
    ),
    "wandb of another command": (
        ["train", "critic", "--use_wandb"],
        2,
        "error: no such option: --use-wandb\n"
        "  at   ecrctl train critic\n"
        "  fix  --set tracking.wandb=offline, or online\n",
    ),
    "another data set to evaluate": (
        ["eval", "run", "demo", "--dataset", "inspired"],
        2,
        "error: unknown dataset 'inspired'\n"
        "  at   --dataset\n"
        "  fix  choose redial; files of your own go with --data DIR\n",
    ),
    "a context without a response": (
        ["rl", "rewards", "--context", "I am sad"],
        2,
        "error: there is no response to score\n"
        "  at   --context\n"
        '  fix  add --response "…", or leave it out for the list of components\n',
    ),
    "a folder of runs that is not there": (
        ["runs", "list", "/nope"],
        3,
        "error: there is no folder '/nope'\n  at   /nope\n  fix  name a folder of runs: ecrctl runs list runs\n",
    ),
    "a run folder without a name": (
        ["run", "--run", "", "--dry-run"],
        2,
        "error: the name of the run folder is empty\n  at   --run or --output-dir\n  fix  --run runs/demo\n",
    ),
    "settings that contradict each other": (
        ["run", "--dry-run", "--set", "ppo.batch_size=48"],
        2,
        "error: ppo.batch_size 48 is no multiple of ppo.minibatch_size 32\n"
        "  at   --set ppo.batch_size=48\n"
        "  fix  --set ppo.minibatch_size=16\n",
    ),
    "an unknown encoder": (
        ["run", "--dry-run", "--set", "critic.encoder=roberta"],
        5,
        "error: encoder 'roberta' is no registered encoder and no folder\n"
        "  at   critic.encoder\n"
        "  fix  use one of small, minilm-l6, roberta-base, or a folder with an encoder\n",
    ),
    "a backbone as an encoder": (
        ["rl", "train", "--dry-run", "--set", "critic.encoder=llama2-7b-chat"],
        2,
        "error: 'llama2-7b-chat' can't be the encoder: it is Llama 2 Chat, the guide's backbone (gated)\n"
        "  at   critic.encoder\n"
        "  fix  use one of small, minilm-l6, roberta-base, or a folder with an encoder\n",
    ),
    "another data set": (
        ["train", "baseline", "--dataset", "inspired"],
        2,
        "error: unknown dataset 'inspired'\n"
        "  at   --dataset\n"
        "  fix  choose redial; files of your own go with --data DIR\n",
    ),
    "two run folders": (
        ["rl", "train", "--run", "a", "--output_dir", "b"],
        2,
        "error: two run folders: a and b\n  at   --run and --output-dir\n  fix  name one of them\n",
    ),
    "an unknown model": (
        ["model", "info", "tinny"],
        2,
        "error: unknown model 'tinny'\n  at   ecrctl model info\n  fix  did you mean 'tiny'?\n",
    ),
    "no such run": (
        ["runs", "show", "nowhere/demo"],
        3,
        "error: there is no run in 'nowhere/demo'\n"
        "  at   nowhere/demo/run.json\n"
        "  fix  see what there is: ecrctl runs list nowhere\n",
    ),
    "eval run without a checkpoint": (
        ["eval", "run"],
        2,
        "error: no checkpoint is named\n  at   ecrctl eval run\n  fix  name a run: ecrctl eval run runs/demo\n",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_error_text_and_exit_code(ecrctl, name) -> None:
    arguments, code, text = CASES[name]
    finished = ecrctl(*arguments)
    assert (finished.err, finished.code, finished.out) == (text, code, "")


def test_all_mistakes_at_once(ecrctl, monkeypatch) -> None:
    monkeypatch.setenv("ECR_PPO__CLIP_EPSILOM", "0.1")
    finished = ecrctl("run", "--dry-run", "--profile", "agressive", "--set", "ppo.epochs=0", "--device", "gpu")
    assert finished.code == 2
    assert [line for line in finished.err.splitlines() if line.startswith("error:")] == [
        "error: unknown profile 'agressive'",
        finished.err.splitlines()[3],
        "error: ppo.epochs must be a whole number of at least 1, not 0",
        "error: device must be one of auto, cpu, cuda, not 'gpu'",
    ]
    assert "clip_epsilon" in finished.err.lower()


@pytest.mark.parametrize("command", [("train", "baseline"), ("run",), ("rl", "train")])
def test_another_architecture_is_refused_even_in_a_dry_run(ecrctl, command) -> None:
    finished = ecrctl(*command, "--dry-run", "--backbone", "microsoft/DialoGPT-small")
    assert finished.code == 2
    assert "microsoft/DialoGPT-small" in finished.err
    assert "LlamaForCausalLM" in finished.err


@pytest.mark.parametrize("command", [("run",), ("runs", "list"), ("rl", "train")])
def test_quiet_and_verbose_contradict(ecrctl, command) -> None:
    finished = ecrctl(*command, "--quiet", "--verbose")
    assert (finished.code, finished.out) == (2, "")
    assert finished.err.endswith(
        "error: no progress and every event can't both be had\n"
        "  at   --quiet and --verbose\n"
        "  fix  leave one of the two out\n"
    )


@pytest.mark.parametrize("folder", [False, True])
def test_an_encoder_folder_has_to_hold_a_model(ecrctl, tmp_path, folder) -> None:
    (tmp_path / "encoder").mkdir()
    if folder:
        (tmp_path / "encoder" / "config.json").write_text("{}", encoding="utf-8")
    finished = ecrctl("run", "--dry-run", "--set", "critic.encoder=encoder")
    assert finished.code == (0 if folder else 5)
    assert finished.err == (
        ""
        if folder
        else "error: folder 'encoder' holds no model: it has no config.json\n"
        "  at   encoder/config.json\n"
        "  fix  name a Hugging Face model folder\n"
    )


def test_an_encoder_of_the_hub_is_not_refused_by_its_name(ecrctl) -> None:
    assert ecrctl("run", "--dry-run", "--set", "critic.encoder=microsoft/deberta-v3-small").code == 0


def fail(error: BaseException):
    def command(*arguments: object, **options: object) -> None:
        raise error

    return command


def test_an_engine_error_brings_its_traceback_only_under_verbose(ecrctl, monkeypatch) -> None:
    monkeypatch.setattr("ecrctl.jobs.start", fail(EcrError("it broke", at="here:1", fix="mend it")))
    short = ecrctl("run")
    assert (short.code, short.err) == (1, "error: it broke\n  at   here:1\n  fix  mend it\n")
    long = ecrctl("run", "--verbose")
    assert long.code == 1
    assert "Traceback" in long.err
    assert long.err.endswith("error: it broke\n  at   here:1\n  fix  mend it\n")


@pytest.mark.parametrize(("arguments", "has_traceback"), [([], False), (["--verbose"], True), (["--debug"], True)])
def test_a_fault_of_ours_is_one_line(monkeypatch, capsys, arguments, has_traceback) -> None:
    monkeypatch.setattr("sys.argv", ["ecrctl", "run", *arguments])
    error = ZeroDivisionError("division by zero")
    show_unexpected(type(error), error, None)
    text = capsys.readouterr().err
    if has_traceback:
        assert text.splitlines()[-1] == "ZeroDivisionError: division by zero"
    else:
        assert text == (
            "error: ZeroDivisionError: division by zero\n"
            "  fix  run again with --verbose for the traceback, and report it\n"
        )


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt(), 130), (SystemExit(143), 143)])
def test_a_stopped_run_says_how_to_go_on(ecrctl, monkeypatch, error, code) -> None:
    monkeypatch.setattr("ecr_engine.pipeline.job.run_job", fail(error))
    finished = ecrctl("run", "--run", "runs/x")
    assert finished.code == code
    assert finished.err == (
        "interrupted; what is finished is kept in runs/x\n  fix  go on with it: ecrctl run --run runs/x\n"
    )


@pytest.mark.parametrize("typed", ["", "--resume best", "--resume=auto"])
def test_a_stopped_stage_says_how_to_go_on_with_it(ecrctl, monkeypatch, typed) -> None:
    monkeypatch.setattr("ecr_engine.pipeline.job.run_job", fail(KeyboardInterrupt()))
    assert ecrctl("rl", "train", *typed.split(), "--run", "runs/my x").err == (
        "interrupted; what is finished is kept in runs/my x\n"
        "  fix  go on with it: ecrctl rl train --run 'runs/my x' --resume auto\n"
    )


def test_what_the_system_refuses_is_no_fault_of_ours(ecrctl, monkeypatch) -> None:
    monkeypatch.setattr("ecrctl.jobs.start", fail(PermissionError(13, "Permission denied", "/locked/run.json")))
    finished = ecrctl("run")
    assert (finished.code, finished.err) == (
        1,
        "error: permission denied: /locked/run.json\n"
        "  at   /locked/run.json\n"
        "  fix  write elsewhere, or change who may: ls -ld shows it\n",
    )


JOBS = [("run",), ("train", "baseline"), ("train", "critic"), ("rl", "train")]


@pytest.mark.parametrize("command", JOBS, ids=" ".join)
@pytest.mark.parametrize("dry", [[], ["--dry-run"]])
def test_a_file_is_no_run_folder(ecrctl, tmp_path, command, dry) -> None:
    (tmp_path / "notes").write_text("x", encoding="utf-8")
    for name in ("notes", "notes/deeper"):
        finished = ecrctl(*command, "--run", name, *dry)
        assert (finished.code, finished.err) == (
            2,
            f"error: 'notes' is a file, not a run folder\n  at   {name}\n  fix  name a folder: --run runs/demo\n",
        )


@pytest.mark.parametrize("command", JOBS, ids=" ".join)
@pytest.mark.parametrize("dry", [[], ["--dry-run"]])
def test_a_folder_of_something_else_is_no_run_folder(ecrctl, tmp_path, command, dry) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").write_text("x", encoding="utf-8")
    finished = ecrctl(*command, "--run", "thesis", *dry)
    assert (finished.code, finished.err) == (
        2,
        "error: 'thesis' holds files, and no run\n"
        "  at   thesis\n"
        "  fix  name a new folder: --run thesis-2; or empty this one\n",
    )
    assert [path.name for path in (tmp_path / "thesis").iterdir()] == ["chapter.tex"]


def test_an_empty_folder_is_a_run_folder(ecrctl, tmp_path) -> None:
    (tmp_path / "new" / "data").mkdir(parents=True)
    (tmp_path / "new" / ".lock").write_text("", encoding="utf-8")
    assert ecrctl("run", "--run", "new", "--dry-run").code == 0
