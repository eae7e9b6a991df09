"""Models from the hub, file by file, each held against the hash that the hub states."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ecr_engine.errors import DataError, UnavailableError
from ecr_engine.runs.hashing import scan

HUB_SECONDS = 6.0
"""How long the hub may take to say what it has."""

PATTERNS = ("*.json", "*.safetensors", "*.model", "*.jinja", "vocab.txt", "merges.txt")
"""What is taken: safetensors, settings and tokenizers, and nothing that could run code."""

Tell = Callable[[str], None]
"""Takes one sentence about how far a pull is."""


def model_from_hub(name: str, source: str, folder: Path, tell: Tell) -> Path:
    """Fetches a model; what `folder` has of it from an earlier try is not fetched again.

    Args:
        name: the registered name, for messages.
        source: the hub id.
        folder: where its files go.
        tell: is told of each part of the work.

    Returns:
        The same folder.

    Raises:
        UnavailableError: no network, no such model, or one that is kept back from this user.
        DataError: a file is not what the hub says it is.
    """
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import GatedRepoError, OfflineModeIsEnabled, RepositoryNotFoundError

    # Which HTTP library it uses depends on its version; the base of its errors is that library's.
    from huggingface_hub.errors import HTTPError as HubHTTPError  # type: ignore[attr-defined,unused-ignore]

    try:
        tell(f"asking the hub for {source}")
        stated = HfApi().model_info(source, files_metadata=True, timeout=HUB_SECONDS)
        tell(f"getting {source} from the hub")
        snapshot_download(source, revision=stated.sha, local_dir=folder, allow_patterns=list(PATTERNS))
    except GatedRepoError as error:
        raise UnavailableError(
            f"'{name}' can't be pulled: the hub keeps {source} back until you accept its licence",
            at=f"https://huggingface.co/{source}",
            fix=f"accept it there, then: HF_TOKEN=… ecrctl model pull {name}",
        ) from error
    except RepositoryNotFoundError as error:
        raise _unavailable(name, source, "the hub has no such model, or none for those without its HF_TOKEN") from error
    except OfflineModeIsEnabled as error:
        raise _unavailable(name, source, "the hub is switched off by HF_HUB_OFFLINE") from error
    except (HubHTTPError, OSError) as error:
        raise _unavailable(name, source, "the hub can't be reached") from error
    for file in stated.siblings or ():
        path = folder / file.rfilename
        if file.lfs is not None and path.is_file() and scan(path).sha256 != file.lfs.sha256:
            path.unlink()
            raise DataError(
                f"{file.rfilename} of '{name}' is not the file that the hub states",
                at=f"https://huggingface.co/{source}",
                fix=f"get it again: ecrctl model pull {name}",
            )
    return folder


def _unavailable(name: str, source: str, reason: str) -> UnavailableError:
    return UnavailableError(
        f"'{name}' can't be pulled: {reason}",
        at=f"https://huggingface.co/{source}",
        fix=f"see that the hub can be reached, then ecrctl model pull {name}; or name a folder that holds the model",
    )
