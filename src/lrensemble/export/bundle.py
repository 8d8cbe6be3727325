"""An ensemble as a folder: JSON and safetensors, no pickle, whole or not at all.

```
BUNDLE/config.json          format, description of the ensemble (`Description`), SHA-256 of the weights, own checksum
BUNDLE/model.safetensors    parameters and buffers of all members: members.<position>.<name>
BUNDLE/network.0.onnx, …    networks that another library runs, in its format: network.<position>.<suffix>
BUNDLE/README.md            model card, which nobody reads back: it is for people, and theirs to change
```

The names are those of the Hugging Face hub. Other files in the folder are left alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from lrensemble.config import Record
from lrensemble.errors import ExportError, PoolError
from lrensemble.export.card import card_of
from lrensemble.export.description import Description
from lrensemble.files import read_json, seal, storage_errors, write_folder
from lrensemble.pool.place import is_pool
from lrensemble.pool.sealed import check_file, load_tensors, unseal

if TYPE_CHECKING:
    from torch import Tensor

CONFIG, WEIGHTS, CARD = "config.json", "model.safetensors", "README.md"
KIND = "lrensemble ensemble"


class _Config(Record):
    kind: Literal["lrensemble ensemble"]
    ensemble: Description
    files: dict[str, str]


def write_bundle(
    folder: Path, description: Description, weights: Mapping[str, Tensor], networks: Mapping[str, bytes]
) -> None:
    """Write a bundle; nothing is left behind where that fails.

    Args:
        folder: where nothing is yet.
        description: of the ensemble.
        weights: parameters and buffers by name.
        networks: content of the files that parts name.

    Raises:
        ExportError: there is something in the folder already.
        StorageError: it cannot be written.
    """
    import safetensors.torch  # late: it brings torch, and who reads a description needs none

    # Copies, because safetensors refuses tensors that share memory, as tied weights do.
    copies = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in weights.items()}
    content = safetensors.torch.save(copies)
    contents = {WEIGHTS: content, **networks}
    files = {name: hashlib.sha256(each).hexdigest() for name, each in contents.items()}
    config = {"kind": KIND, "ensemble": description.model_dump(mode="json"), "files": files}
    if not write_folder(folder, {**contents, CARD: card_of(description).encode(), CONFIG: seal(config)}):
        raise ExportError(f"{folder} is there already; remove it, or name another folder")


def read_bundle(folder: Path) -> tuple[Description, dict[str, Tensor], dict[str, bytes]]:
    """Description, weights and content of further files in a folder that `write_bundle` wrote.

    Raises:
        ExportError: no bundle, or a file that is missing, changed, or of another bundle.
        StorageError: a file cannot be read.
    """
    config = _config(folder)
    try:
        check_file(folder / WEIGHTS, config.files.get(WEIGHTS, ""))
        networks = {part.file: _content(folder / part.file, config) for part in config.ensemble.parts if part.file}
        return config.ensemble, load_tensors(folder / WEIGHTS), networks
    except PoolError as error:
        raise ExportError(str(error)) from None


def read_description(folder: Path) -> Description:
    """Description of the ensemble in a folder; its weights are not read.

    Raises:
        ExportError: no bundle, or a damaged description.
        StorageError: the file cannot be read.
    """
    return _config(folder).ensemble


def is_bundle(folder: Path) -> bool:
    """Whether a folder may hold a bundle, by the name of its file."""
    with storage_errors("read", folder):
        return (folder / CONFIG).is_file()


def _config(folder: Path) -> _Config:
    path = folder / CONFIG
    if not is_bundle(folder):
        raise _no_ensemble(folder)
    content = read_json(path)
    if not isinstance(content, dict) or content.get("kind") != KIND:
        raise ExportError(f"{path} is of no ensemble that lrensemble wrote; name the folder of one")
    try:
        return unseal(_Config, path)
    except PoolError as error:
        raise ExportError(str(error)) from None


def _no_ensemble(folder: Path) -> ExportError:
    """The error where there is no bundle: what is there instead, and what to do."""
    if folder.is_file():
        return ExportError(
            f"no ensemble at {folder}: it is a file; give the folder of a bundle (a file of ONNX is for ONNX Runtime "
            "and lrensemble serve and predict, by its suffix; one of torch.export for torch)"
        )
    if is_pool(folder):
        return ExportError(f"{folder} is a pool and no ensemble; make one of it with lrensemble export {folder}")
    return ExportError(f"no ensemble at {folder}: it has no {CONFIG}; make one with lrensemble export")


def _content(path: Path, config: _Config) -> bytes:
    """Content of a network's file.

    Raises:
        PoolError: it is missing or changed.
        StorageError: it cannot be read.
    """
    check_file(path, config.files.get(path.name, ""))
    with storage_errors("read", path):
        return path.read_bytes()
