"""Files and folders as tools leave them: whose each file is, what members are called, and which rows are test rows."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax
from tests.members import stacked

from lrensemble.errors import LREnsembleError, PredictionsError
from lrensemble.pool.collect import collect

RUNS, ROWS, TEST, CLASSES = 3, 24, 15, 4
GENERATOR = np.random.default_rng(7)
TRUTH, TEST_TRUTH = np.arange(ROWS) % CLASSES, np.arange(TEST) % CLASSES
PROBS = softmax(GENERATOR.normal(size=(RUNS, ROWS, CLASSES)), axis=2)
TEST_PROBS = softmax(GENERATOR.normal(size=(RUNS, TEST, CLASSES)), axis=2)


def npz(path: Path, **arrays: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **arrays)
    return path


def csv(path: Path, probs: Any, truth: Any = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    table = {} if truth is None else {"target": truth}
    table |= {"id": [f"{path.stem[-1]}{row}" for row in range(len(probs))]} if truth is None else {}
    pd.DataFrame({**table, **{f"prob_{k}": probs[:, k] for k in range(CLASSES)}}).to_csv(path, index=False)
    return path


def is_right(given: Any, out: Path, names: list[str], *, test: bool = False, **more: Any) -> Any:
    result = collect(given, out, **more)
    pool = result.pool
    assert [member.name for member in pool.members()] == names
    np.testing.assert_allclose(np.exp(stacked(pool, "val")), PROBS, rtol=1e-4)
    assert np.array_equal(pool.truth("val"), TRUTH)
    assert set(pool.task.splits) == ({"val", "test"} if test else {"val"})
    if test:
        np.testing.assert_allclose(np.exp(stacked(pool, "test")), TEST_PROBS, rtol=1e-4)
        assert np.array_equal(pool.truth("test"), TEST_TRUTH)
    return result


@pytest.mark.parametrize(
    ("folders", "names"),
    [
        (["0", "1", "2"], ["0", "1", "2"]),
        (["lr=0.1,seed=1", "lr=0.2,seed=1", "lr=0.4,seed=1"], ["lr=0.1", "lr=0.2", "lr=0.4"]),
        (["version_2/out", "version_9/out", "version_10/out"], ["version_2", "version_9", "version_10"]),
        (["a/run1", "a/run2", "b/run1"], ["a/run1", "a/run2", "b/run1"]),
    ],
)
def test_one_folder_a_run_in_every_spelling(tmp_path: Path, folders: list[str], names: list[str]) -> None:
    root = tmp_path / "multirun"
    for run, folder in enumerate(folders):
        npz(root / folder / "predictions.npz", probs=PROBS[run], labels=TRUTH)
        (root / folder / "metrics.csv").write_text("step,loss\n1,2\n")
        (root / folder / "params.json").write_text('{"lr": 0.1}')
        (root / folder / "hparams.yaml").write_text("lr: 1")
    is_right([root], tmp_path / "a", names)
    is_right(root, tmp_path / "b", names)
    is_right([str(root / folder) for folder in folders], tmp_path / "c", names)
    is_right([root / folder / "predictions.npz" for folder in folders], tmp_path / "d", names)
    is_right([f"{root / folder}/" for folder in folders], tmp_path / "e", names)


def test_runs_of_plain_arrays(tmp_path: Path) -> None:
    for run in range(RUNS):
        folder = tmp_path / "runs" / f"trial_{run}"
        folder.mkdir(parents=True)
        np.save(folder / "probs.npy", PROBS[run])
        np.save(folder / "labels.npy", TRUTH)
    is_right([tmp_path / "runs"], tmp_path / "a", ["trial_0", "trial_1", "trial_2"])
    is_right(
        [tmp_path / "runs" / f"trial_{run}" for run in range(RUNS)], tmp_path / "b", ["trial_0", "trial_1", "trial_2"]
    )
    for run in range(RUNS):
        (tmp_path / "runs" / f"trial_{run}" / "labels.npy").unlink()
    np.save(tmp_path / "runs" / "y_test.npy", TRUTH)
    is_right([tmp_path / "runs"], tmp_path / "c", ["trial_0", "trial_1", "trial_2"])


@pytest.mark.parametrize("spelling", ["{}_{}", "{1}_{0}", "{}-{}", "{}.{}"])
@pytest.mark.parametrize("val", ["val", "valid", "oof", "dev"])
def test_validation_beside_test(tmp_path: Path, spelling: str, val: str) -> None:
    paths = []
    for run in range(RUNS):
        paths.append(csv(tmp_path / "f" / (spelling.format(f"net{run}", val) + ".csv"), PROBS[run], TRUTH))
        paths.append(csv(tmp_path / "f" / (spelling.format(f"net{run}", "test") + ".csv"), TEST_PROBS[run], TEST_TRUTH))
    names = ["net0", "net1", "net2"]
    is_right([tmp_path / "f"], tmp_path / "a", names, test=True)
    is_right(paths, tmp_path / "b", names, test=True)
    paths[1].unlink()
    with pytest.raises(LREnsembleError, match=r"only one of .*net0.* has test rows"):
        collect([tmp_path / "f"], tmp_path / "c")


def test_a_folder_of_validation_and_one_of_test(tmp_path: Path) -> None:
    for run in range(RUNS):
        for half, probs in (("val", PROBS), ("test", TEST_PROBS)):
            (tmp_path / "f" / half).mkdir(parents=True, exist_ok=True)
            np.save(tmp_path / "f" / half / f"net{run}.npy", probs[run])
    np.save(tmp_path / "f" / "val" / "labels.npy", TRUTH)
    np.save(tmp_path / "f" / "test" / "labels.npy", TEST_TRUTH)
    is_right([tmp_path / "f"], tmp_path / "a", ["net0", "net1", "net2"], test=True)
    is_right([tmp_path / "f" / "val", tmp_path / "f" / "test"], tmp_path / "b", ["net0", "net1", "net2"], test=True)


def test_val_and_test_in_two_files_of_all_models(tmp_path: Path) -> None:
    names = ["net0", "net1", "net2"]
    npz(tmp_path / "val.npz", y=TRUTH, **dict(zip(names, PROBS, strict=True)))
    npz(tmp_path / "test.npz", y=TEST_TRUTH, **dict(zip(names[::-1], TEST_PROBS[::-1], strict=True)))
    is_right([tmp_path / "val.npz", tmp_path / "test.npz"], tmp_path / "a", names, test=True)


def test_truths_of_both_halves_beside_the_files(tmp_path: Path) -> None:
    for run in range(RUNS):
        npz(tmp_path / "f" / f"net{run}.npz", val_probs=PROBS[run], test_probs=TEST_PROBS[run])
    np.save(tmp_path / "f" / "y_val.npy", TRUTH)
    np.save(tmp_path / "f" / "y_test.npy", TEST_TRUTH)
    is_right([tmp_path / "f"], tmp_path / "a", ["net0", "net1", "net2"], test=True)


def test_test_rows_without_a_truth_are_left_out_and_that_is_said(tmp_path: Path) -> None:
    for run in range(RUNS):
        csv(tmp_path / "f" / f"oof_net{run}.csv", PROBS[run], TRUTH)
        csv(tmp_path / "f" / f"test_net{run}.csv", TEST_PROBS[run])
    result = is_right([tmp_path / "f"], tmp_path / "a", ["net0", "net1", "net2"])
    assert any("these test rows have no truth; `lrensemble combine TEAM FILES`" in line for line in result.reading)


def test_names_that_repeat_are_told_apart(tmp_path: Path) -> None:
    file = npz(tmp_path / "p.npz", probs=PROBS, labels=TRUTH, names=["resnet18", "vit", "resnet18"])
    is_right([file], tmp_path / "a", ["resnet18 #1", "vit", "resnet18 #2"])
    paths = [npz(tmp_path / folder / "resnet.npz", probs=PROBS[run], labels=TRUTH) for run, folder in enumerate("xyz")]
    is_right(paths, tmp_path / "b", ["x", "y", "z"])


def test_what_is_no_prediction_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "runs" / "a").mkdir(parents=True)
    (tmp_path / "runs" / "a" / "preds.pkl").write_bytes(b"\x80\x04K\x01.")
    with pytest.raises(
        PredictionsError, match=r"runs holds pickles \(preds.pkl\), which are never read; save the numbers as"
    ):
        collect([tmp_path / "runs"], tmp_path / "pool")
    np.save(tmp_path / "labels.npy", TRUTH)
    (tmp_path / "only").mkdir()
    np.save(tmp_path / "only" / "labels.npy", TRUTH)
    with pytest.raises(PredictionsError, match="only holds no predictions"):
        collect([tmp_path / "only"], tmp_path / "pool")
