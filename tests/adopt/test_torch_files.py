"""Modules and files of torch: what is taken, what becomes facts, and what every refusal says."""

from __future__ import annotations

import argparse
import pathlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from tests.adopt.given.digits import build, rows, trained
from torch import nn

import lrensemble
from lrensemble.adopt.parameters import plain_values, value_of, with_arguments
from lrensemble.adopt.weights import load_file, state_in
from lrensemble.errors import AdoptError, LREnsembleError
from lrensemble.export import Ensemble
from lrensemble.spec import Spec


class Settings:
    """A class of one's own."""

    rate = 0.1


class Doubled(nn.Module):
    """A network that nobody can build anew by a function of (shape, outputs)."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        outputs: torch.Tensor = self.inner(inputs)
        return 2 * outputs


def sized(shape: tuple[int, ...], outputs: int, *, width: int = 16) -> nn.Module:
    return nn.Sequential(nn.Linear(shape[0], width), nn.ReLU(), nn.Linear(width, outputs))


def own_probabilities(network: nn.Module, x: Any) -> Any:
    with torch.no_grad():
        return network(torch.tensor(x, dtype=torch.float32) / 16).softmax(1).numpy()


def test_modules_without_builder_become_a_team_that_is_exported(tmp_path: Path) -> None:
    networks = {"one": torch.nn.DataParallel(trained(0)), "two": Doubled(trained(1))}
    networks["one"].train()
    result = lrensemble.adopt(tmp_path / "pool", networks, data=rows(), std=16)

    assert [member.name for member in result] == ["one", "two"]
    assert all(member.difference is not None and member.difference < 1e-5 for member in result)
    assert networks["one"].training, "the module of the user stays as it is"
    assert all(each.requires_grad for each in networks["two"].parameters())
    assert {member.network.model.name for member in result.pool.members() if member.network} == {"onnx"}

    lrensemble.select(tmp_path / "pool", "all", consensus="mean")
    lrensemble.export(tmp_path / "pool", tmp_path / "bundle", method="all")
    x = rows()["x_test"]
    expected = np.mean([own_probabilities(network.eval(), x) for network in networks.values()], axis=0)
    found = Ensemble.load(tmp_path / "bundle")(torch.tensor(x)).detach().numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_a_module_with_its_builder_keeps_its_weights_and_one_that_does_not_fit_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    result = lrensemble.adopt(tmp_path / "pool", trained(0), data=rows(), builder=build, std=16)
    assert result[0].difference < 1e-6
    assert not caplog.records
    lrensemble.adopt(tmp_path / "other", Doubled(trained(0)).inner, data=rows(), builder=_with_other_activation, std=16)
    assert "gives other predictions here than in its own tool" in caplog.text


def _with_other_activation(shape: tuple[int, ...], outputs: int) -> nn.Module:
    return nn.Sequential(nn.Linear(shape[0], 16), nn.Tanh(), nn.Linear(16, outputs))


class Pair(nn.Module):
    def forward(self, inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return inputs, inputs


class Branching(nn.Module):
    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return inputs[:, :10] * (2.0 if float(inputs.sum()) > 0 else 1.0)


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (Pair(), "Pair gives tuple for 2 rows; give a module that returns one tensor"),
        (nn.Linear(5, 10), r"Linear does not take inputs of shape \(64,\): .*"),
        (Branching(), r"Branching cannot be converted to ONNX: .*; give its builder=…"),
    ],
)
def test_modules_that_cannot_be_converted_are_refused_in_one_line(
    module: nn.Module, message: str, tmp_path: Path
) -> None:
    with pytest.raises(AdoptError, match=message) as caught:
        lrensemble.adopt(tmp_path / "pool", module, data=rows())
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(AdoptError, match=r"there is no file .*nope\.pt"):
        lrensemble.adopt(tmp_path / "pool", tmp_path / "nope.pt", data=rows())


def test_values_beside_the_weights_are_facts_and_arguments_of_the_builder(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    torch.manual_seed(0)
    for width in (4, 8):
        network = sized((64,), 10, width=width)
        content = {
            "net": network.state_dict(),
            "optimizer": torch.optim.Adam(network.parameters()).state_dict(),
            "args": {"width": width, "lr": 0.1, "layers": [1, 2]},
            "epoch": 3,
            "best": torch.tensor(0.5),
            "val_acc": 0.99,
            "loss": 0.1,
        }
        torch.save(content, tmp_path / f"{width}.pth")
    result = lrensemble.adopt(tmp_path / "pool", f"{tmp_path}/*.pth", data=rows(), builder=sized, std=16)

    members = {member.name: member for member in result.pool.members()}
    assert list(members) == ["4", "8"]
    assert members["8"].network is not None
    assert members["8"].network.model.arguments == {"width": 8}
    facts = {"file": "8.pth", "epoch": 3, "best": 0.5, "val_acc": 0.99, "loss": 0.1, "width": 8, "lr": 0.1}
    assert members["8"].facts == {**facts, "layers": [1, 2]}
    assert "8: its tool logged val_acc 0.99" in caplog.text
    assert "logged loss" not in caplog.text, "a bare loss may be of the training rows"


def test_builders_of_a_notebook_take_arguments_too(tmp_path: Path) -> None:
    torch.save({"model": sized((64,), 10, width=5).state_dict(), "width": 5}, tmp_path / "a.pt")
    result = lrensemble.adopt(
        tmp_path / "pool",
        tmp_path / "a.pt",
        data=rows(),
        builder=lambda shape, outputs, width=16: sized(shape, outputs, width=width),
    )
    assert result.pool.members()[0].parameters == 64 * 5 + 5 + 5 * 10 + 10


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "module._orig_mod."])
def test_prefixes_of_wrappers_are_taken_off(prefix: str, tmp_path: Path) -> None:
    weights = {prefix + name: each for name, each in trained(0).state_dict().items()}
    torch.save({"ema": weights, "model": {}}, tmp_path / "a.pt")
    result = lrensemble.adopt(tmp_path / "pool", tmp_path / "a.pt", data=rows(), builder=build, std=16, key="ema")
    assert result[0].scores["accuracy"] > 0.7


def test_safetensors_in_half_precision(tmp_path: Path) -> None:
    network = trained(0)
    weights = {name: each.bfloat16() for name, each in network.state_dict().items()}
    save_file(weights, tmp_path / "a.safetensors", {"lr": "0.1"})
    result = lrensemble.adopt(tmp_path / "pool", tmp_path / "a.safetensors", data=rows(), builder=build, std=16)

    assert result.pool.members()[0].facts == {"file": "a.safetensors", "lr": "0.1"}
    network.load_state_dict({name: each.float() for name, each in weights.items()})
    expected = own_probabilities(network, rows()["x_val"])
    found = np.exp(result.pool.members()[0].predictions("val").dense(10))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "namespace": (lambda: {"args": argparse.Namespace(lr=0.1)}, "holds argparse.Namespace beside the weights"),
    "scalar": (lambda: {"best": np.float64(0.5)}, "holds numbers or arrays of numpy (numpy._core.multiarray.scalar)"),
    "array": (lambda: {"a": np.zeros(3)}, "holds numbers or arrays of numpy (numpy._core.multiarray._reconstruct)"),
    "path": (lambda: {"to": pathlib.PurePosixPath("/x")}, "holds paths (pathlib.PurePosixPath)"),
    "own class": (lambda: {"settings": Settings()}, "test_torch_files.Settings beside the weights"),
}


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("what", REFUSED)
def test_what_would_run_code_is_named(what: str, legacy: bool, tmp_path: Path) -> None:
    beside, message = REFUSED[what]
    content = {"model": nn.Linear(2, 3).state_dict(), **beside()}
    torch.save(content, tmp_path / "a.pt", _use_new_zipfile_serialization=not legacy)
    with pytest.raises(AdoptError, match=re.escape(message)) as caught:
        load_file(tmp_path / "a.pt")
    assert "save model.state_dict() alone" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_whole_network_is_named(tmp_path: Path) -> None:
    torch.save(nn.Sequential(nn.Linear(2, 3)), tmp_path / "a.pt")
    with pytest.raises(AdoptError, match=r"holds a whole network \(torch.nn.modules.container.Sequential\)"):
        load_file(tmp_path / "a.pt")


def _archive(path: Path) -> None:
    torch.export.save(torch.export.export(nn.Linear(2, 3), (torch.zeros(1, 2),)), path)


def _shortened(path: Path) -> None:
    torch.save(nn.Linear(2, 3).state_dict(), path)
    path.write_bytes(path.read_bytes()[:-300])


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda path: path.write_bytes(b""), "is empty"),
        (lambda path: path.write_bytes(b"hello"), "is damaged, or no file of torch.save"),
        (lambda path: path.write_bytes(b"version https://git-lfs.github.com/spec/v1\n"), "is a pointer of Git LFS"),
        (lambda path: path.write_bytes(b"<!DOCTYPE html>"), "is a page of the web"),
        (_shortened, "is damaged, or no file of torch.save"),
        (_archive, "is an archive of something else than torch.save"),
    ],
)
def test_files_that_are_none_say_what_they_are(write: Callable[[Path], Any], message: str, tmp_path: Path) -> None:
    write(tmp_path / "a.pt2")
    with pytest.raises(AdoptError, match=message):
        load_file(tmp_path / "a.pt2")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_torchscript_is_code(tmp_path: Path) -> None:
    traced = torch.jit.trace(nn.Linear(2, 3), torch.zeros(1, 2))  # type: ignore[no-untyped-call]
    torch.jit.save(traced, tmp_path / "a.pt")
    with pytest.raises(AdoptError, match="is a TorchScript program, which is code"):
        load_file(tmp_path / "a.pt")


def test_damaged_safetensors(tmp_path: Path) -> None:
    (tmp_path / "a.safetensors").write_bytes(b"\x05\x00\x00\x00\x00\x00\x00\x00hello")
    with pytest.raises(AdoptError, match="is damaged, or no file of safetensors"):
        lrensemble.adopt(tmp_path / "pool", tmp_path / "a.safetensors", data=rows(), builder=build)


def test_a_file_without_builder_and_weights_that_do_not_fit(tmp_path: Path) -> None:
    torch.save({"layer.weight": torch.zeros(10, 64), "layer.bias": torch.zeros(10)}, tmp_path / "a.pt")
    with pytest.raises(AdoptError, match=r"say what builds their network anew"):
        lrensemble.adopt(tmp_path / "pool", tmp_path / "a.pt", data=rows())
    with pytest.raises(LREnsembleError, match=r"a: the weights do not fit its model .*build") as caught:
        lrensemble.adopt(tmp_path / "pool", tmp_path / "a.pt", data=rows(), builder=build)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 700


def test_where_weights_are_is_asked_with_what_there_is() -> None:
    content = {"ema": {"w": torch.zeros(1)}, "teacher": {"w": torch.zeros(1)}}
    with pytest.raises(AdoptError, match=r"a\.pt holds no weights by name; it holds ema, teacher; say where.*key=NAME"):
        state_in(content, Path("a.pt"))
    with pytest.raises(AdoptError, match=r"a\.pt has no 'emma'; it holds ema, teacher"):
        state_in(content, Path("a.pt"), "emma")


def test_plain_values_by_hand() -> None:
    content = {
        "state": {"w": torch.zeros(2)},
        "optimizer": {"lr": 1},
        "epoch": 3,
        "flag": True,
        "none": None,
        "nan": float("nan"),
        "text": "x" * 501,
        "config": {"epoch": 4, "lr": 0.1, "hparams": {"width": 2}},
    }
    assert plain_values(content) == {"epoch": 3, "flag": True, "nan": "nan", "lr": 0.1, "width": 2}
    assert value_of("[" * 10**5) == "[" * 10**5
    assert [value_of(each) for each in ("1", "0.5", "True", "None", "adam", "[1, 2]")] == [
        1,
        0.5,
        True,
        None,
        "adam",
        [1, 2],
    ]


def test_arguments_that_were_given_come_first() -> None:
    builder = Spec("tests.adopt.test_torch_files:sized", {"width": 3})
    assert with_arguments(builder, {"width": 5, "lr": 1}) == builder
    assert with_arguments(Spec(builder.name), {"width": 5, "lr": 1}).arguments == {"width": 5}
