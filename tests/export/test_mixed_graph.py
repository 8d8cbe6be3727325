"""A team of several tools as one ONNX graph: what ONNX Runtime computes is what the ensemble says."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.adopt.linear import BIAS, LOGITS, WEIGHTS, X, Y, build, graph, network, probs, rows, saved

import lrensemble
from lrensemble.adopt import Found, add_all, rows_of
from lrensemble.config import Network
from lrensemble.errors import ExportError
from lrensemble.evaluate import choose, save
from lrensemble.export import FORMATS, VARIANTS, Ensemble, ensemble_of
from lrensemble.networks import Runs
from lrensemble.pool import Pool
from lrensemble.spec import Spec

ort = pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed: pip install 'lrensemble[onnx]'")
pytest.importorskip("onnxscript", reason="onnxscript is not installed: pip install 'lrensemble[onnx]'")


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Pool:
    """Graphs of two opsets and types, and a network of torch, each with inputs of its own."""
    folder = tmp_path_factory.mktemp("mixed")
    first = saved(folder / "first.onnx", scale=0.5, opset=9)
    second = saved(folder / "second.onnx", ends=(), kind="float64", opset=19, names=("rows", "logits"))
    lrensemble.adopt(folder / "pool", first, data=rows())
    lrensemble.adopt(folder / "pool", second, data=rows(), gives="logits", mean=[1, -1])
    lrensemble.adopt(folder / "pool", network(), name="torch", builder=build, data=rows(), std=2)
    return Pool.open(folder / "pool", trust_code=True)


EXPECTED = np.mean([probs(0.5 * LOGITS), probs((X - [1, -1]) @ WEIGHTS + BIAS), probs(X / 2 @ WEIGHTS + BIAS)], axis=0)


def team_of(pool: Pool) -> Ensemble:
    return ensemble_of(pool, choose(pool, "all", folds=0))


def run(path: Path, inputs: NDArray[Any]) -> list[NDArray[Any]]:
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (entry,) = session.get_inputs()
    kind = {"tensor(double)": np.float64, "tensor(float)": np.float32, "tensor(uint8)": np.uint8}[entry.type]
    found: list[NDArray[Any]] = session.run(None, {"inputs": inputs.astype(kind)})
    return found


def test_one_graph_says_what_was_worked_out_by_hand(pool: Pool, tmp_path: Path) -> None:
    FORMATS.call("onnx", team_of(pool), tmp_path / "team.onnx")
    found, label = run(tmp_path / "team.onnx", X)
    np.testing.assert_allclose(found, EXPECTED, rtol=1e-5)
    np.testing.assert_array_equal(label, EXPECTED.argmax(axis=1))
    np.testing.assert_allclose(run(tmp_path / "team.onnx", X[:1])[0], EXPECTED[:1], rtol=1e-5)


def test_a_graph_with_branches_and_zeros(tmp_path: Path) -> None:
    """Names in branches belong to the graph too; a probability of zero keeps its logarithm."""
    from onnx import helper, load_model_from_string, numpy_helper

    model = load_model_from_string(graph(ends=("Relu",), names=("X", "relu")))
    inner = [helper.make_node("ReduceMax", ["relu"], ["most"], axes=[1], keepdims=1)]
    inner += [helper.make_node("Equal", ["relu", "most"], ["equal"]), helper.make_node("Cast", ["equal"], ["b"], to=1)]
    branch = helper.make_graph(inner, "branch", [], [helper.make_tensor_value_info("b", 1, ["rows", 3])])
    model.graph.initializer.append(numpy_helper.from_array(np.array(True), "always"))
    model.graph.node.append(helper.make_node("If", ["always"], ["certain"], then_branch=branch, else_branch=branch))
    del model.graph.output[:]
    model.graph.output.append(helper.make_tensor_value_info("certain", 1, ["rows", 3]))
    data = rows_of(tmp_path / "pool", rows(x_val=X[:4], y_val=Y[:4]))
    how = Network(model=Spec("onnx"), file="network.onnx", gives="probs")
    add_all(data, [Found("certain", how, content=model.SerializeToString()), Found("soft", how, content=graph())])
    ensemble = team_of(data.pool)
    changes = {"consensus": Spec("logarithmic_pool", {"exponents": (0.02, 1.0)})}
    other = Ensemble(list(ensemble.members), ensemble.description.model_copy(update=changes))
    FORMATS.call("onnx", other, tmp_path / "team.onnx")
    np.testing.assert_allclose(run(tmp_path / "team.onnx", X[:4])[0], other.predict_proba(X[:4]), atol=1e-6)


def test_values_and_deviations(tmp_path: Path) -> None:
    data = rows_of(tmp_path / "pool", {"x_val": X.astype(np.float32), "y_val": LOGITS[:, 0] + 0.25})
    how = Network(model=Spec("onnx"), file="network.onnx", gives="gaussian")
    made = [
        Found(f"m{scale}", how, content=graph(ends=(), columns=slice(0, 2), scale=scale), form="gaussian")
        for scale in (1.0, 0.5)
    ]
    add_all(data, made)
    ensemble = team_of(data.pool)
    FORMATS.call("onnx", ensemble, tmp_path / "team.onnx")
    values, deviations = run(tmp_path / "team.onnx", X)
    np.testing.assert_allclose(values[:, 0], 0.75 * LOGITS[:, 0], atol=1e-6)
    np.testing.assert_allclose(deviations, ensemble.predict_std(X), rtol=1e-5)


def test_members_of_images_that_take_features(tmp_path: Path) -> None:
    images = np.arange(40, dtype=np.uint8).reshape(20, 1, 2, 1)
    data = {"x_val": images, "y_val": np.arange(20) % 3}
    lrensemble.adopt(tmp_path / "pool", saved(tmp_path / "x.onnx", scale=0.01), data=data)
    lrensemble.adopt(tmp_path / "pool", saved(tmp_path / "y.onnx", scale=0.03), data=data, mean=20.0, std=5.0)
    ensemble = team_of(Pool.open(tmp_path / "pool"))
    FORMATS.call("onnx", ensemble, tmp_path / "team.onnx")
    flat = images.reshape(20, 2)
    expected = [probs(0.01 * (flat @ WEIGHTS + BIAS)), probs(0.03 * ((flat - 20.0) / 5.0 @ WEIGHTS + BIAS))]
    np.testing.assert_allclose(run(tmp_path / "team.onnx", images)[0], np.mean(expected, axis=0), rtol=1e-5)


def without_graph(content: bytes) -> Runs:  # noqa: ARG001
    """A network that has no counterpart in ONNX."""
    return lambda given: probs(given @ WEIGHTS + BIAS)


vars(without_graph)["suffix"] = ".none"  # its facts are its attributes where it is named by its path
KIND = "tests.export.test_mixed_graph:without_graph"


@pytest.fixture(scope="module")
def opaque(tmp_path_factory: pytest.TempPathFactory) -> Pool:
    data = rows_of(tmp_path_factory.mktemp("opaque") / "pool", rows())
    how = Network(model=Spec(KIND), file="network.none", gives="probs")
    add_all(data, [Found("trees", how, content=b"1"), Found("more trees", how, content=b"2")])
    save(data.pool, choose(data.pool, "all", folds=0))
    return Pool.open(data.pool.folder, trust_code=True)


def test_a_member_without_a_counterpart_is_named(opaque: Pool, tmp_path: Path) -> None:
    ensemble = team_of(opaque)
    with pytest.raises(ExportError, match=r"\(trees\) is a network of .*:without_graph, .* no counterpart"):
        FORMATS.call("onnx", ensemble, tmp_path / "team.onnx")
    with pytest.raises(ExportError, match=r"\(trees\) is a network of .*:without_graph, which torch cannot run"):
        FORMATS.call("torch", ensemble, tmp_path / "team.pt2")
    assert list(tmp_path.iterdir()) == []
    FORMATS.call("bundle", ensemble, tmp_path / "bundle")
    np.testing.assert_allclose(Ensemble.load(tmp_path / "bundle", trust_code=True).predict_proba(X), probs(), rtol=1e-5)


def test_a_cascade_of_other_tools_stops_where_it_is_sure(opaque: Pool, tmp_path: Path) -> None:
    made = VARIANTS.call("cascade(cost=0.9)", team_of(opaque), opaque, None).ensemble
    made.save(tmp_path / "cascade")
    again = Ensemble.load(tmp_path / "cascade", trust_code=True)
    np.testing.assert_allclose(again.predict_proba(X), probs(), rtol=1e-5)
    assert again.description.stages is not None


@pytest.mark.parametrize("variant", ["uniform-soup", "greedy-soup"])
def test_no_soup_of_other_tools(opaque: Pool, variant: str) -> None:
    with pytest.raises(ExportError, match=r"a soup averages weights of networks that were trained here, and member .*"):
        VARIANTS.call(variant, team_of(opaque), opaque, None)


def test_a_student_of_several_tools_takes_raw_inputs(tmp_path: Path) -> None:
    experiment = {"data": "digits", "model": "mlp(width=8)", "policy": ["constant(peak=0.1)"]}
    pool = lrensemble.tune(experiment, tmp_path / "pool", epochs=5)
    member = pool.members()[0]
    lrensemble.adopt(pool, member.weights_file(), builder="mlp(width=8)", name="other", mean=0.0, std=16.0)
    ensemble = team_of(pool)
    assert ensemble.description.parts[0].inputs is not None, "each normalises in its own way"
    made = VARIANTS.call("student", ensemble, pool, None)
    val = made.figures["val"]
    assert isinstance(val, dict)
    data = rows_of(tmp_path / "pool", None)
    right = made.ensemble.predict(data.raw["val"]) == pool.truth("val")
    assert right.mean() == pytest.approx(val["accuracy"])
