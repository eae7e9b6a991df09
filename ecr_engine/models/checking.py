"""Whether a checkpoint loads: with the same plain calls that anybody else would use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from ecr_engine.errors import EcrError, Problem
from ecr_engine.models.adapter_files import has_adapter
from ecr_engine.models.critic import FACTS, load_critic
from ecr_engine.models.encoders import POOLING
from ecr_engine.models.foreign import check_no_code
from ecr_engine.models.hub import silence_transformers
from ecr_engine.models.quantisation import quantisation_of, silence_bitsandbytes
from ecr_engine.models.registry import read_json_object
from ecr_engine.runs.manifest import Depth, verify

_RESTORE = "use another checkpoint: `ecrctl checkpoint list RUN`"

# What transformers raises over files that are not what they should be depends on the part that is wrong with them.
_FAULTS = (OSError, ValueError, RuntimeError, TypeError, LookupError, AttributeError, SafetensorError)


def verify_deeply(folder: Path) -> list[Problem]:
    """Compares a checkpoint with its manifest, looks at every number, and loads it.

    Returns:
        What is wrong; empty if nothing is. What is damaged is not loaded.
    """
    return verify(folder, Depth.NUMBERS) or loading_problems(folder)


def loading_problems(folder: Path) -> list[Problem]:
    """What keeps a model folder from being loaded by plain `from_pretrained`, tokenizer included.

    Empty if nothing does. A folder without a `config.json` holds no model, and nothing is wrong with that.
    """
    if not (folder / "config.json").is_file():
        return []
    try:
        check_no_code(folder)
        if (folder / FACTS).is_file():
            load_critic(folder)
            return []
        return _load(folder)
    except EcrError as error:
        return list(error.problems)
    except _FAULTS as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
        return [Problem(f"the model can't be loaded: {lines[0]}", str(folder), _RESTORE)]


def _load(folder: Path) -> list[Problem]:
    from transformers import AutoTokenizer

    silence_transformers()
    if quantisation_of(read_json_object(folder / "config.json")) != "none":
        silence_bitsandbytes()
    told = _load_model(folder)
    AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    kinds = {"missing_keys": "is not there", "unexpected_keys": "has no place in the model"}
    problems = [
        Problem(f"the weight '{name}' {what}", str(folder), _RESTORE)
        for kind, what in kinds.items()
        for name in sorted(told[kind])
    ]
    wrong = sorted(str(entry[0]) for entry in told["mismatched_keys"])
    return problems + [Problem(f"the weight '{name}' has another shape", str(folder), _RESTORE) for name in wrong]


def _load_model(folder: Path) -> dict[str, Any]:
    """Loads a model and forgets it.

    Returns:
        What transformers tells of the weights.
    """
    import torch
    from transformers import AutoModel, AutoModelForCausalLM

    config = read_json_object(folder / "config.json")
    causal = has_adapter(folder) or any("CausalLM" in str(name) for name in config.get("architectures") or ())
    options = {"add_pooling_layer": False} if not causal and config.get("model_type") in POOLING else {}
    # Missing weights would be drawn at random.
    with torch.random.fork_rng(devices=[]):
        _, told = (AutoModelForCausalLM if causal else AutoModel).from_pretrained(
            folder,
            use_safetensors=True,
            trust_remote_code=False,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
            **options,
        )
    found: dict[str, Any] = told
    return found
