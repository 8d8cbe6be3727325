"""A language model of the Hugging Face hub, as a folder on this machine."""

from __future__ import annotations

import re
from pathlib import Path

from lrensemble.errors import MissingExtraError, SpecError
from lrensemble.models.transformers_library import first_line
from lrensemble.registry.trust import let_out

WANTED = ("*.safetensors", "*.json", "*.jinja", "*.txt", "tokenizer.model")
"""What is downloaded: weights, settings and the tokenizer; no pickles and no code."""

_NAME = re.compile(r"(?!\.)[\w.-]+(?:/(?!\.)[\w.-]+)?")
_COMMIT = re.compile(r"[0-9a-f]{40}")


def is_hub_name(name: str) -> bool:
    """Whether a text could be a name on the hub: `owner/name`, or `name` alone."""
    return _NAME.fullmatch(name) is not None


def snapshot(name: str, revision: str | None = None) -> Path:
    """The folder of a model of the hub, called by its commit, downloaded where it is not in the hub's own cache.

    Args:
        name: `owner/name`.
        revision: branch, tag or commit; the main branch unless given. A commit that is in the cache is not asked for.

    Raises:
        UntrustedError: a folder from elsewhere names it, and nobody has asked for it.
        SpecError: there is no such model, or no way to it.
        MissingExtraError: `huggingface_hub` is not installed.
    """
    let_out(f"base({name!r})")
    try:
        from huggingface_hub import snapshot_download
    except ImportError:
        raise MissingExtraError(
            f"base {name!r} is no folder here; to have it from the Hugging Face hub, pip install 'lrensemble[llm]'"
        ) from None
    at_hand = revision is not None and _COMMIT.fullmatch(revision) is not None
    for local in (True, False) if at_hand else (False,):
        try:
            found = snapshot_download(
                name,
                revision=revision,
                allow_patterns=list(WANTED),
                ignore_patterns=["*/*"],
                local_files_only=local,
            )
            return Path(found)
        except Exception as error:  # of many kinds: no such name, no network, no right to read
            if not local:
                raise SpecError(
                    f"base {name!r} is no folder here, and cannot be had from the Hugging Face hub: "
                    f"{first_line(error)}; give a folder with config.json, model.safetensors and the tokenizer, or the "
                    "name of a causal language model on the hub"
                ) from None
    raise AssertionError("the last attempt returns or raises")
