"""A pre-trained model on disk: kept in the cache under the hash of what it was made of, and copied to where it is used.

The cache is that of decoded images; what is in it may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from lrensemble.config.records import Record
from lrensemble.data.cache import cache_folder
from lrensemble.errors import StorageError
from lrensemble.files import (
    discard,
    proves_itself,
    read_json,
    scratch_folder,
    seal,
    sha256,
    storage_errors,
    write_folder,
)
from lrensemble.models.transformers_library import quiet, transformers_with

logger = logging.getLogger(__name__)

FORMAT = 1
"""Raised when the same texts and settings would give another model."""
DESCRIPTION = "pretrain.json"
LIBRARIES = ("torch", "transformers", "tokenizers")
"""Libraries whose versions decide the bits."""


class Losses(Record):
    """What a pre-trained model is worth: mean losses of held-out tokens, in nats."""

    loss: float
    unigram_loss: float
    """Loss of the counts of single tokens."""
    bigram_loss: float
    """Loss of the counts of pairs."""
    judged_tokens: int
    """Tokens that were predicted."""
    trained_tokens: int
    held_out_tokens: int
    held_out_bytes: int


class Pretrained(Record):
    """A model with its tokenizer and `pretrain.json`, on disk."""

    folder: Path
    losses: Losses
    made: bool
    """Whether it was trained just now."""


def kept(
    files: Sequence[Path], options: Mapping[str, object], make: Callable[[], tuple[Any, Any, Losses]]
) -> Pretrained:
    """The model that `make` trains on files, or that was trained before on the same content with the same options.

    One that is damaged is made again, which is said.

    Args:
        files: in the order in which they are read.
        options: all else that the model depends on.
        make: trains it: the model, its tokenizer and their losses.

    Raises:
        StorageError: a file cannot be read, or the cache not be written.
    """
    inputs = _inputs(files, options)
    entry = _entry(inputs)
    if entry.exists():
        try:
            return Pretrained(folder=entry, losses=_check(entry), made=False)
        except StorageError as error:
            logger.warning("%s cannot be used (%s); the model is trained again", entry, error)
            discard(entry)
    model, tokenizer, losses = make()
    described = {"key": _key(inputs), "inputs": inputs, "losses": losses.model_dump(mode="json")}
    if not write_folder(entry, _files(model, tokenizer, described)):  # another process was first, with the same bits
        logger.info("%s was written by another process", entry)
    return Pretrained(folder=entry, losses=losses, made=True)


def is_in_cache(files: Sequence[Path], options: Mapping[str, object]) -> bool:
    """Whether `kept` would find a model, be it damaged or not.

    Raises:
        StorageError: a file cannot be read.
    """
    return _entry(_inputs(files, options)).exists()


def _inputs(files: Sequence[Path], options: Mapping[str, object]) -> dict[str, object]:
    """All that a model is made of."""
    return {
        "format": FORMAT,
        "files": [{"name": path.name, "sha256": sha256(path)} for path in files],
        "versions": {name: metadata.version(name) for name in LIBRARIES},
        **options,
    }


def _key(inputs: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()


def _entry(inputs: Mapping[str, object]) -> Path:
    return cache_folder() / f"base-{_key(inputs)[:24]}"


def placed(pretrained: Pretrained, out: Path) -> Pretrained:
    """The same in another folder, which may hold it already.

    Raises:
        StorageError: the folder cannot be written, or holds something else.
    """
    with storage_errors("read", pretrained.folder):
        content = {path.name: path.read_bytes() for path in sorted(pretrained.folder.iterdir())}
    if not write_folder(out, content) and not _is_same(out, content):
        raise StorageError(f"{out} holds something else already; give another folder, or remove it")
    return pretrained.model_copy(update={"folder": out})


def _is_same(folder: Path, content: Mapping[str, bytes]) -> bool:
    with storage_errors("read", folder):
        return all((folder / name).is_file() and (folder / name).read_bytes() == own for name, own in content.items())


def _files(model: Any, tokenizer: Any, described: Mapping[str, object]) -> dict[str, bytes]:
    """All files of the folder, the description, which holds their hashes, among them."""
    transformers = transformers_with("LlamaForCausalLM", "a language model", "llm")
    with scratch_folder() as folder, quiet(transformers):
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        content = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
    hashes = {name: hashlib.sha256(own).hexdigest() for name, own in content.items()}
    return content | {DESCRIPTION: seal({"sha256": hashes, **described})}


def _check(entry: Path) -> Losses:
    """The losses of an entry of the cache.

    Raises:
        StorageError: a file is missing or damaged.
    """
    described = read_json(entry / DESCRIPTION)
    if not isinstance(described, dict) or not proves_itself(described):
        raise StorageError(f"{DESCRIPTION} is damaged")
    for name, own in described["sha256"].items():
        if sha256(entry / name) != own:
            raise StorageError(f"{name} is damaged: its hash is not that of its content")
    return Losses.model_validate(described["losses"])
