"""Files of torch as training scripts leave them: the same weights under other keys and names."""

from __future__ import annotations

import io
import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.adopt.linear import LOGITS, Y, build, network, probs, rows
from torch.optim.swa_utils import AveragedModel

import lrensemble
from lrensemble.errors import AdoptError

STATE = network().state_dict()
OPTIMIZER = torch.optim.Adam(network().parameters()).state_dict()
NAMED = rows(y_val=np.array(["cat", "dog", "emu"])[Y])
del NAMED["x_test"], NAMED["y_test"]


def renamed(prefix: str) -> dict[str, torch.Tensor]:
    return {f"{prefix}{name}": each for name, each in STATE.items()}


def written(folder: Path, content: Any, name: str = "file.pt") -> Path:
    torch.save(content, folder / name)
    return folder / name


@pytest.mark.parametrize(
    "content",
    [
        {"epoch": 3, "model_ema": STATE, "optimizer": OPTIMIZER},
        {"model": {"state_dict": STATE, "best": 0.5}, "optimizer": OPTIMIZER},
        AveragedModel(network()).state_dict(),
        renamed("_fsdp_wrapped_module."),
        renamed("model."),
        {"state_dict": {**renamed("net."), "loss.weight": torch.ones(3)}},
    ],
    ids=["the only weights", "in a table", "a mean of weights", "sharded", "in a module", "beside others"],
)
def test_weights_are_found(content: Mapping[str, Any], tmp_path: Path) -> None:
    lrensemble.adopt(tmp_path / "pool", written(tmp_path, content), data=rows(), builder=build)
    (member,) = lrensemble.Pool.open(tmp_path / "pool").members()
    np.testing.assert_allclose(np.exp(member.predictions("val").dense(3)), probs(LOGITS), atol=1e-6)


def test_a_file_that_is_called_an_archive(tmp_path: Path) -> None:
    path = written(tmp_path, {"state_dict": STATE, "arch": "linear"}, "best.pth.tar")
    (member,) = lrensemble.adopt(tmp_path / "pool", path, data=rows(), builder=build)
    assert member.name == "best"


def test_a_mean_of_weights_is_a_network(tmp_path: Path) -> None:
    pytest.importorskip("onnxscript")
    (member,) = lrensemble.adopt(tmp_path / "pool", AveragedModel(network()), data=rows())
    assert member.name == "Sequential"
    assert member.scores["accuracy"] == 1


@pytest.mark.parametrize(
    "said",
    [
        {"class_to_idx": {"dog": 1, "emu": 0, "cat": 2}},
        {"idx_to_class": {0: "emu", 1: "dog", 2: "cat"}},
        {"id2label": {"10": "cat", "2": "dog", "1": "emu"}},
        {"classes": ["emu", "dog", "cat"]},
    ],
)
def test_classes_in_another_order_are_refused(said: Mapping[str, Any], tmp_path: Path) -> None:
    path = written(tmp_path, {"state_dict": STATE, **said})
    with pytest.raises(AdoptError, match="file gives the classes emu, dog, cat, and the pool has cat, dog, emu"):
        lrensemble.adopt(tmp_path / "pool", path, data=NAMED, builder=build)


@pytest.mark.parametrize("said", [["cat", "dog", "emu"], ["ant", "bee", "cat"], 3, {"cat": "feline"}])
def test_other_classes_say_nothing(said: Any, tmp_path: Path) -> None:
    path = written(tmp_path, {"state_dict": STATE, "classes": said})
    assert lrensemble.adopt(tmp_path / "pool", path, data=NAMED, builder=build)[0].new


def test_several_weights_are_asked_about(tmp_path: Path) -> None:
    path = written(tmp_path, {"generator": STATE, "discriminator": STATE})
    with pytest.raises(AdoptError, match=r"it holds generator, discriminator; say where they are: key=NAME"):
        lrensemble.adopt(tmp_path / "pool", path, data=rows(), builder=build)


def test_a_pickle_by_another_name_is_refused_without_a_warning(tmp_path: Path) -> None:
    content = io.BytesIO()
    pickle.dump(STATE, content)
    (tmp_path / "file.pt").write_bytes(content.getvalue())
    with pytest.raises(AdoptError, match=r"is damaged, or no file of torch.save"):
        lrensemble.adopt(tmp_path / "pool", tmp_path / "file.pt", data=rows(), builder=build)


def test_what_cannot_be_given_for_the_truth_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, STATE)
    message = "gives='values' is refused: the pool's truth is classes; give one of logits, log_probs, probs"
    with pytest.raises(AdoptError, match=re.escape(message)):
        lrensemble.adopt(tmp_path / "pool", path, data=rows(), builder=build, gives="values")
    with pytest.raises(AdoptError, match="the pool's truth is values; give one of values, gaussian"):
        lrensemble.adopt(tmp_path / "other", path, data=(np.eye(2), np.eye(2) / 3), builder=build, gives="probs")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("sqlite:///study.db", "of a database it is optuna:sqlite:///study.db or mlflow:sqlite:///study.db"),
        ("study.db", "of a database it is optuna:sqlite:///study.db or mlflow:sqlite:///study.db"),
        (torch.nn.Linear, "give a trained Linear and not its class"),
        (".", re.escape("of its files give '*.pt'")),
    ],
)
def test_what_else_may_be_meant_is_said(given: Any, message: str, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    written(tmp_path, STATE)
    with pytest.raises(AdoptError, match=message):
        lrensemble.adopt("pool", given, data=rows())
