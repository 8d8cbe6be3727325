"""Networks that others run: the contract of their kinds, and what stands around each."""

import re
from typing import Any

import numpy as np
import pytest
import torch
from tests.adopt.linear import BIAS, LOGITS, WEIGHTS, X, graph, network, probs

from lrensemble.config import Inputs, Network
from lrensemble.errors import DataError, MissingExtraError, SpecError, UnknownNameError
from lrensemble.networks import NETWORKS, Foreign, as_outputs, build
from lrensemble.networks.onnx import ends_of
from lrensemble.spec import Spec
from lrensemble.targets import LOG_ZERO

pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed: pip install 'lrensemble[onnx]'")
pytest.importorskip("onnx", reason="onnx is not installed: pip install 'lrensemble[onnx]'")

ONNX = Network(model=Spec("onnx"), file="network.onnx", gives="probs")


@pytest.mark.parametrize("kind", NETWORKS)
def test_every_kind_names_its_file_and_refuses_what_is_none(kind: str) -> None:
    facts = NETWORKS.facts(kind)
    assert re.fullmatch(r"\.[a-z0-9]{1,16}", facts.suffix)
    Network(model=Spec(kind), file=f"network{facts.suffix}")
    with pytest.raises((DataError, MissingExtraError)) as caught:
        Foreign(kind, b"nothing that any library has written")
    assert len(str(caught.value).splitlines()) == 1


def test_a_kind_that_is_unknown() -> None:
    with pytest.raises(UnknownNameError, match="no network named 'onxx'; did you mean 'onnx'"):
        Foreign("onxx", b"")
    with pytest.raises(SpecError, match="port"):
        Foreign("onnx(port='X')", b"")


@pytest.mark.parametrize("file", ["../network.onnx", "network.onnx/..", "network.on/nx", "/network.onnx", "network."])
def test_a_file_cannot_lie_elsewhere(file: str) -> None:
    with pytest.raises(ValueError, match="file"):
        Network(model=Spec("onnx"), file=file)


def test_a_graph_by_hand() -> None:
    made = build(ONNX, (2,), 3, content=graph())
    found = made(torch.tensor(X))
    np.testing.assert_allclose(found.exp(), probs(), rtol=1e-5)
    assert not list(made.parameters())
    assert not made.train().training


@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_a_graph_gets_the_type_that_it_takes(kind: str) -> None:
    made = Foreign("onnx", graph(ends=(), kind=kind))
    found = made(torch.tensor(X))
    assert found.dtype == getattr(torch, kind)
    np.testing.assert_allclose(found, LOGITS, rtol=1e-6, atol=1e-6)


def test_a_graph_of_features_takes_images_laid_flat() -> None:
    made = Foreign("onnx", graph(ends=()))
    np.testing.assert_allclose(made(torch.tensor(X).reshape(5, 1, 2, 1)), LOGITS, atol=1e-6)


def test_rows_that_it_cannot_take() -> None:
    with pytest.raises(DataError, match=r"network onnx does not take inputs of shape \(3,\)"):
        Foreign("onnx", graph())(torch.zeros(4, 3))


def test_inputs_and_outputs_are_named_where_that_is_not_clear() -> None:
    assert (ends_of(graph()).input, ends_of(graph()).output) == ("X", "probabilities")
    with pytest.raises(DataError, match=r"has the outputs probabilities; name one: output=NAME"):
        Foreign("onnx(output='logits')", graph())
    with pytest.raises(DataError, match=r"has the inputs X; name one: input=NAME"):
        Foreign("onnx(input='Y')", graph())


def test_each_channel_has_its_own_mean_and_deviation() -> None:
    inputs = Inputs(shape=(2,), dtype="float32", mean=(1.0, -2.0), std=(2.0, 0.5))
    expected = ((X - [1.0, -2.0]) / [2.0, 0.5]) @ WEIGHTS + BIAS
    logits = Network(model=Spec("onnx"), file="network.onnx")
    found = build(logits, (2,), 3, inputs=inputs, content=graph(ends=()))(torch.tensor(X).float())
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    images = Inputs(shape=(2, 2, 1), dtype="uint8", mean=(1.0, -2.0), std=(2.0, 0.5))
    model = Network(model=Spec("tests.adopt.linear:build"))
    made = build(model, (2, 2, 1), 3, inputs=images, weights=network(repeat=2).state_dict())
    pixels = torch.arange(12, dtype=torch.uint8).reshape(3, 2, 2, 1)
    scaled = (pixels.numpy().astype(float)[..., 0] - [[1.0], [-2.0]]) / [[2.0], [0.5]]
    np.testing.assert_allclose(made(pixels).detach(), scaled.mean(axis=2) @ WEIGHTS + BIAS, rtol=1e-5)


@pytest.mark.parametrize(
    ("given", "gives", "width", "expected"),
    [
        ([[0.25, 0.75]], "probs", 2, [[np.log(0.25), np.log(0.75)]]),
        ([[0.25]], "probs", 2, [[np.log(0.75), np.log(0.25)]]),  # the probability of the second class alone
        ([[0.0, 1.0]], "probs", 2, [[LOG_ZERO, 0.0]]),
        ([[-1e-9, 1.0]], "probs", 2, [[LOG_ZERO, 0.0]]),  # rounding
        ([[3.0, -1.0]], "logits", 2, [[3.0, -1.0]]),
        ([[3.0]], "values", 1, [[3.0]]),
        ([[3.0, -1.0]], "gaussian", 2, [[3.0, -1.0]]),
    ],
)
def test_what_a_head_takes(given: Any, gives: Any, width: int, expected: Any) -> None:
    found = as_outputs(torch.tensor(given, dtype=torch.float64), gives, width)
    np.testing.assert_allclose(found, expected)


def test_weights_of_another_network() -> None:
    model = Network(model=Spec("tests.adopt.linear:build"))
    with pytest.raises(DataError, match="the weights do not fit its model"):
        build(model, (2,), 3, weights={"other": torch.zeros(1)})
