"""Files of `torch.save` are read without running any code, and what cannot be is refused in words."""

import argparse
import os
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from lrensemble.adopt.weights import load_file, state_in, without_prefix
from lrensemble.errors import AdoptError

STATE: dict[str, Tensor] = {"layer.weight": torch.arange(6.0).reshape(2, 3), "layer.bias": torch.tensor([1.0, -1.0])}


def written(path: Path, content: Any) -> Path:
    torch.save(content, path)
    return path


def same(found: dict[str, Tensor]) -> bool:
    return list(found) == list(STATE) and all(torch.equal(found[name], STATE[name]) for name in STATE)


@pytest.mark.parametrize(
    "content",
    [
        STATE,
        OrderedDict(STATE),
        {"state_dict": STATE, "epoch": 3},
        {"epoch": 3, "model_state_dict": STATE, "optimizer": {"state": {}, "param_groups": []}},
        {"model": STATE, "args": {"rate": 0.1}},
        {f"module.{name}": each for name, each in STATE.items()},
        {"net": {f"_orig_mod.module.{name}": each for name, each in STATE.items()}},
    ],
)
def test_weights_wherever_scripts_put_them(tmp_path: Path, content: Any) -> None:
    path = written(tmp_path / "x.pt", content)
    assert same(state_in(load_file(path), path))


def test_a_key_that_is_named(tmp_path: Path) -> None:
    path = written(tmp_path / "x.pt", {"teacher": {"w": torch.zeros(1)}, "student": STATE})
    assert same(state_in(load_file(path), path, "student"))
    with pytest.raises(AdoptError, match=r"x\.pt has no 'pupil'; it holds teacher, student"):
        state_in(load_file(path), path, "pupil")
    with pytest.raises(AdoptError, match=r"holds no weights by name; it holds teacher, student; say where .*key=NAME"):
        state_in(load_file(path), path)


def test_a_prefix_of_some_names_is_a_part_of_them() -> None:
    mixed = {"module.a": torch.zeros(1), "b": torch.zeros(1)}
    assert list(without_prefix(mixed)) == ["module.a", "b"]


class Runs:
    """Whoever unpickles it makes a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


def test_no_code_of_a_file_is_run(tmp_path: Path) -> None:
    path = written(tmp_path / "x.pt", {"state_dict": STATE, "other": Runs(tmp_path / "made")})
    with pytest.raises(AdoptError, match=r"x\.pt holds posix\.mkdir beside the weights.*save model\.state_dict\(\)"):
        load_file(path)
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ({"model": STATE, "args": argparse.Namespace(rate=0.1)}, "argparse.Namespace"),
        (nn.Linear(3, 2), r"a whole network \(torch.nn.modules.linear.Linear\)"),
    ],
)
def test_what_stands_beside_the_weights_is_named(tmp_path: Path, content: Any, named: str) -> None:
    path = written(tmp_path / "x.pt", content)
    with pytest.raises(AdoptError, match=rf"x\.pt holds {named} beside the weights"):
        load_file(path)


@pytest.mark.parametrize("content", [b"", b"weights", b"PK\x03\x04 but no more"])
def test_a_damaged_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.pt"
    path.write_bytes(content)
    with pytest.raises(
        AdoptError, match=r"x\.pt (is empty|is damaged, or no file of torch\.save|holds .* beside the weights)"
    ):
        load_file(path)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(AdoptError, match=r"none\.pt is no file; name the one that the tool wrote"):
        load_file(tmp_path / "none.pt")
