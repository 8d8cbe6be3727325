"""Models become members: predictions by hand, teams of several tools, and what is refused."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.adopt.linear import BIAS, LOGITS, WEIGHTS, X_TEST, X, Y, build, graph, network, probs, rows, saved

import lrensemble
from lrensemble.adopt import ADOPTERS, Found, add_all, rows_of
from lrensemble.config import Network
from lrensemble.errors import AdoptError, ExportError, PoolError, PredictionsError
from lrensemble.evaluate import choose
from lrensemble.export import Ensemble, ensemble_of
from lrensemble.pool import Pool
from lrensemble.spec import Spec

pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed: pip install 'lrensemble[onnx]'")
pytest.importorskip("onnx", reason="onnx is not installed: pip install 'lrensemble[onnx]'")


def said(pool: Pool, split: str = "val") -> list[NDArray[np.float64]]:
    return [np.exp(member.predictions(split).dense(3).astype(float)) for member in pool.members()]


def team_of(pool: Pool, trust_code: bool = False) -> Ensemble:
    opened = Pool.open(pool.folder, trust_code=trust_code)
    return ensemble_of(opened, choose(opened, "all", folds=0))


@pytest.mark.parametrize("name", ADOPTERS)
def test_every_adopter_says_what_it_takes(name: str, tmp_path: Path) -> None:
    facts = ADOPTERS.facts(name)
    assert facts.where
    for foreign in (object(), 3, None, {}, [], tmp_path, "", "nothing", str(tmp_path / "x.unknown")):
        assert facts.takes(foreign) is False, foreign


def test_predictions_by_hand(tmp_path: Path) -> None:
    result = lrensemble.adopt(tmp_path / "pool", saved(tmp_path / "my net.onnx"), data=rows())
    (member,) = result.pool.members()
    assert (member.name, member.recipe, member.facts) == ("my net", None, {"file": "my net.onnx"})
    np.testing.assert_allclose(said(result.pool)[0], probs(), rtol=1e-5)
    np.testing.assert_allclose(said(result.pool, "test")[0], probs(LOGITS[[4, 0, 1]]), rtol=1e-5)
    assert result[0].scores["accuracy"] == 1.0
    assert result[0].scores["nll"] == pytest.approx(-np.log(probs()[range(5), Y]).mean(), rel=1e-5)


@pytest.mark.parametrize(("gives", "ends"), [("probs", ("Softmax",)), ("logits", ()), ("log_probs", ("LogSoftmax",))])
def test_whatever_it_gives(tmp_path: Path, gives: Any, ends: tuple[str, ...]) -> None:
    model = saved(tmp_path / "x.onnx", ends=ends)
    pool = lrensemble.adopt(tmp_path / "pool", model, data=rows(), gives=gives).pool
    np.testing.assert_allclose(said(pool)[0], probs(), rtol=1e-5)


def test_two_classes_in_one_column(tmp_path: Path) -> None:
    model = saved(tmp_path / "x.onnx", ends=("Sigmoid",), columns=slice(1, 2))
    labels = np.array([0, 1, 1, 0, 0])
    pool = lrensemble.adopt(tmp_path / "pool", model, data={"x": X, "y": labels}).pool
    second = 1 / (1 + np.exp(-LOGITS[:, 1]))
    found = np.exp(pool.members()[0].predictions("val").dense(2).astype(float))
    np.testing.assert_allclose(found, np.stack([1 - second, second], axis=1), rtol=1e-5)
    np.testing.assert_allclose(team_of(pool).predict_proba(X), found, rtol=1e-5)


def test_values(tmp_path: Path) -> None:
    truth = LOGITS[:, :1] + 0.25
    model = saved(tmp_path / "x.onnx", ends=(), columns=slice(0, 1))
    result = lrensemble.adopt(tmp_path / "pool", model, data={"x": X, "y": truth})
    np.testing.assert_allclose(result.pool.members()[0].predictions("val").main, LOGITS[:, :1], atol=1e-6)
    assert result[0].scores["rmse"] == pytest.approx(0.25, rel=1e-5)
    np.testing.assert_allclose(team_of(result.pool).predict(X), LOGITS[:, :1], atol=1e-6)


def test_distributions(tmp_path: Path) -> None:
    """A mean, and the logarithm of a variance, which a head bounds smoothly."""
    data = rows_of(tmp_path / "pool", {"x_val": X, "y_val": LOGITS[:, 0] + 0.25})
    content = graph(ends=(), columns=slice(0, 2))
    how = Network(model=Spec("onnx"), file="network.onnx", gives="gaussian")
    add_all(data, [Found("unsure", how, content=content, form="gaussian")])
    ensemble = team_of(data.pool)
    np.testing.assert_allclose(ensemble.predict(X)[:, 0], LOGITS[:, 0], atol=1e-6)
    np.testing.assert_allclose(ensemble.predict_std(X)[1, 0], np.exp(1.0 / 2), rtol=0.02)


def test_numbers_of_float64_stay(tmp_path: Path) -> None:
    """Rows that differ by less than float32 can hold are not the same to a graph that takes float64."""
    x = np.array([[1e8, 1e8], [1e8 + 1, 1e8], [1e8 + 2, 1e8]])
    model = saved(tmp_path / "x.onnx", ends=(), kind="float64", columns=slice(0, 1))
    pool = lrensemble.adopt(tmp_path / "pool", model, data={"x": x, "y": x[:, :1] + 0.5}).pool
    np.testing.assert_array_equal(pool.members()[0].predictions("val").main, x[:, :1])
    np.testing.assert_array_equal(team_of(pool).predict(x), x[:, :1])


def test_each_channel_is_normalised(tmp_path: Path) -> None:
    model = saved(tmp_path / "x.onnx", ends=())
    mean, std = [1.0, -2.0], [2.0, 0.5]
    pool = lrensemble.adopt(tmp_path / "pool", model, data=rows(), gives="logits", mean=mean, std=std).pool
    np.testing.assert_allclose(said(pool)[0], probs(((X - mean) / std) @ WEIGHTS + BIAS), rtol=1e-4)


def test_a_team_of_several_tools_is_one_ensemble(tmp_path: Path) -> None:
    """Torch on scaled inputs, a graph on raw ones: each normalises in its own way, in the bundle too."""
    folder = tmp_path / "a pool"
    lrensemble.adopt(folder, saved(tmp_path / "x.onnx", scale=0.5), data=rows())
    result = lrensemble.adopt(folder, network(), name="net", builder=build, data=rows(), std=2, facts={"rate": 0.1})
    assert result[0].difference == 0, "the module itself is at hand to compare with"
    pool = result.pool
    expected = [probs(0.5 * LOGITS), probs((X / 2) @ WEIGHTS + BIAS)]
    np.testing.assert_allclose(said(pool), expected, rtol=1e-5)
    ensemble = team_of(pool, trust_code=True)
    np.testing.assert_allclose(ensemble.predict_proba(X), np.mean(expected, axis=0), rtol=1e-5)
    ensemble.save(tmp_path / "bundle")
    again = Ensemble.load(tmp_path / "bundle", trust_code=True)
    np.testing.assert_array_equal(again.predict_proba(X_TEST), ensemble.predict_proba(X_TEST))


def test_beside_members_that_were_trained_here(tmp_path: Path) -> None:
    experiment = {"data": "digits", "model": "mlp(width=4)", "policy": ["constant(peak=0.1)"]}
    pool = lrensemble.tune(experiment, tmp_path / "pool", epochs=5)
    own = pool.members()[0]
    lrensemble.adopt(tmp_path / "pool", own.weights_file(), builder="mlp(width=4)", name="from elsewhere")
    first, second = pool.members()
    assert (first.id, second.name, second.inputs) == (own.id, "from elsewhere", own.inputs)
    np.testing.assert_allclose(second.predictions("val").main, first.predictions("val").main, rtol=1e-5, atol=1e-5)
    ensemble = team_of(pool, trust_code=True)
    assert len(ensemble.members) == 2
    assert ensemble.description.inputs == own.inputs, "they share the normalisation of the data set"


def test_adopted_twice_is_one_member(tmp_path: Path) -> None:
    model = saved(tmp_path / "x.onnx")
    first = lrensemble.adopt(tmp_path / "pool", model, data=rows())
    again = lrensemble.adopt(tmp_path / "pool", model, data=rows())
    assert [first[0].new, again[0].new] == [True, False]
    assert (len(first.pool), first[0].id) == (1, again[0].id)
    assert repr(again) == f"<AdoptResult: 0 members adopted into {tmp_path / 'pool'}, 1 were there already>"
    other = lrensemble.adopt(tmp_path / "pool", model, data=rows(), std=3)
    assert other[0].new, "the same graph on other inputs is another member"


def test_forty_members_in_order(tmp_path: Path) -> None:
    for place in range(40):
        saved(tmp_path / "runs" / f"{place:02d}" / "net.onnx", scale=1 + place / 10)
    pool = lrensemble.adopt(tmp_path / "pool", tmp_path / "runs" / "*" / "net.onnx", data=rows()).pool
    assert [member.name for member in pool] == [f"{place:02d}" for place in range(40)]
    assert [member.order for member in pool] == list(range(40))
    np.testing.assert_allclose(said(pool)[39], probs(4.9 * LOGITS), rtol=1e-4, atol=1e-7)


def test_one_row(tmp_path: Path) -> None:
    data = {"x_val": X[:1], "y_val": Y[:1], "classes": np.array(["a", "b", "c"])}
    pool = lrensemble.adopt(tmp_path / "pool", saved(tmp_path / "x.onnx"), data=data).pool
    np.testing.assert_allclose(said(pool)[0], probs()[:1], rtol=1e-5)


def found(own: Any = None, **changes: Any) -> Found:
    how = Network(model=Spec("onnx"), file="network.onnx", gives="probs")
    return Found(**{"name": "m", "network": how, "content": graph(), "own": own, **changes})


def test_a_difference_from_its_tool_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    data = rows_of(tmp_path / "pool", rows())
    assert add_all(data, [found(own=lambda raw: probs(raw @ WEIGHTS + BIAS))])[0].difference == pytest.approx(
        0, abs=1e-6
    )
    assert not caplog.records
    with caplog.at_level(logging.WARNING):
        moved = add_all(data, [found(name="n", own=lambda raw: probs(raw / 2 @ WEIGHTS + BIAS))])[0]
    expected = np.abs(probs(X / 2 @ WEIGHTS + BIAS) - probs()).max()
    assert moved.difference == pytest.approx(expected, rel=1e-4)
    assert "n gives other predictions here than in its own tool" in caplog.text


def test_what_the_tool_logged_is_compared(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    data = rows_of(tmp_path / "pool", rows())
    with caplog.at_level(logging.WARNING):
        (member,) = add_all(data, [found(logged={"val_acc": 0.6, "lr": 0.1})])
    assert member.logged == {"val_acc": (0.6, 1.0)}
    assert "m: its tool logged val_acc 0.6, and on the pool's val rows it has 1" in caplog.text


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"classes": ["2", "1", "0"]}, AdoptError, r"m gives the classes 2, 1, 0, and the pool has 0, 1, 2"),
        ({"content": graph(columns=slice(0, 2))}, AdoptError, r"m gives \(5, 2\) for 5 rows; .* needs \(5, 3\)"),
        (
            {"content": graph(ends=())},
            AdoptError,
            r"m gives no probabilities \(1, -1, .* gives='logits' or 'log_probs'",
        ),
        ({"content": graph(scale=float("nan"))}, AdoptError, r"m gives no probabilities \(nan"),
        ({"content": b"none"}, AdoptError, r"m: this is no ONNX graph that ONNX Runtime can run"),
    ],
)
def test_nothing_is_added_unless_every_model_can_be(
    tmp_path: Path, changes: dict[str, Any], error: type[Exception], message: str
) -> None:
    data = rows_of(tmp_path / "pool", rows())
    with pytest.raises(error, match=message):
        add_all(data, [found(), found(**changes)])
    assert len(data.pool) == 0
    assert list((data.pool.folder / "unfinished").glob("*")) == []


@pytest.mark.parametrize(
    ("given", "options", "message"),
    [
        ("nothing.xyz", {}, r"nothing\.xyz is of no tool that is known; say which: kind='…', one of .*onnx"),
        (object(), {}, r"object is of no tool that is known"),
        ("none.onnx", {}, r"none\.onnx is no file"),
        ("none-*.onnx", {}, r"no file or folder is none-\*\.onnx"),
        ("onnx:none.onnx", {"key": 3}, r"adopter 'onnx' has no option 'key'; it has input, output"),
    ],
)
def test_what_cannot_be_adopted(tmp_path: Path, given: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(AdoptError, match=message):
        lrensemble.adopt(tmp_path / "pool", given, data=rows(), **options)


def test_images_and_features_are_of_two_pools(tmp_path: Path) -> None:
    lrensemble.adopt(tmp_path / "pool", saved(tmp_path / "x.onnx"), data=rows())
    images = {name: each.reshape(-1, 1, 2, 1) if name.startswith("x") else each for name, each in rows().items()}
    lrensemble.adopt(tmp_path / "pool", network(), builder=build, data=images)
    pool = Pool.open(tmp_path / "pool", trust_code=True)
    np.testing.assert_allclose(said(pool)[0], said(pool)[1], rtol=1e-5)
    with pytest.raises(ExportError, match=r"take inputs of \(2,\) and \(1, 2, 1\); export teams of one data set"):
        team_of(pool, trust_code=True)


def test_another_truth_is_another_pool(tmp_path: Path) -> None:
    lrensemble.adopt(tmp_path / "pool", saved(tmp_path / "x.onnx"), data=rows())
    with pytest.raises(PoolError, match="another truth"):
        lrensemble.adopt(tmp_path / "pool", saved(tmp_path / "y.onnx", scale=2), data=rows(y_val=Y[::-1]))
    assert len(Pool.open(tmp_path / "pool")) == 1


def test_log_probabilities_that_are_none_add_nothing(tmp_path: Path) -> None:
    data = rows_of(tmp_path / "pool", rows())
    bad = found(
        content=graph(scale=float("nan")), network=Network(model=Spec("onnx"), file="network.onnx", gives="logits")
    )
    with pytest.raises(PredictionsError, match=r"m: val predictions.* NaN"):
        add_all(data, [found(), bad])
    assert len(data.pool) == 0


def test_probabilities_that_do_not_sum_to_one_are_divided_by_their_sum(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data = rows_of(tmp_path / "pool", rows())
    add_all(data, [found(content=graph(ends=("Sigmoid",)))])
    own = 1 / (1 + np.exp(-LOGITS))
    said = data.pool.members()[0].predictions("val").dense(3)
    np.testing.assert_allclose(np.exp(said), own / own.sum(axis=1, keepdims=True), rtol=1e-5)
    (told,) = [message for message in caplog.messages if "sum to" in message]
    sums = own.sum(axis=1)
    assert f"m: its probabilities sum to {sums.min():.3g} to {sums.max():.3g} and not to one" in told
