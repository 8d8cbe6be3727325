"""A team of adapters as a folder: JSON and safetensors, each adapter as `peft` has it, and the base by reference.

```
ENSEMBLE/ensemble.json                            format, description, SHA-256 of the other files, own checksum
ENSEMBLE/adapters/<place>/adapter_config.json     settings of a member
ENSEMBLE/adapters/<place>/adapter_model.safetensors
ENSEMBLE/README.md                                model card, which nobody reads back
```

A folder below `adapters` is loaded by `peft`, and by what reads its layout, as it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import safetensors.torch

from lrensemble.config import Base, Record
from lrensemble.errors import ExportError, PoolError
from lrensemble.export.language.adapters import CONFIG, WEIGHTS, Adapter, read_adapter
from lrensemble.export.language.card import card_of
from lrensemble.export.language.description import LanguageDescription
from lrensemble.export.language.place import ENSEMBLE, is_language_bundle
from lrensemble.files import draft_folder, read_json, seal, to_json
from lrensemble.pool.sealed import check_file, unseal

ADAPTERS, CARD = "adapters", "README.md"
KIND = "lrensemble language ensemble"


class _Content(Record):
    kind: Literal["lrensemble language ensemble"]
    ensemble: LanguageDescription
    files: dict[str, str]


def adapter_files(adapter: Adapter, base: Base) -> dict[str, bytes]:
    """Files of an adapter by name, in the layout of `peft`."""
    settings: dict[str, Any] = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base.path,
        "revision": base.revision,
        "inference_mode": True,
        "bias": "none",
        **adapter.settings,
    }
    copies = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in adapter.weights.items()}
    return {CONFIG: to_json(settings).encode(), WEIGHTS: safetensors.torch.save(copies, metadata={"format": "pt"})}


def write_language_bundle(folder: Path, description: LanguageDescription, adapters: Sequence[Adapter]) -> None:
    """Write a team; nothing is left behind where that fails.

    Raises:
        ExportError: there is something in the folder already.
        StorageError: it cannot be written.
    """
    files = {
        f"{ADAPTERS}/{place:02d}/{name}": content
        for place, adapter in enumerate(adapters)
        for name, content in adapter_files(adapter, description.base).items()
    }
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    sealed = seal({"kind": KIND, "ensemble": description.model_dump(mode="json"), "files": hashes})
    with draft_folder(folder) as draft:
        for name, content in {**files, CARD: card_of(description).encode(), ENSEMBLE: sealed}.items():
            with draft.file(name) as file:
                file.write(content)
    if not draft.placed:
        raise ExportError(f"{folder} is there already; remove it, or name another folder")


def read_language_bundle(folder: Path) -> tuple[LanguageDescription, list[Adapter]]:
    """Description and adapters in a folder that `write_language_bundle` wrote.

    Raises:
        ExportError: no such folder, or a file that is missing, changed, or of another one.
        StorageError: a file cannot be read.
    """
    path = folder / ENSEMBLE
    if not is_language_bundle(folder):
        raise ExportError(
            f"no ensemble of language models at {folder}: it has no {ENSEMBLE}; give the folder that lrensemble "
            "export makes of a pool of adapters"
        )
    content = read_json(path)
    if not isinstance(content, dict) or content.get("kind") != KIND:
        raise ExportError(f"{path} is of no ensemble of language models that lrensemble wrote; name the folder of one")
    try:
        found = unseal(_Content, path)
        places = [f"{ADAPTERS}/{place:02d}" for place in range(len(found.ensemble.names))]
        for name in (f"{place}/{name}" for place in places for name in (CONFIG, WEIGHTS)):
            check_file(folder / name, found.files.get(name, ""))
    except PoolError as error:
        raise ExportError(str(error)) from None
    # Which base they are of is said by the description, with its hash; where it lay then, something else may lie now.
    return found.ensemble, [replace(read_adapter(folder / place), base=None) for place in places]
