"""Layers, origins and the errors of settings."""

import json
import tomllib
from pathlib import Path

import pytest

from ecr_engine.config.resolve import Origin, describe_keys, resolve
from ecr_engine.errors import ExitCode, SettingsError

CHOICES = {"judge.name": ["rubric"], "ppo.estimator": ["gae", "grpo"], "rewards": ["bleu", "empathy", "length"]}


def plain(folder: Path, **arguments):
    """Resolves apart from the machine's own environment and project file."""
    return resolve(**{"environ": {}, "start": folder, **arguments})


def mistakes(folder: Path, **arguments) -> list[tuple[str, str, str]]:
    with pytest.raises(SettingsError) as caught:
        plain(folder, **arguments)
    assert caught.value.exit_code == ExitCode.USAGE == 2
    return [(problem.what, problem.at, problem.fix) for problem in caught.value.problems]


def toml(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_defaults_alone(tmp_path):
    resolved = plain(tmp_path)
    assert resolved.settings.ppo.clip_epsilon == 0.2
    assert resolved.origins["ppo.clip_epsilon"] == Origin("default", "ecr_engine/config/settings.py")
    assert resolved.profiles == ()


def test_each_layer_wins_over_the_one_below(tmp_path):
    profile = toml(tmp_path, "p.toml", '[profile]\nsummary = "s"\nwhen = "w"\n[ppo]\n' + _numbers(1, 7))
    second = toml(tmp_path, "q.toml", '[profile]\nsummary = "s"\nwhen = "w"\n[ppo]\n' + _numbers(2, 6))
    toml(tmp_path, "ecr.toml", "[ppo]\n" + _numbers(3, 5))
    config = toml(tmp_path, "c.toml", "[ppo]\n" + _numbers(4, 4))
    inner = tmp_path / "deep" / "deeper"
    inner.mkdir(parents=True)
    resolved = resolve(
        profiles=[str(profile), str(second)],
        config=config,
        start=inner,
        environ={"ECR_PPO__EPOCHS": "15", "ECR_PPO__MICRO_BATCH_SIZE": "15", "ECR_PPO__WARMUP_STEPS": "15"},
        sets=["ppo.epochs=16", "ppo.warmup_steps=16"],
        flags={"ppo.epochs": (17, "--ppo-epochs")},
    )
    found = [getattr(resolved.settings.ppo, key) for key in NUMBERED]
    assert found == [17, 16, 15, 14, 13, 12, 11]
    layers = [resolved.origins[f"ppo.{key}"].layer for key in NUMBERED]
    assert layers == ["flag", "--set", "environment", "--config", "project file", "profile", "profile"]
    assert resolved.profiles == (str(profile), str(second))


NUMBERED = (
    "epochs",
    "warmup_steps",
    "micro_batch_size",
    "minibatch_size",
    "batch_size",
    "max_steps",
    "critic_warmup_steps",
)


def _numbers(layer: int, count: int) -> str:
    return "".join(f"{key} = {10 + layer}\n" for key in NUMBERED[:count])


def test_origins_show_file_and_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    toml(
        tmp_path, "ecr.toml", "# of the project\nseed = 3\n\n[prompt]\nsystem = '''\nFeel.\n'''\nresp_max_length = 9\n"
    )
    config = toml(tmp_path, "c.toml", "ppo = { epochs = 3,  clip_epsilon = 0.1 }\nrewards.bleu = 2\n")
    resolved = resolve(
        config=config,
        environ={"ECR_TRACKING__WANDB": "offline"},
        sets=["ppo.gamma = 0.9"],
        flags={"device": ("cpu", "--device")},
    )
    assert resolved.settings.prompt.system == "Feel.\n"
    assert {key: origin for key, origin in resolved.origins.items() if origin.layer != "default"} == {
        "seed": Origin("project file", "ecr.toml:2"),
        "prompt.system": Origin("project file", "ecr.toml:5"),
        "prompt.resp_max_length": Origin("project file", "ecr.toml:8"),
        "ppo.epochs": Origin("--config", "c.toml:1"),
        "ppo.clip_epsilon": Origin("--config", "c.toml:1"),
        "rewards.bleu": Origin("--config", "c.toml:2"),
        "tracking.wandb": Origin("environment", "ECR_TRACKING__WANDB"),
        "ppo.gamma": Origin("--set", "--set ppo.gamma = 0.9"),
        "device": Origin("flag", "--device"),
    }
    as_json = json.loads(json.dumps(resolved.origins_json()))
    assert as_json["seed"] == {"layer": "project file", "where": "ecr.toml:2"}


def test_the_nearest_project_file_wins_and_others_are_not_read(tmp_path):
    toml(tmp_path, "ecr.toml", "seed = 1\nppo.epochs = 9\n")
    inner = tmp_path / "inner"
    inner.mkdir()
    toml(inner, "ecr.toml", "seed = 2\n")
    resolved = plain(inner)
    assert (resolved.settings.seed, resolved.settings.ppo.epochs) == (2, 4)


def test_tables_merge(tmp_path):
    config = toml(tmp_path, "c.toml", "[rewards]\nlength = 0.25\nempathy = 3\n")
    assert plain(tmp_path, config=config).settings.rewards == {
        "bleu": 1.0,
        "distinct": 0.5,
        "empathy": 3.0,
        "recommendation": 1.5,
        "format": 1.0,
        "relevance": 1.0,
        "length": 0.25,
    }


def test_a_run_can_be_repeated_from_its_settings(tmp_path):
    first = plain(
        tmp_path,
        profiles=["conservative", "empathy"],
        sets=["ppo.value_clip=none", "baseline.max_steps=5", 'prompt.system="a \\"b\\"\\nc ä"', "ppo.kl_target=0.1"],
    )
    assert first.settings.ppo.value_clip is None
    toml(tmp_path, "ecr.toml", "evaluation.limit = 4\nppo.stop_kl = 0.5\n")
    config = toml(tmp_path, "config.resolved.toml", first.to_toml())
    again = plain(tmp_path, config=config)
    assert again.settings == first.settings
    assert again.settings.evaluation.limit is None
    assert tomllib.loads(first.to_toml())["ppo"]["learning_rate"] == 5e-6


def test_texts_on_the_command_line(tmp_path):
    resolved = plain(
        tmp_path,
        sets=[
            "tracking.project=2024",
            "backbone.name=models/my llama",
            "prompt.system='quoted'",
            "ppo.whiten_advantages=false",
            "ppo.learning_rate=1e-6",
        ],
    )
    assert resolved.settings.tracking.project == "2024"
    assert resolved.settings.backbone.name == "models/my llama"
    assert resolved.settings.prompt.system == "quoted"
    assert resolved.settings.ppo.whiten_advantages is False
    assert resolved.settings.ppo.learning_rate == 1e-6


def test_the_environment(tmp_path):
    resolved = plain(
        tmp_path,
        environ={
            "ECR_SEED": "7",
            "ecr_device": "cpu",
            "ECR_PPO": '{"epochs": 3}',
            "ECR_REWARDS__BLEU": "0.5",
            "ECR_PPO__WHITEN_ADVANTAGES": "false",
            "ECR_PPO__VALUE_CLIP": "none",
            "ECRU": "a colour",
            "HOME": "/",
        },
    )
    settings = resolved.settings
    assert (settings.seed, settings.device, settings.ppo.epochs, settings.rewards["bleu"]) == (7, "cpu", 3, 0.5)
    assert settings.ppo.whiten_advantages is False and settings.ppo.value_clip is None


def test_the_process_environment_is_the_default(tmp_path, monkeypatch):
    monkeypatch.setenv("ECR_SEED", "11")
    monkeypatch.chdir(tmp_path)
    toml(tmp_path, "ecr.toml", "ppo.epochs = 9\n")
    resolved = resolve()
    assert (resolved.settings.seed, resolved.settings.ppo.epochs) == (11, 9)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            {"sets": ["ppo.clip_epsilom=0.1"]},
            ("unknown setting 'ppo.clip_epsilom'", "--set ppo.clip_epsilom=0.1", "did you mean 'ppo.clip_epsilon'?"),
        ),
        (
            {"environ": {"ECR_PPO__CLIP_EPSILOM": "0.1"}},
            (
                "unknown setting 'ppo.clip_epsilom'",
                "environment variable ECR_PPO__CLIP_EPSILOM",
                "did you mean ECR_PPO__CLIP_EPSILON (ppo.clip_epsilon)?",
            ),
        ),
        (
            {"environ": {"ECR_SED": "1"}},
            ("unknown setting 'sed'", "environment variable ECR_SED", "did you mean ECR_SEED (seed)?"),
        ),
        (
            {"environ": {"ECR_XYZZY": "1"}},
            (
                "unknown setting 'xyzzy'",
                "environment variable ECR_XYZZY",
                "`ecrctl profile show --resolved` lists every setting",
            ),
        ),
        (
            {"environ": {"ECR_PPO": "4"}},
            (
                "ppo is a table of settings, and can't be 4",
                "environment variable ECR_PPO",
                "set its keys, such as ECR_PPO__LEARNING_RATE=1e-05",
            ),
        ),
        (
            {"environ": {"ECR_PPO": "{"}},
            (
                "ppo is a table, and '{' is no JSON object",
                "environment variable ECR_PPO",
                "set single keys, such as ECR_PPO__LEARNING_RATE",
            ),
        ),
        (
            {"environ": {"ECR_PPO__EPOCHS": "many"}},
            (
                "ppo.epochs must be a whole number of at least 1, not 'many'",
                "environment variable ECR_PPO__EPOCHS",
                "for example the default: ECR_PPO__EPOCHS=4",
            ),
        ),
        (
            {"sets": ["clip_epsilon=0.1"]},
            ("unknown setting 'clip_epsilon'", "--set clip_epsilon=0.1", "did you mean 'ppo.clip_epsilon'?"),
        ),
        (
            {"sets": ["ppoo.epochs=1"]},
            ("unknown setting 'ppoo.epochs'", "--set ppoo.epochs=1", "did you mean 'ppo.epochs'?"),
        ),
        (
            {"sets": ["ppo.bleu=1"]},
            ("unknown setting 'ppo.bleu'", "--set ppo.bleu=1", "did you mean 'rewards.bleu'?"),
        ),
        (
            {"sets": ["ppo.clip_epsilon"]},
            (
                "'ppo.clip_epsilon' is not a setting",
                "--set ppo.clip_epsilon",
                "write section.key=value, such as --set ppo.epochs=2",
            ),
        ),
        (
            {"sets": ["ppo.clip_epsilon=1.5"]},
            (
                "ppo.clip_epsilon must be a number above 0 and below 1, not 1.5",
                "--set ppo.clip_epsilon=1.5",
                "for example the default: --set ppo.clip_epsilon=0.2",
            ),
        ),
        (
            {"sets": ["ppo.epochs=true"]},
            (
                "ppo.epochs must be a whole number of at least 1, not true",
                "--set ppo.epochs=true",
                "for example the default: --set ppo.epochs=4",
            ),
        ),
        (
            {"sets": ["rewards.bleu=inf"]},
            (
                "rewards.bleu must be a number of at least 0, not inf",
                "--set rewards.bleu=inf",
                "for example the default: --set rewards.bleu=1.0",
            ),
        ),
        (
            {"sets": ["ppo.value_clip=-1"]},
            (
                "ppo.value_clip must be a number above 0, or none, not -1",
                "--set ppo.value_clip=-1",
                "for example the default: --set ppo.value_clip=0.2",
            ),
        ),
        (
            {"sets": ["data.test_share=2"]},
            (
                "data.test_share must be a number from 0 to 1, not 2",
                "--set data.test_share=2",
                "for example the default: --set data.test_share=0.15",
            ),
        ),
        (
            {"sets": ["device=gpu"]},
            ("device must be one of auto, cpu, cuda, not 'gpu'", "--set device=gpu", "did you mean 'cpu'?"),
        ),
        (
            {"flags": {"ppo.learning_rate": (3.0, "--rl_learning_rate")}},
            (
                "ppo.learning_rate must be a number above 0 and at most 1, not 3.0",
                "--rl_learning_rate",
                "for example the default: --rl_learning_rate 1e-05",
            ),
        ),
        (
            {"sets": ["judge.name=rubrik"]},
            ("judge.name must be one of rubric, not 'rubrik'", "--set judge.name=rubrik", "did you mean 'rubric'?"),
        ),
        (
            {"sets": ["rewards.lenght=1"]},
            ("unknown setting 'rewards.lenght'", "--set rewards.lenght=1", "did you mean 'rewards.length'?"),
        ),
        (
            {"profiles": ["agressive"]},
            ("unknown profile 'agressive'", "--profile agressive", "did you mean 'aggressive'?"),
        ),
    ],
)
def test_one_mistake(tmp_path, arguments, expected):
    assert mistakes(tmp_path, choices=CHOICES, **arguments) == [expected]


def test_mistakes_in_files_have_their_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = toml(
        tmp_path,
        "c.toml",
        'seed = "7"\nppo.epochs = 0\n\n[judge]\nname = "oracle"\nturn = 5\n\n[critik]\na = 1\nb = 2\n',
    )
    assert [(what, at) for what, at, _ in mistakes(tmp_path, config=config, choices=CHOICES)] == [
        ("unknown setting 'judge.turn'", "c.toml:6"),
        ("unknown setting 'critik'", "c.toml:8"),
        ("seed must be a whole number of at least 0 and below 2147483648, not '7'", "c.toml:1"),
        ("ppo.epochs must be a whole number of at least 1, not 0", "c.toml:2"),
        ("judge.name must be one of rubric, not 'oracle'", "c.toml:5"),
    ]


def test_all_mistakes_of_all_layers_are_reported_at_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    toml(tmp_path, "ecr.toml", "ppo.epochs = 0\n")
    config = toml(tmp_path, "c.toml", "seed =\n")
    found = mistakes(
        tmp_path,
        profiles=["kind"],
        config=config,
        environ={"ECR_SEED": "-1"},
        sets=["ppo.epochs=2", "ppo.gama=1"],
        flags={"seed": (-2, "--seed")},
    )
    # The 0 of ecr.toml is reported although `--set` overrides it.
    assert [at for _, at, _ in found] == [
        "--profile kind",
        "ecr.toml:1",
        "c.toml:1",
        "environment variable ECR_SEED",
        "--set ppo.gama=1",
        "--seed",
    ]
    assert found[2][0] == "not valid TOML: Invalid value"


@pytest.mark.parametrize(
    ("content", "what", "line"),
    [
        (b"seed = 1\nppo = [1,\n", "not valid TOML: Invalid value", 2),
        (b"seed = 1\nseed = 2\n", "not valid TOML: Cannot overwrite a value", 2),
        (b"# a\n\xff\n", "the file is not UTF-8 text", 2),
    ],
)
def test_unreadable_files(tmp_path, monkeypatch, content, what, line):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c.toml").write_bytes(content)
    assert [found[:2] for found in mistakes(tmp_path, config=Path("c.toml"))] == [(what, f"c.toml:{line}")]


def test_a_config_that_is_not_there(tmp_path):
    missing = tmp_path / "none.toml"
    assert mistakes(tmp_path, config=missing) == [
        (f"there is no settings file '{missing}'", str(missing), "check the path")
    ]


def test_every_setting_is_described():
    known = {info.key: info for info in describe_keys()}
    assert known["ppo.clip_epsilon"].default == 0.2
    assert known["ppo.clip_epsilon"].type == "a number above 0 and below 1"
    assert known["ppo.clip_epsilon"].description == "Range of the policy ratio."
    assert known["ppo.value_clip"].type == "a number above 0, or none"
    assert known["rewards.empathy"].default == 2.0
    assert known["device"].type == "one of auto, cpu, cuda"
    assert known["prompt.system"].type == "a text that is not empty"
    assert known["data.skip_bad"].type == "true or false"
    assert all(info.description for info in known.values())
