"""What identifies weights: their values by name, and not how they are spread over files."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from lrensemble.errors import SpecError
from lrensemble.language.weight_files import weight_files
from lrensemble.language.weights import weights_sha256

TENSORS = {
    "b": torch.arange(6, dtype=torch.bfloat16).reshape(2, 3),
    "a": torch.tensor(2.5),
    "c": torch.tensor([True, False]),
    "empty": torch.empty(0, 4),
}


def written(folder: Path, *shards: list[str], **changed: torch.Tensor) -> Path:
    """A folder with tensors in one file, or spread over several with an index."""
    folder.mkdir(parents=True)
    tensors = TENSORS | changed
    if not shards:
        save_file(tensors, folder / "model.safetensors")
        return folder
    places: dict[str, str] = {}
    for number, names in enumerate(shards):
        file = f"model-{number}.safetensors"
        save_file({name: tensors[name] for name in names}, folder / file, metadata={"format": "pt"})
        places |= dict.fromkeys(names, file)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}), encoding="utf-8")
    return folder


def by_definition(folder: Path) -> str:
    """Names, types, shapes and bytes, one tensor after the other."""
    digest = hashlib.sha256()
    tensors: dict[str, torch.Tensor] = {}
    for path in folder.glob("*.safetensors"):
        tensors |= load_file(path)
    for name, tensor in sorted(tensors.items()):
        digest.update(json.dumps([name, str(tensor.dtype), list(tensor.shape)]).encode())
        digest.update(bytes(tensor.reshape(-1).view(torch.uint8).tolist()))
    return digest.hexdigest()


def test_the_hash_is_the_same_however_weights_are_spread(tmp_path: Path) -> None:
    whole, spread = written(tmp_path / "1"), written(tmp_path / "2", ["c", "a"], ["empty", "b"])
    assert weights_sha256(whole) == weights_sha256(spread) == by_definition(whole) == by_definition(spread)
    assert [path.name for path in weight_files(spread)] == ["model-0.safetensors", "model-1.safetensors"]


@pytest.mark.parametrize(
    "changed",
    [
        {"a": torch.tensor(2.5000002)},
        {"b": TENSORS["b"].reshape(3, 2)},
        {"b": TENSORS["b"].half()},
        {"d": torch.zeros(1)},
        {"c": torch.tensor([False, True])},
    ],
    ids=["value", "shape", "type", "name", "order"],
)
def test_every_difference_makes_another(changed: dict[str, torch.Tensor], tmp_path: Path) -> None:
    assert weights_sha256(written(tmp_path / "1")) != weights_sha256(written(tmp_path / "2", **changed))


def test_a_file_that_changes_is_read_again(tmp_path: Path) -> None:
    folder = written(tmp_path / "1")
    before = weights_sha256(folder)
    save_file({"a": torch.zeros(1)}, folder / "model.safetensors")
    assert weights_sha256(folder) == by_definition(folder) != before


def test_a_part_that_is_missing_or_lies_elsewhere_is_refused(tmp_path: Path) -> None:
    folder = written(tmp_path / "1", ["a", "b"], ["c"])
    (folder / "model-1.safetensors").rename(tmp_path / "model-1.safetensors")
    with pytest.raises(SpecError, match=r"model-1.safetensors is missing; it holds a part of the weights"):
        weight_files(folder)
    for places, message in (
        ({"c": "../model-1.safetensors"}, r"names '../model-1.safetensors'; it may name files of .safetensors beside"),
        ({"c": "model-0.bin"}, "names 'model-0.bin'"),
        ({}, "it must name the file of each tensor in weight_map"),
        ({"c": 1}, "it must name the file of each tensor in weight_map"),
    ):
        (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}), encoding="utf-8")
        with pytest.raises(SpecError, match=message):
            weight_files(folder)
