"""Inputs far outside of what an ensemble was trained on are told, or refused."""

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tests.cli.command import Command
from tests.export.conftest import SHAPE

import lrensemble
from lrensemble.config import Inputs, Seen, to_record
from lrensemble.data.seen import seen_of
from lrensemble.errors import DataError
from lrensemble.export import Ensemble
from lrensemble.export.outside import outside
from lrensemble.pool import Pool

Images = tuple[NDArray[np.uint8], NDArray[np.int64]]


def table_inputs(rows: NDArray[np.float32]) -> Inputs:
    mean, std = rows.mean(axis=0), rows.std(axis=0)
    seen = seen_of(rows, np.arange(len(rows)), mean, np.where(std > 0, std, 1))
    ones = (1.0,) * rows.shape[1]
    return Inputs(shape=rows.shape[1:], dtype="float32", mean=ones, std=ones, seen=seen)


def test_pool_keeps_what_the_training_rows_were(pool: Pool, images: Images) -> None:
    inputs = pool.members()[0].inputs
    assert inputs is not None
    assert inputs.seen is not None
    assert inputs.seen.contrast is not None
    low, high = (
        images[0].min(axis=(0, 2, 3)),
        images[0].max(axis=(0, 2, 3)),
    )  # of all rows; the training rows lie within
    assert all(low <= np.array(inputs.seen.low))
    assert all(np.array(inputs.seen.high) <= high)
    assert max(inputs.seen.high) > 200
    assert inputs.seen.mean == inputs.mean


def test_statistics_by_hand() -> None:
    rows = np.array([[[0, 2]], [[5, 5]], [[1, 9]], [[200, 0]]], dtype=np.uint8)[..., None]  # [4, 1, 2, 1]
    used = np.array([0, 1, 2])
    seen = seen_of(rows, used, np.array([22 / 6]), np.array([2.0]))
    assert (seen.low, seen.high) == ((0.0,), (9.0,))
    assert seen.contrast is not None  # of rows 0 and 2, whose deviations are 1 and 4
    np.testing.assert_allclose(seen.contrast, (1 + 0.01 * 3, 1 + 0.99 * 3))
    constant = seen_of(np.full((3, 2), 7.0), np.arange(3), np.array([7.0, 7.0]), np.ones(2))
    assert (constant.std, constant.contrast) == ((0.0, 0.0), None)


def test_its_own_inputs_are_not_outside(ensemble: Ensemble, images: Images, caplog: pytest.LogCaptureFixture) -> None:
    for given in (images[0], images[0].astype(np.float32), images[0].astype(np.int64), np.zeros((2, *SHAPE))):
        ensemble.predict(given, strict=True)
    assert not caplog.records


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        (lambda raw: raw / 255, "multiply them by 255"),
        (lambda raw: (raw - 120) / 70, "normalised? the ensemble does that itself"),
        (lambda raw: raw.astype(np.uint16) * 257, "where training had 0 to 255"),
        (lambda raw: np.where(raw > 250, np.nan, raw), "some values are not finite"),
    ],
    ids=["unit", "normalised", "16-bit", "nan"],
)
def test_other_scales_are_told_and_refused(
    ensemble: Ensemble, images: Images, change: object, hint: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert callable(change)
    given = change(images[0].astype(np.float32)) if hint != "where training had 0 to 255" else change(images[0])
    ensemble.predict(given)
    (record,) = [each for each in caplog.records if each.levelno == logging.WARNING]
    assert "far outside of what was trained on" in record.getMessage()
    assert hint in record.getMessage()
    for ask in (ensemble.predict, ensemble.predict_proba, ensemble.predict_dense):
        with pytest.raises(DataError, match="leave strict away"):
            ask(given, strict=True)


def test_one_row_of_many_is_found(ensemble: Ensemble, images: Images) -> None:
    given = torch.from_numpy(images[0]).float()
    given[77] /= 255
    assert np.flatnonzero(ensemble.outside(given).rows).tolist() == [77]


def test_older_pools_know_at_least_bytes(ensemble: Ensemble, images: Images) -> None:
    inputs = ensemble.description.inputs.alone
    assert inputs.seen is None
    assert outside(inputs, torch.from_numpy(images[0] / 255)).rows.all()
    assert not outside(inputs, torch.from_numpy(images[0])).rows.any()
    numbers = Inputs(shape=(3,), dtype="float32", mean=(0.0,) * 3, std=(1.0,) * 3)
    assert not outside(numbers, torch.full((2, 3), 1e9)).rows.any()


def test_bundle_keeps_the_range(bundle: Path, ensemble: Ensemble) -> None:
    content = json.loads((bundle / "config.json").read_text())["ensemble"]["inputs"]
    assert set(content["seen"]) == {"low", "high", "mean", "std", "contrast"}
    assert Ensemble.load(bundle).description.inputs == ensemble.description.inputs
    assert to_record(Inputs, {**content, "seen": None}, "an older file").seen is None
    with pytest.raises(lrensemble.errors.ConfigError, match="statistics of the inputs are not of 2 channels"):
        to_record(Inputs, {**content, "seen": {**content["seen"], "low": [0.0]}}, "config.json")


def test_features_in_other_units() -> None:
    rows = np.random.default_rng(0).normal((50, 1, 7), (10, 0.1, 0), size=(500, 3)).astype(np.float32)
    inputs = table_inputs(rows)
    assert not outside(inputs, torch.from_numpy(rows)).rows.any()
    wrong = torch.from_numpy(rows[:5].copy())
    wrong[3, 1] *= 1000
    found = outside(inputs, wrong)
    assert np.flatnonzero(found.rows).tolist() == [3]
    assert "feature 1 is" in str(found)
    moved = torch.from_numpy(rows[:9].copy())
    moved[:, 2] = 9  # a feature that never varied is divided by 1
    assert outside(inputs, moved).rows.all()


def test_features_that_hardly_vary() -> None:
    rows = np.random.default_rng(0).uniform(0, 1000, size=(500, 4)).astype(np.float32)
    inputs = table_inputs(rows)
    assert "in other units" in str(outside(inputs, torch.from_numpy(rows[:20] / 1000)))
    assert not outside(inputs, torch.from_numpy(rows[:7] / 1000)).rows.any()
    assert not outside(inputs, torch.from_numpy(rows[:1]).expand(20, -1)).rows.any()


def test_images_that_hardly_differ_within_are_told_as_such() -> None:
    seen = Seen(low=(0.0,), high=(255.0,), mean=(127.0,), std=(70.0,), contrast=(40.0, 90.0))
    inputs = Inputs(shape=(1, 2, 2), dtype="uint8", mean=(127.0,), std=(70.0,), seen=seen)
    rows = torch.tensor([[[[0, 255], [255, 0]]], [[[100, 102], [104, 106]]]], dtype=torch.uint8)
    found = outside(inputs, rows)
    assert found.rows.tolist() == [False, True]  # the squares of -3, -1, 1, 3 have the mean 5
    assert found.reason == "the values of an image have a standard deviation of 2.24 where training had 40 to 90"


WRONG = (1.0, 1 / 255, 0.0, 4.0, np.inf, np.nan, 3e38)


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("kind", [np.uint8, np.float32, np.float64, np.int16, np.complex64])
def test_arrays_of_numpy_are_judged_as_tensors_are(kind: type[Any], wrong: float) -> None:
    ones = (1.0,) * 3
    about = {"low": (5.0,) * 3, "high": (250.0,) * 3, "mean": (120.0,) * 3, "std": (60.0,) * 3}
    for shape, seen in (((3, 4, 5), about | {"contrast": (40.0, 90.0)}), ((3,), about)):
        inputs = Inputs(shape=shape, dtype="float64", mean=ones, std=ones, seen=Seen(**seen))
        rows = np.random.default_rng(1).uniform(5, 250, size=(9, *shape))
        with np.errstate(all="ignore"):
            rows[2] *= wrong
            given = rows.astype(kind)
        of_numpy, of_torch = outside(inputs, given), outside(inputs, torch.from_numpy(given))
        assert of_numpy.rows.tolist() == of_torch.rows.tolist()
        assert of_numpy.reason == of_torch.reason
        assert isinstance(of_torch.rows, np.ndarray)
        if kind is np.float64 and not wrong < 1:
            assert of_numpy.rows.tolist() == [wrong != 1 and place == 2 for place in range(9)]


def test_no_rows(ensemble: Ensemble) -> None:
    assert len(ensemble.outside(torch.empty(0, *SHAPE)).rows) == 0


def test_files_and_the_command(
    bundle: Path, images: Images, command: Command, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    np.savez(tmp_path / "good.npz", x=images[0][:3])
    np.savez(tmp_path / "unit.npz", x=images[0][:5] / 255)
    files = (tmp_path / "good.npz", tmp_path / "unit.npz")
    outcome = command("predict", bundle, *files)
    assert outcome.status == 0
    (record,) = caplog.records  # printed on standard error by the command, where pytest does not catch it
    assert "5 of 8 rows far outside of what was trained on" in record.getMessage()
    assert "unit.npz: values go" in record.getMessage()
    outcome = command("predict", bundle, *files, "--strict")
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err.count("\n") == 1
    assert "unit.npz: values go from 0 to 1" in outcome.err
    outcome = command("predict", bundle, tmp_path / "good.npz", "--strict")
    assert outcome.status == 0
    assert "outside" not in outcome.err
    with pytest.raises(DataError, match="far outside"):
        lrensemble.predict(str(bundle), images[0] / 255, strict=True)
