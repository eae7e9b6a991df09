"""`ecrctl chat` with policies that are an adapter over plain and over 4-bit weights."""

from __future__ import annotations

import json

import pytest
import torch
from chat_runs import SETS, bare_run
from tiny_models import tiny_backbone

from ecr_engine.config.resolve import resolve
from ecr_engine.models.adapters import lora_of
from ecr_engine.models.policies import Tuning, load_trainable
from ecr_engine.runs.checkpoints import save_checkpoint

LINES = "I feel so sad today\n/scores\nhello there\n"


def adapter_run(root, bits: str, *, strength: float):
    """A run whose policy is an adapter, as strong as that, over `bits` weights."""
    run = bare_run(root)
    sets = (*SETS, "rewards.relevance=0", "backbone.adapter=lora", f"backbone.quantisation={bits}")
    run.resolved_config.write_text(resolve(sets=sets, environ={}, start=root.parent).to_toml(), encoding="utf-8")
    base = root.parent / f"{root.name}-base"
    base.mkdir()
    tiny_backbone(hidden=64, scale=4.0).save(base)
    policy = load_trainable(str(base), Tuning(lora_of(4, 8.0, 0.0, "all"), bits, "no", 0))
    drawn = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in policy.trained():
            weight.add_(torch.randn(weight.shape, generator=drawn), alpha=strength)
    path = save_checkpoint(run.stage("policy"), 3, policy.save, metrics={}, best=True, keep_last=9)
    assert (path / "adapter_model.safetensors").is_file()
    return run


@pytest.mark.parametrize("bits", ["none", "4bit"])
def test_the_adapter_answers(ecrctl, tmp_path, bits) -> None:
    adapter_run(tmp_path / "still", bits, strength=0.0)
    adapter_run(tmp_path / "moved", bits, strength=0.5)
    (tmp_path / "lines.txt").write_text(LINES)
    said = {}
    for name in ("still", "moved", "moved again"):
        finished = ecrctl("chat", name.split()[0], "--script", "lines.txt", "--json")
        assert finished.code == 0, finished.err
        replies = json.loads(finished.out)["replies"]
        assert [reply["seeker"] for reply in replies] == ["I feel so sad today", "hello there"]
        assert all(1 <= reply["tokens"] <= 8 for reply in replies)
        assert replies[0]["reward"] is not None
        said[name] = [reply["response"] for reply in replies]
    # The same words from the same weights, and others where the adapter says something.
    assert said["moved"] == said["moved again"]
    assert said["moved"] != said["still"]
