"""Columns of bounds, quantiles and deviations are no models; numbers in a way that is not read are named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lrensemble
from lrensemble.errors import PredictionsError
from lrensemble.pool.collect.reading.spreads import spreads_among

pandas = pytest.importorskip("pandas")

N = 40
RNG = np.random.default_rng(0)
TRUTH = RNG.normal(size=N) * 3 + 10
POINT, OTHER = (TRUTH + RNG.normal(size=N) * noise for noise in (0.5, 0.8))


def collected(folder: Path, **columns: Any) -> tuple[dict[str, float], str]:
    """Root mean squared error of each member, and how the table was read."""
    pandas.DataFrame({"id": np.arange(N), "target": TRUTH, **columns}).to_csv(folder / "table.csv", index=False)
    result = lrensemble.collect(folder / "table.csv", folder / "pool")
    return {each.name: each.scores["val"]["rmse"] for each in result.pool.members()}, " ".join(result.reading)


def error(predicted: Any) -> Any:
    return pytest.approx(float(np.sqrt(((predicted - TRUTH) ** 2).mean())))


@pytest.mark.parametrize(
    "beside",
    [
        {"lower": POINT - 1, "upper": POINT + 1},
        {"mean-lo-90": POINT - 1, "mean-hi-90": POINT + 1},
        {"std": np.abs(OTHER - POINT) + 0.1},
        {"q0.1": POINT - 1, "q0.9": POINT + 2},
        {"p10": POINT - 1, "p50": POINT - 0.25, "p90": POINT + 2},
    ],
    ids=lambda beside: ", ".join(beside),
)
def test_what_stands_beside_a_prediction_is_left_out(beside: dict[str, Any], tmp_path: Path) -> None:
    members, reading = collected(tmp_path, mean=POINT, **beside)
    assert members == {"table": error(POINT)}
    assert f"left out {', '.join(beside)}: bounds, quantiles or deviations of predictions" in reading


def test_of_quantiles_the_median_is_a_prediction(tmp_path: Path) -> None:
    quantiles = {"q0.1": POINT - 1, "q0.5": POINT, "q0.9": POINT + 1}
    assert collected(tmp_path, **quantiles)[0] == {"table": error(POINT)}


def test_bounds_alone_are_asked_about(tmp_path: Path) -> None:
    with pytest.raises(PredictionsError, match=r"lower, upper look like bounds.*; name those to take with --columns"):
        collected(tmp_path, lower=POINT - 1, upper=POINT + 1)


def test_models_that_are_called_so_are_models(tmp_path: Path) -> None:
    members, _ = collected(tmp_path, rate_low=POINT, rate_high=OTHER, p10=OTHER, p20=POINT, ridge_std=np.abs(OTHER))
    assert members == {
        "ridge_std": error(np.abs(OTHER)),
        "rate_low": error(POINT),
        "rate_high": error(OTHER),
        "p10": error(OTHER),
        "p20": error(POINT),
    }


@pytest.mark.parametrize(
    "names",
    [
        "VAR ARIMA",
        "sigma_net plain",
        "lower_lr upper_lr",
        "mlp_min mlp_max",
        "lr-low lr-high base",
        "p10 p20",
        "p5 p10 p20",
    ],
)
def test_models_that_are_called_so_and_are_in_that_order_are_models(names: str, tmp_path: Path) -> None:
    """One is a little higher in every row, and neither says how sure the other is."""
    models = {name: POINT + 0.01 * place for place, name in enumerate(names.split())}
    assert (POINT > 0).all()
    assert collected(tmp_path, **models)[0] == {name: error(each) for name, each in models.items()}


def test_deviations_near_to_a_truth_of_the_same_size_are_none() -> None:
    mean = np.tile([0.2, 0.2, 4, 4], N // 4)
    truth = mean * (1 + 0.4 * np.tile([-1, 1], N // 2))
    deviation = mean * 0.4
    assert ((deviation - truth) ** 2).mean() < truth.var(), "it is nearer to the truth than the mean"
    assert spreads_among({"net": mean, "net_std": deviation}, truth) == (["net_std"], [])
    assert spreads_among({"net_mean": mean, "net_std": mean}, truth) == (["net_std"], [])
    assert spreads_among({"net": mean, "other_std": deviation}, truth) == ([], [])


def test_bounds_that_are_too_narrow_are_bounds_around_a_prediction() -> None:
    place = np.arange(10)
    truth, point = np.where(place < 8, 5.0, 0.0), np.zeros(10)
    narrow = {"lower": point - 0.1, "upper": point + 0.1}
    assert spreads_among({"pred": point, **narrow}, truth) == (["lower", "upper"], [])
    assert spreads_among({"pred": point + 3, **narrow}, truth) == ([], [])
    tails = {"q95": np.full(10, 8.5), "q99": np.full(10, 8.9)}
    assert spreads_among(tails, place.astype(float)) == (["q95", "q99"], [])


def test_by_hand() -> None:
    one, two = np.array([1.0, 2.0]), np.array([1.0, 3.0])
    assert spreads_among({"lo": one, "hi": two, "a_lo": two, "a_hi": one}) == (["lo", "hi"], [])
    assert spreads_among({"sd": one, "b_std": -one}) == (["sd"], [])
    assert spreads_among({"sd": one}, np.array([1.0, 5.0])) == (["sd"], []), (
        "4.5 is more than the truth's variance of 4"
    )
    assert spreads_among({"sd": one}, np.array([1.0, 2.4])) == ([], []), "0.08 is less than 0.49"
    assert spreads_among({"q25": one, "q50": two, "q75": two, "m_q0.5": one}) == (["q25", "q75"], ["q50"])
    assert spreads_among({"q25": two, "q50": one}) == ([], [])


@pytest.mark.parametrize("cell", ["11.036,75", "11,036.75", "11 036", "1.1D+01", "11.04%", "$11.04", "?", "missing"])
def test_a_number_that_is_not_read_is_named(cell: str, tmp_path: Path) -> None:
    for name, place in (("pred", 1), ("target", 0)):
        columns = [[str(each) for each in TRUTH], [str(each) for each in POINT]]
        columns[place][3] = cell
        lines = [f"{row};{one};{other}" for row, (one, other) in enumerate(zip(*columns, strict=True))]
        (tmp_path / "t.csv").write_text("\n".join(["id;target;pred", *lines]))
        with pytest.raises(PredictionsError) as caught:
            lrensemble.collect(tmp_path / "t.csv", tmp_path / "pool")
        assert f"t.csv: {name} holds {cell!r} in row 3, which is read as no number; write it as 11036.75" in str(
            caught.value
        )


VALUES = RNG.normal(size=(N, 2))
SAID = VALUES + RNG.normal(size=(N, 2)) * 0.3


@pytest.mark.parametrize(
    ("truth", "predicted", "order", "outputs"),
    [
        (("lat", "lon"), ("pred_lat", "pred_lon"), [0, 1], ("lat", "lon")),
        (("true_lat", "true_lon"), ("lon_pred", "lat_pred"), [1, 0], ("lon", "lat")),
        (("y_0", "y_1"), ("y_pred_0", "y_pred_1"), [0, 1], ("y0", "y1")),
        (("actual_a", "actual_b"), ("predicted_a", "predicted_b"), [0, 1], ("a", "b")),
    ],
)
def test_several_values_a_row(
    truth: tuple[str, ...], predicted: tuple[str, ...], order: list[int], outputs: tuple[str, ...], tmp_path: Path
) -> None:
    columns = dict(zip(truth, VALUES.T, strict=True)) | dict(zip(predicted, SAID.T[order], strict=True))
    pandas.DataFrame({"id": np.arange(N), "age": TRUTH, **columns}).to_csv(tmp_path / "t.csv", index=False)
    result = lrensemble.collect(tmp_path / "t.csv", tmp_path / "pool")
    assert len(result.pool) == 1
    np.testing.assert_allclose(result.pool.truth("val"), VALUES[:, order])
    np.testing.assert_allclose(result.pool.members()[0].predictions("val").main, SAID[:, order], rtol=1e-6)
    assert " as values of 2 outputs, " in result.reading[0]
    assert result.pool.task.target.names == outputs


def test_truth_of_several_labels_a_row_is_no_regression(tmp_path: Path) -> None:
    labels = RNG.integers(2, size=(N, 3))
    said = np.where(labels, 0.8, 0.3) + RNG.random((N, 3)) * 0.1
    np.savez(tmp_path / "several.npz", y_pred=said, y_true=labels)
    with pytest.raises(
        PredictionsError, match=r"labels \[40, 3\] are zeros and ones, several or none in a row: multi-"
    ):
        lrensemble.collect(tmp_path / "several.npz", tmp_path / "pool")
    pool = lrensemble.collect(tmp_path / "several.npz", tmp_path / "pool", kind="values").pool
    assert pool.task.target.kind == "values"
