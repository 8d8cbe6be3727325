"""Tables that look like others: what is no prediction is none, and rows are matched by what names them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax
from tests.members import stacked

from lrensemble.errors import LREnsembleError, PredictionsError
from lrensemble.pool.collect import collect

ROWS, CLASSES = 120, 4
GENERATOR = np.random.default_rng(5)
TRUTH = GENERATOR.permutation(np.arange(ROWS) % CLASSES)
LOGITS = GENERATOR.normal(size=(ROWS, CLASSES)) + 1.5 * np.eye(CLASSES)[TRUTH]
PROBS = softmax(LOGITS, axis=1)
BINARY = TRUTH % 2
MARGINS = GENERATOR.normal(size=(5, ROWS)) + 2 * BINARY - 1
P1 = 1 / (1 + np.exp(-MARGINS))
CONFIDENCE = np.maximum(P1, 1 - P1)
HARD = (P1 > 0.5).astype(int)
NAMES = np.array(["NEGATIVE", "POSITIVE"])


def table(path: Path, columns: dict[str, Any], **options: Any) -> Path:
    pd.DataFrame(columns).to_csv(path, index=False, **options)
    return path


def is_right(path: Path | list[Path], folder: Path, probs: Any = PROBS, labels: Any = TRUTH, **asked: Any) -> list[str]:
    result = collect(path, folder / "pool", **asked)
    pool = result.pool
    (member, *_) = pool.members()
    by_truth = np.exp(stacked(pool, "val")[0])[np.arange(len(labels)), pool.truth("val")]
    ids = pool.ids("val")
    order = np.arange(len(labels)) if ids is None else np.argsort([place_of(each) for each in ids])
    np.testing.assert_allclose(by_truth[order], probs[np.arange(len(labels)), labels], rtol=1e-4)
    assert member.scores["val"]["accuracy"] == pytest.approx((probs.argmax(axis=1) == labels).mean())
    return list(result.reading)


def place_of(name: str) -> int:
    """The row that an id of these tests names."""
    return int(name.split(":")[-1].lstrip("m").split("e")[0].replace(".", "").replace("-", "") or 0)


def of_two(p1: Any) -> Any:
    return np.stack([1 - p1, p1], axis=1)


@pytest.mark.parametrize("features", ["V", "feature_", "pca_", "x"])
@pytest.mark.parametrize("count", [CLASSES, 28])
def test_features_are_no_logits(tmp_path: Path, features: str, count: int) -> None:
    inputs = {f"{features}{place}": GENERATOR.normal(size=ROWS) for place in range(1, 1 + count)}
    named = {f"prob_{k}": PROBS[:, k] for k in range(CLASSES)}
    is_right(table(tmp_path / "a.csv", {"id": range(ROWS), **inputs, "target": TRUTH, **named}), tmp_path)
    alone = table(tmp_path / "b.csv", {"id": range(ROWS), **inputs, "target": TRUTH})
    with pytest.raises(PredictionsError, match=r"--columns NAME,NAME"):
        collect(alone, tmp_path / "alone")


def test_features_beside_one_column(tmp_path: Path) -> None:
    inputs = {f"V{place}": GENERATOR.normal(size=ROWS) for place in range(28)}
    path = table(tmp_path / "a.csv", {**inputs, "Class": BINARY, "prediction": P1[0]})
    is_right(path, tmp_path, of_two(P1[0]), BINARY)


@pytest.mark.parametrize("names", ["seed_{}", "fold{}_pred", "model_{}", "run-{}"])
@pytest.mark.parametrize("truth", [BINARY, np.arange(ROWS) % 5, 1 + np.arange(ROWS) % 5])
def test_a_column_a_model_is_no_column_a_class(tmp_path: Path, names: str, truth: Any) -> None:
    values = truth + GENERATOR.normal(size=(5, ROWS))
    path = table(
        tmp_path / "a.csv", {"id": range(ROWS), "target": truth} | {names.format(m): values[m] for m in range(5)}
    )
    with pytest.raises(PredictionsError, match=r"say what they are with --kind probs\|logits\|labels\|values"):
        collect(path, tmp_path / "pool")


def test_numbered_columns_that_tell_the_class_are_logits(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", {"target": TRUTH} | {f"lgb_{k}": LOGITS[:, k] for k in range(CLASSES)})
    assert "(logits)" in is_right(path, tmp_path)[0]


@pytest.mark.parametrize(
    ("label", "score", "truth"),
    [
        ("prediction_label", "prediction_score", "target"),
        ("y_pred", "probability", "y_true"),
        ("predicted", "prediction", "actual"),
        ("pred_class", "score", "label"),
    ],
)
def test_the_confidence_in_a_predicted_class(tmp_path: Path, label: str, score: str, truth: str) -> None:
    path = table(tmp_path / "a.csv", {truth: BINARY, label: HARD[0], score: CONFIDENCE[0], "age": np.arange(ROWS)})
    assert f"{score} as probability of the class in `{label}`" in is_right(path, tmp_path, of_two(P1[0]), BINARY)[0]


def test_a_pipeline_says_label_and_score(tmp_path: Path) -> None:
    records = [
        {"label": NAMES[label], "score": score} for label, score in zip(HARD[0], CONFIDENCE[0].tolist(), strict=True)
    ]
    path = tmp_path / "preds.json"
    path.write_text(json.dumps(records))
    np.save(tmp_path / "y.npy", NAMES[BINARY])
    is_right(path, tmp_path, of_two(P1[0]), BINARY, truth=tmp_path / "y.npy")
    with pytest.raises(
        PredictionsError, match=r"seems to be the confidence in a predicted class .* or say --kind probs"
    ):
        collect(path, tmp_path / "alone")


def test_a_label_beside_the_probability_of_class_1(tmp_path: Path) -> None:
    threshold = (P1[0] > 0.3).astype(int)
    is_right(
        table(tmp_path / "a.csv", {"y": BINARY, "y_pred": threshold, "score": P1[0]}), tmp_path, of_two(P1[0]), BINARY
    )
    high = 0.5 + P1[0] / 2  # never below one half, and higher where the class is 1
    path = table(tmp_path / "b.csv", {"y": BINARY, "score": high})
    is_right(path, tmp_path / "high", of_two(high), BINARY)


KEYS = {
    "image_id": [f"{row}e{row % 7}" for row in range(ROWS)],
    "sample_id": [f"{row // 100}.{row % 100:02d}" for row in range(ROWS)],
    "date": [f"20{row // 100:02d}-{row % 100:02d}" for row in range(ROWS)],
    "molecule": [f"m{row}" for row in range(ROWS)],
    "tweet_id": [str(10**25 + row) for row in range(ROWS)],
}


@pytest.mark.parametrize("key", KEYS)
def test_rows_are_matched_to_a_truth_by_what_names_them(tmp_path: Path, key: str) -> None:
    truth = table(tmp_path / "truth.csv", {key: KEYS[key], "target": BINARY})
    mixed = GENERATOR.permutation(ROWS)
    path = table(tmp_path / "a.csv", {key: np.array(KEYS[key])[mixed], "pred": P1[0][mixed]})
    pool = collect(path, tmp_path / "pool", truth=truth).pool
    right = ((P1[0] > 0.5) == BINARY).mean()
    assert pool.members()[0].scores["val"]["accuracy"] == pytest.approx(right)
    assert set(pool.ids("val") or ()) == set(KEYS[key])


def test_two_columns_name_a_row_together(tmp_path: Path) -> None:
    keys = {"user_id": np.arange(ROWS) // 10, "item_id": np.arange(ROWS) % 10}
    truth = table(tmp_path / "truth.csv", {**keys, "target": BINARY})
    mixed = GENERATOR.permutation(ROWS)
    path = table(tmp_path / "a.csv", {**{name: key[mixed] for name, key in keys.items()}, "pred": P1[0][mixed]})
    (line,) = (result := collect(path, tmp_path / "pool", truth=truth)).reading
    assert "`item_id, user_id` as id" in line
    assert result.pool.members()[0].scores["val"]["accuracy"] == pytest.approx((HARD[0] == BINARY).mean())


def test_zeros_in_front_of_an_id_mean_nothing(tmp_path: Path) -> None:
    truth = table(tmp_path / "truth.csv", {"id": [f"{row:04d}" for row in range(ROWS)], "target": BINARY})
    mixed = GENERATOR.permutation(ROWS)
    path = table(tmp_path / "a.csv", {"id": mixed, "pred": P1[0][mixed]})
    is_right(path, tmp_path, of_two(P1[0]), BINARY, truth=truth)


def test_shuffled_ids_are_not_matched_by_place(tmp_path: Path) -> None:
    np.save(tmp_path / "y.npy", BINARY)
    mixed = GENERATOR.permutation(ROWS)
    path = table(tmp_path / "a.csv", {"id": mixed, "pred": P1[0][mixed]})
    with pytest.raises(PredictionsError, match=r"rows in the order \d+, \d+, … of its ids, and .*y.npy has no ids"):
        collect(path, tmp_path / "pool", truth=tmp_path / "y.npy")


@pytest.mark.parametrize(
    "line", ["img_{}.png,{:.4f},{:.4f},{}", "cat{},{:.4f},{:.4f},{}"], ids=["names of files", "other texts"]
)
def test_a_first_line_that_is_a_row_is_not_lost(tmp_path: Path, line: str) -> None:
    rows = [line.format(row, 1 - P1[0][row], P1[0][row], BINARY[row]) for row in range(ROWS)]
    path = tmp_path / "a.csv"
    path.write_text("\n".join(rows))
    with pytest.raises(PredictionsError, match=r"the first line .* seems to be a row; write the names of the columns"):
        collect(path, tmp_path / "pool")


def test_models_may_be_named_by_their_rates(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", {"id": range(ROWS), "label": BINARY, "0.1": P1[0], "0.01": P1[1]})
    assert [member.name for member in collect(path, tmp_path / "pool").pool.members()] == ["0.1", "0.01"]


def test_a_class_may_be_called_na(tmp_path: Path) -> None:
    names = np.array(["EU", "NA", "SA", "null"])
    columns = {"target": names[TRUTH], **{f"p_{name}": PROBS[:, k] for k, name in enumerate(names)}}
    is_right(table(tmp_path / "a.csv", {"id": range(ROWS), **columns}), tmp_path)


def test_labels_mean_the_same_in_all_files(tmp_path: Path) -> None:
    for half, truth in (("val", TRUTH), ("test", np.maximum(TRUTH, 1))):
        table(tmp_path / f"m_{half}.csv", {"target": truth} | {f"prob_{k + 1}": PROBS[:, k] for k in range(CLASSES)})
    pool = collect([tmp_path / "m_val.csv", tmp_path / "m_test.csv"], tmp_path / "pool").pool
    assert np.array_equal(pool.truth("test"), np.maximum(TRUTH, 1))


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_another_encoding_is_named(tmp_path: Path, encoding: str) -> None:
    path = table(tmp_path / "a.csv", {"target": BINARY, "größe": P1[0]}, encoding=encoding)
    with pytest.raises(PredictionsError, match="save it as UTF-8"):
        collect(path, tmp_path / "pool")


def test_what_unpacks_without_end_is_refused(tmp_path: Path) -> None:
    import gzip

    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"0" * (257 << 20), compresslevel=1))
    with pytest.raises(PredictionsError, match="unpacks to more than 256 MiB"):
        collect(tmp_path / "a.csv.gz", tmp_path / "pool")


@pytest.mark.parametrize("start", ["sep=;\n", ""])
def test_cells_as_excel_writes_them(tmp_path: Path, start: str) -> None:
    columns = {"target": TRUTH, **{f"prob_{k}": PROBS[:, k] for k in range(CLASSES)}}
    text = pd.DataFrame(columns).to_csv(index=False, sep=";" if start else "\t", decimal=",")
    (tmp_path / "a.csv").write_text(start + text)
    is_right(tmp_path / "a.csv", tmp_path)


def test_numbers_between_blanks(tmp_path: Path) -> None:
    np.savetxt(tmp_path / "a.csv", PROBS)
    np.savetxt(tmp_path / "labels.csv", TRUTH)
    is_right(tmp_path, tmp_path)


@pytest.mark.parametrize("form", ["%12.8f", "%.8f "])
def test_blanks_around_numbers_lose_no_first_row(tmp_path: Path, form: str) -> None:
    np.savetxt(tmp_path / "a.csv", PROBS, fmt=form)
    np.savetxt(tmp_path / "labels.csv", TRUTH)
    is_right(tmp_path, tmp_path)


def test_names_beside_decimal_commas_are_composed(tmp_path: Path) -> None:
    names = np.array(["a\u0308hre", "birke", "fichte", "tanne"])  # a letter and its mark, as file systems write them
    columns = {"target": names[TRUTH], **{f"prob_{name}": PROBS[:, k] for k, name in enumerate(names)}}
    pd.DataFrame(columns).to_csv(tmp_path / "a.csv", index=False, sep=";", decimal=",")
    found = collect(tmp_path / "a.csv", tmp_path / "pool").pool.task.target.names
    assert sorted(found) == ["birke", "fichte", "tanne", "\u00e4hre"]


def test_names_of_rows_after_a_blank_stay_as_they_are(tmp_path: Path) -> None:
    lines = [f"1.{row}0, {TRUTH[row]}, {', '.join(map(str, PROBS[row]))}" for row in range(ROWS)]
    (tmp_path / "a.csv").write_text("\n".join(["id, label, prob_0, prob_1, prob_2, prob_3", *lines]))
    ids = collect(tmp_path / "a.csv", tmp_path / "pool").pool.ids("val")
    assert ids is not None
    assert ids[:2] == ("1.00", "1.10")


def test_batches_are_put_together(tmp_path: Path) -> None:
    import torch

    parts = [slice(start, start + 50) for start in range(0, ROWS, 50)]
    torch.save(
        [{"logits": torch.tensor(LOGITS[part]), "labels": torch.tensor(TRUTH[part])} for part in parts],
        tmp_path / "a.pt",
    )
    is_right(tmp_path / "a.pt", tmp_path)
    torch.save([torch.tensor(LOGITS[part]) for part in parts], tmp_path / "b.pt")
    is_right(tmp_path / "b.pt", tmp_path / "tensors", truth=TRUTH)
    torch.save([(torch.tensor(LOGITS[part]), torch.tensor(TRUTH[part])) for part in parts], tmp_path / "c.pt")
    with pytest.raises(LREnsembleError, match="is of type list; give an array"):
        collect(tmp_path / "c.pt", tmp_path / "tuples")
    torch.save([{"probs": torch.tensor(PROBS), "labels": torch.tensor(TRUTH)}] * 2, tmp_path / "d.pt")
    with pytest.raises(LREnsembleError, match="is of type list; give an array"):
        collect(tmp_path / "d.pt", tmp_path / "models")


def test_bytes_are_texts(tmp_path: Path) -> None:
    names = np.array([b"zebra", b"ant", b"moose", b"bee"])
    np.savez(tmp_path / "a.npz", probs=PROBS, labels=names[TRUTH], classes=names)
    is_right(tmp_path / "a.npz", tmp_path)
    np.savez(tmp_path / "b.npz", probs=PROBS, labels=np.array([b"\xe4", b"b", b"c", b"d"])[TRUTH])
    with pytest.raises(PredictionsError, match="labels are bytes that are no UTF-8"):
        collect(tmp_path / "b.npz", tmp_path / "latin")


def test_classes_that_only_labels_name_are_said(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", probs=PROBS, labels=np.array(["ant", "bee", "moose", "zebra"])[TRUTH])
    assert (
        "columns of predictions as the classes ant, bee, moose, zebra, sorted"
        in is_right(tmp_path / "a.npz", tmp_path)[0]
    )
    np.savez(tmp_path / "b.npz", probs=PROBS, labels=np.where(TRUTH == 0, 1, TRUTH))
    (line,) = collect(tmp_path / "b.npz", tmp_path / "one").reading
    assert "no row is of class 0, labels are 1 to 3 of 4; if they count from 1, give `classes`" in line


@pytest.mark.parametrize("mixed", [False, True])
def test_test_rows_that_are_those_to_choose_on_are_told(tmp_path: Path, mixed: bool) -> None:
    order = GENERATOR.permutation(ROWS)[: ROWS // 2] if mixed else np.arange(ROWS)
    arrays = {"probs": PROBS, "labels": TRUTH, "test_probs": PROBS[order], "test_labels": TRUTH[order]}
    np.savez(tmp_path / "a.npz", **arrays)
    (line,) = collect(tmp_path / "a.npz", tmp_path / "pool").reading
    assert f"all {len(order)} test rows are among the val rows, with the same predictions and truth" in line
    of_folds = PROBS.copy()
    of_folds[::7] = np.nan  # nobody predicted these, so that the others have other places in the file
    np.savez(tmp_path / "c.npz", **{**arrays, "probs": of_folds, "test_probs": of_folds[order]})
    assert "test rows are among the val rows" in collect(tmp_path / "c.npz", tmp_path / "left").reading[-1]
    hard = np.eye(CLASSES)
    np.savez(tmp_path / "b.npz", **{**arrays, "probs": hard[TRUTH], "test_probs": hard[TRUTH[order]]})
    assert not collect(tmp_path / "b.npz", tmp_path / "hard").reading


def test_values_whose_squares_are_no_numbers(tmp_path: Path) -> None:
    values = GENERATOR.normal(size=ROWS)
    np.savez(tmp_path / "a.npz", values=values * 1e200, labels=values)
    with pytest.raises(PredictionsError, match=r"give finite numbers, up to 1e\+150"):
        collect(tmp_path / "a.npz", tmp_path / "pool")


def test_what_is_unclear_beside_names_of_classes_is_refused(tmp_path: Path) -> None:
    records = [
        {"label": f"class{label}", "probs": {str(k): p for k, p in enumerate(row) if p > 0.1}}
        for label, row in zip(TRUTH.tolist(), PROBS.tolist(), strict=True)
    ]
    (tmp_path / "a.json").write_text(json.dumps(records))
    with pytest.raises(PredictionsError, match=r"say what they are with --kind probs\|logits\|labels\|values"):
        collect(tmp_path / "a.json", tmp_path / "pool")
