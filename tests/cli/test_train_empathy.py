"""`ecrctl train empathy` at the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from epitome_fixture import HEAD, NAMES, write_encoder, write_epitome

SHARES = ("--set", "empathy_training.validation_share=0.2", "--set", "empathy_training.test_share=0.3")
QUICK = (*SHARES, "--set", "empathy_training.max_length=48", "--set", "empathy_training.precision=no")


@pytest.fixture(scope="module")
def encoder(tmp_path_factory) -> Path:
    return write_encoder(tmp_path_factory.mktemp("encoder"))


def test_a_recogniser_of_two_mechanisms(ecrctl, encoder, tmp_path) -> None:
    write_epitome(tmp_path / "epitome", ("reaction", "exploration"))
    finished = ecrctl(
        "train", "empathy", "--data", "epitome", "--encoder", encoder, "--output", "out", "--smoke", "3", *QUICK
    )
    assert finished.code == 0, finished.err
    lines = finished.out.splitlines()
    assert " ".join(lines[0].split()) == "mechanism graded by pairs macro-F1 accuracy F1 none F1 weak F1 strong"
    assert [line.split()[:2] for line in lines[1:7]] == [
        ["reaction", "this"],
        ["lexical", lines[2].split()[1]],
        ["commonest", "level"],
        ["exploration", "this"],
        ["lexical", lines[5].split()[1]],
        ["commonest", "level"],
    ]
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    scores = report["mechanisms"]["exploration"]["lexical"]
    assert lines[5].split()[1:3] == [f"{scores['macro_f1']:.3f}", f"{scores['accuracy']:.3f}"]
    told = {line.split("  ", 1)[0]: line.split("  ", 1)[1].strip() for line in lines[8:]}
    posts = report["posts"]
    assert told == {
        "not trained": "interpretation: no file was given; graded by 'lexical'",
        "posts": f"{posts['train']} train, {posts['valid']} valid, {posts['test']} test",
        "steps": "3; the weights of step 3 were kept",
        "encoder": str(encoder),
        "folder": "out",
        "to use it": "ecrctl run --set emotion.empathy=out",
    }
    told = finished.err.splitlines()
    assert told[0] == "stage=empathy event=stage_started"
    assert told[-2].startswith("stage=empathy event=validation step=3 eval/macro_f1=0.")
    assert told[-1].startswith("stage=empathy event=stage_finished step=3 seconds=")


def test_the_report_as_json(ecrctl, encoder, tmp_path) -> None:
    files = write_epitome(tmp_path / "epitome")
    finished = ecrctl(
        *("train", "empathy", "--json", "--quiet", "--encoder", encoder, "--output", "out", "--smoke", "1", *QUICK),
        *(word for name, path in files.items() for word in ("--data", f"{name}={path}")),
    )
    assert (finished.code, finished.err) == (0, "")
    report = json.loads(finished.out)
    assert {name: found["levels"] for name, found in report["mechanisms"].items()}.keys() == NAMES.keys()
    assert (report["folder"], report["encoder"], report["seed"], report["steps"]) == ("out", str(encoder), 0, 1)
    assert sum(report["posts"].values()) == 54
    assert set(report["mechanisms"]["reaction"]) == {"file", "rows", "levels", "trained", "lexical", "majority"}
    assert set(report["mechanisms"]["reaction"]["trained"]) == {"accuracy", "macro_f1", "f1"}


def test_a_dry_run_makes_nothing_and_needs_no_torch(ecrctl, tmp_path) -> None:
    write_epitome(tmp_path / "epitome", ("reaction",))
    finished = ecrctl(
        "train", "empathy", "--data", "epitome", "--output", "out", "--dry-run", "--json", "--seed", "3", *SHARES
    )
    plan = json.loads(finished.out)
    few = ecrctl("train", "empathy", "--data", "epitome", "--limit", "40", "--dry-run", "--json", *SHARES)
    assert sum(json.loads(few.out)["posts"].values()) == 40
    assert json.loads(few.out)["output"] == "recognisers/empathy"
    assert sum(plan["posts"].values()) == 54 and sum(plan["rows"]["reaction"].values()) == 108
    assert (plan["output"], plan["seed"], plan["settings"]["encoder"]) == ("out", 3, "minilm-l6")
    assert plan["files"] == {"reaction": f"epitome/{NAMES['reaction']}"}
    shown = ecrctl("train", "empathy", "--data", "epitome", "--output", "out", "--dry-run", *SHARES).out
    assert "not trained  interpretation, exploration: no file was given; graded by 'lexical'\n" in shown
    assert "empathy_training.test_share        0.3\n" in shown
    assert not (tmp_path / "out").exists()
    code = (
        "import sys\nfrom ecrctl.__main__ import invoke\n"
        f"assert invoke(['train', 'empathy', '--data', 'epitome', '--output', 'out', '--dry-run', *{SHARES!r}]) == 0\n"
        "print([m for m in ('torch', 'transformers') if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stderr == "[]\n"


def test_a_bad_row_is_told_before_anything_is_loaded(ecrctl, tmp_path) -> None:
    Path("explorations.csv").write_text(f"{HEAD}s1,r1,a,b,2,\ns1,r2,a,b,strong,\n")
    refused = ecrctl("train", "empathy", "--data", "explorations.csv", "--output", "out")
    assert (refused.code, refused.out, refused.err) == (
        3,
        "",
        "error: 'strong' is no level\n  at   explorations.csv:3\n  fix  give one of 0 (none), 1 (weak), 2 (strong)\n",
    )


@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        (
            ("--data", "exploration-s.csv"),
            3,
            "error: there is no file 'exploration-s.csv'\n"
            "  at   --data\n"
            "  fix  give EPITOME's files, or their folder\n",
        ),
        (
            ("--data", "warmth=epitome"),
            2,
            "error: unknown mechanism 'warmth'\n"
            "  at   --data warmth=epitome\n"
            "  fix  choose from: reaction, interpretation, exploration\n",
        ),
        (
            ("--data", "epitome", "--set", "empathy_training.test_share=0.5"),
            2,
            "error: empathy_training.test_share must be a number above 0 and at most 0.4, not 0.5\n"
            "  at   --set empathy_training.test_share=0.5\n"
            "  fix  for example the default: --set empathy_training.test_share=0.2\n",
        ),
        (
            ("--data", "epitome", *SHARES, "--encoder", "small"),
            2,
            "error: 'small' can't be fine-tuned to grade empathy: it is a small encoder, trained from nothing on the "
            "run's own data\n"
            "  at   empathy_training.encoder\n"
            "  fix  use one of minilm-l6, roberta-base, or a folder with a pretrained encoder\n",
        ),
        (
            ("--data", "epitome", *SHARES, "--encoder", "tiny", "--dry-run"),
            2,
            "error: 'tiny' can't be fine-tuned to grade empathy: it is a small Llama, trained from nothing on the "
            "run's own data\n"
            "  at   empathy_training.encoder\n"
            "  fix  use one of minilm-l6, roberta-base, or a folder with a pretrained encoder\n",
        ),
        (
            ("--data", "reaction="),
            2,
            "error: there is no file behind 'reaction='\n  at   --data reaction=\n  fix  write reaction=FILE.csv\n",
        ),
        (
            ("--data", "epitome", *SHARES, "--encoder", "epitome"),
            5,
            "stage=empathy event=stage_started\nerror: encoder 'epitome' can't be loaded: ",
        ),
    ],
)
def test_mistakes(ecrctl, tmp_path, arguments, code, error) -> None:
    write_epitome(tmp_path / "epitome")
    refused = ecrctl("train", "empathy", *arguments, "--output", "out")
    assert refused.code == code
    assert refused.err.startswith(error)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["epitome"]


def test_an_output_that_is_there(ecrctl, encoder, tmp_path) -> None:
    write_epitome(tmp_path / "epitome")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").touch()
    refused = ecrctl("train", "empathy", "--data", "epitome", "--encoder", encoder, "--output", "out", *QUICK)
    assert (refused.code, refused.err) == (
        2,
        "error: the output folder holds other files\n"
        f"  at   {tmp_path / 'out'}\n"
        "  fix  give a folder that is new or empty\n",
    )
