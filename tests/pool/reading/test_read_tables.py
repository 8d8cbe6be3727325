"""Tables as other programs write them: every layout gives the same members, aligned, and the reading is said."""

import json
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import log_softmax, softmax
from tests.members import stacked

from lrensemble.errors import LREnsembleError, PredictionsError
from lrensemble.pool.collect import CollectResult, collect
from lrensemble.pool.collect.reading.tables import read_table

MODELS, ROWS, CLASSES = ("lgb", "xgb"), 60, 4
GENERATOR = np.random.default_rng(3)
TRUTH = GENERATOR.permutation(np.arange(ROWS) % CLASSES)
LOGITS = GENERATOR.normal(size=(len(MODELS), ROWS, CLASSES)) + 2 * np.eye(CLASSES)[TRUTH]
PROBS = softmax(LOGITS, axis=2)
NAMES = np.array(["bird", "cat", "dog", "frog"])
IDS = np.array([f"img_{row:03d}" for row in range(ROWS)])
BINARY = TRUTH % 2
P1 = 1 / (1 + np.exp(-GENERATOR.normal(size=(len(MODELS), ROWS)) - 2 * BINARY + 1))
REAL = GENERATOR.normal(size=ROWS) * 30
VALUES = REAL + GENERATOR.normal(size=(len(MODELS), ROWS))


def frame(member: int, columns: list[str], **more: Any) -> pd.DataFrame:
    return pd.DataFrame({**more, **{name: PROBS[member, :, k] for k, name in enumerate(columns)}})


def written(folder: Path, frames: list[pd.DataFrame], suffix: str = ".csv", **options: Any) -> list[Path]:
    paths = [folder / f"{name}{suffix}" for name in MODELS]
    for place, (path, each) in enumerate(zip(paths, frames, strict=True)):
        mixed = each.sample(frac=1, random_state=place) if "id" in each or "ID" in each else each
        if suffix == ".parquet":
            mixed.reset_index(drop=True).to_parquet(path)
        elif suffix == ".json":
            mixed.to_json(path, orient="records", double_precision=15)
        elif suffix == ".jsonl":
            mixed.to_json(path, orient="records", lines=True, double_precision=15)
        else:
            mixed.to_csv(path, index=False, sep="\t" if ".tsv" in suffix else ",", **options)
    return paths


def of_classes(result: CollectResult, truth: Any = TRUTH, probs: Any = PROBS, classes: Any = None) -> None:
    """The pool has these members in some order of rows that is the same for all."""
    pool = result.pool
    assert [member.name for member in pool.members()] == list(MODELS)
    ids = pool.ids("val")
    rows = np.arange(ROWS) if ids is None else np.array([int(name.removeprefix("img_")) for name in ids])
    np.testing.assert_allclose(np.exp(stacked(pool, "val")), probs[:, rows], rtol=1e-4, atol=1e-7)
    assert np.array_equal(pool.truth("val"), np.asarray(truth)[rows])
    if classes is not None:
        assert pool.task.target.names == tuple(classes)


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".tsv", ".parquet", ".json", ".jsonl"])
def test_every_container_gives_the_same_members(tmp_path: Path, suffix: str) -> None:
    frames = [frame(m, [f"prob_{k}" for k in range(CLASSES)], id=IDS, diagnosis=TRUTH) for m in range(2)]
    result = collect(written(tmp_path, frames, suffix), tmp_path / "pool")
    of_classes(result)
    (line,) = result.reading
    assert "prob_0 … prob_3 as classes 0-3, `diagnosis` as truth, `id` as id; --truth, --id, --columns, --kind" in line
    assert "and 1 more" in line


@pytest.mark.parametrize(
    "columns",
    [
        ["0", "1", "2", "3"],
        ["p0", "p1", "p2", "p3"],
        ["class_0", "class_1", "class_2", "class_3"],
        ["Prob.3", "Prob.0", "Prob.2", "Prob.1"],
        ["pred[0]", "pred[1]", "pred[2]", "pred[3]"],
    ],
)
@pytest.mark.parametrize("truth", ["y_true", "Target", "ground truth", "labels", "actual_class"])
def test_columns_of_numbered_classes(tmp_path: Path, columns: list[str], truth: str) -> None:
    order = [int("".join(filter(str.isdigit, name))) for name in columns]
    frames = [
        pd.DataFrame(
            {"ID": IDS, truth: TRUTH, **{name: PROBS[m, :, k] for name, k in zip(columns, order, strict=True)}}
        )
        for m in range(2)
    ]
    of_classes(collect(written(tmp_path, frames), tmp_path / "pool"))


@pytest.mark.parametrize("spelling", ["{}", "p_{}", "{}_prob", "probability of {}", "p:{}"])
@pytest.mark.parametrize("by_name", [True, False])
def test_columns_named_by_classes_in_any_order(tmp_path: Path, spelling: str, by_name: bool) -> None:
    orders = ([2, 0, 3, 1], [1, 3, 0, 2])
    frames = [
        pd.DataFrame(
            {"label": NAMES[TRUTH] if by_name else TRUTH, "id": IDS, "fold": TRUTH % 3}
            | {spelling.format(NAMES[k]): PROBS[m, :, k] for k in (order if by_name else range(4))}
        ).rename(columns={"label": "target"})
        for m, order in enumerate(orders)
    ]
    result = collect(written(tmp_path, frames), tmp_path / "pool")
    order = [list(result.pool.task.target.names).index(name) for name in NAMES]
    assert [member.scores["val"]["accuracy"] for member in result.pool.members()] == [
        np.mean(PROBS[m].argmax(axis=1) == TRUTH) for m in range(2)
    ]
    assert sorted(order) == [0, 1, 2, 3]


@pytest.mark.parametrize("truth", [BINARY, BINARY.astype(bool), np.array(["no", "yes"])[BINARY], BINARY + 1])
@pytest.mark.parametrize("name", ["OOF_p", "pred", "proba", "prediction", "oof", "y_prob", "score", "p"])
def test_one_column_is_the_probability_of_class_1(tmp_path: Path, truth: Any, name: str) -> None:
    frames = [pd.DataFrame({"ID": np.arange(ROWS), "Actual": truth, name: P1[m]}) for m in range(2)]
    result = collect(written(tmp_path, frames), tmp_path / "pool")
    of_classes(result, BINARY, np.stack([1 - P1, P1], axis=2))
    assert f"{name} as probability of class" in result.reading[0]


def test_one_column_may_name_the_first_class(tmp_path: Path) -> None:
    frames = [pd.DataFrame({"id": IDS, "target": BINARY, "prob_0": 1 - P1[m]}) for m in range(2)]
    of_classes(collect(written(tmp_path, frames), tmp_path / "pool"), BINARY, np.stack([1 - P1, P1], axis=2))


def test_one_table_with_a_column_a_model(tmp_path: Path) -> None:
    base = {"id": IDS, "fold": TRUTH % 3}
    pd.DataFrame({**base, "target": BINARY, "lgb": P1[0], "xgb": P1[1]}).to_csv(tmp_path / "a.csv", index=False)
    of_classes(collect([tmp_path / "a.csv"], tmp_path / "a"), BINARY, np.stack([1 - P1, P1], axis=2))
    wide = {f"{name}_{k}": PROBS[m, :, k] for m, name in enumerate(MODELS) for k in range(CLASSES)}
    pd.DataFrame({**base, "y": TRUTH, **wide}).to_csv(tmp_path / "b.csv", index=False)
    of_classes(collect([tmp_path / "b.csv"], tmp_path / "b"))
    labels = {name: PROBS[m].argmax(axis=1) for m, name in enumerate(MODELS)}
    pd.DataFrame({**base, "y": TRUTH, **labels}).to_csv(tmp_path / "c.csv", index=False)
    pool = collect([tmp_path / "c.csv"], tmp_path / "c").pool
    assert [member.form for member in pool.members()] == ["labels", "labels"]
    texts = {name: NAMES[PROBS[m].argmax(axis=1)] for m, name in enumerate(MODELS)}
    pd.DataFrame({**base, "y": NAMES[TRUTH], **texts}).to_csv(tmp_path / "d.csv", index=False)
    named = collect([tmp_path / "d.csv"], tmp_path / "d").pool
    assert [m.scores for m in named.members()] == [m.scores for m in pool.members()]
    assert named.task.target.names == tuple(NAMES)


def test_columns_of_values(tmp_path: Path) -> None:
    pd.DataFrame({"id": IDS, "target": REAL, "pred_lgb": VALUES[0], "pred_xgb": VALUES[1]}).to_csv(
        tmp_path / "a.csv", index=False
    )
    pool = collect([tmp_path / "a.csv"], tmp_path / "pool").pool
    assert [member.name for member in pool.members()] == list(MODELS)
    np.testing.assert_array_equal(pool.members()[1].predictions("val").main[:, 0], VALUES[1])
    frames = [pd.DataFrame({"id": IDS, "price": REAL, "prediction": VALUES[m]}) for m in range(2)]
    result = collect(written(tmp_path, frames), tmp_path / "b", truth="price")
    assert [member.name for member in result.pool.members()] == list(MODELS)


def test_logits_in_columns(tmp_path: Path) -> None:
    frames = [
        pd.DataFrame({"id": IDS, "label": TRUTH, **{f"logit_{k}": LOGITS[m, :, k] for k in range(CLASSES)}})
        for m in range(2)
    ]
    of_classes(collect(written(tmp_path, frames), tmp_path / "pool"))
    renamed = [each.rename(columns=lambda name: name.replace("logit_", "out_")) for each in frames]
    result = collect(written(tmp_path, renamed), tmp_path / "other")
    of_classes(result)
    assert "(logits)" in result.reading[0]


def test_a_list_in_a_cell(tmp_path: Path) -> None:
    frames = [pd.DataFrame({"id": IDS, "label": TRUTH, "probs": list(PROBS[m])}) for m in range(2)]
    for suffix in (".parquet", ".json", ".jsonl"):
        of_classes(collect(written(tmp_path, frames, suffix), tmp_path / suffix[1:]))
    texts = [each.assign(probs=[np.array2string(row, precision=9) for row in each.probs]) for each in frames]
    of_classes(collect(written(tmp_path, texts, ".csv"), tmp_path / "csv"))


def test_truth_in_a_second_file(tmp_path: Path) -> None:
    frames = [frame(m, [f"c{k}" for k in range(CLASSES)], id=IDS) for m in range(2)]
    paths = written(tmp_path, frames)
    more = pd.DataFrame({"id": [*IDS, "img_999"], "age": 1.5, "target": [*TRUTH, 0]}).sample(frac=1, random_state=9)
    more.to_csv(tmp_path / "train.csv", index=False)
    of_classes(collect(paths, tmp_path / "a", truth=str(tmp_path / "train.csv")))
    more.rename(columns={"target": "odd"}).to_csv(tmp_path / "other.csv", index=False)
    of_classes(collect(paths, tmp_path / "b", truth=f"{tmp_path / 'other.csv'}:odd"))
    folder = tmp_path / "folder"
    folder.mkdir()
    written(folder, frames)
    more[["id", "target"]].to_csv(folder / "ground_truth.csv", index=False)
    of_classes(collect([folder], tmp_path / "c"))
    of_classes(collect([*paths, folder / "ground_truth.csv"], tmp_path / "d"))
    with pytest.raises(
        PredictionsError, match=r"may hold the truth in age, odd; say which with --truth .*other.csv:NAME"
    ):
        collect(paths, tmp_path / "e", truth=str(tmp_path / "other.csv"))
    more[:-5].rename(columns={"target": "label"}).to_csv(tmp_path / "fewer.csv", index=False)
    with pytest.raises(LREnsembleError, match=r"rows of .*lgb.csv are missing, the first"):
        collect(paths, tmp_path / "f", truth=tmp_path / "fewer.csv")


def test_rows_that_nobody_predicted_are_left_out_and_counted(tmp_path: Path) -> None:
    frames = [frame(m, [f"c{k}" for k in range(CLASSES)], target=TRUTH) for m in range(2)]
    for empty in (np.nan, 0.0):
        for each in frames:
            each.loc[[3, 17, 40], [f"c{k}" for k in range(CLASSES)]] = empty
        result = collect(written(tmp_path, frames), tmp_path / str(empty))
        assert len(result.pool.truth("val")) == ROWS - 3
        assert any("left out 3 of 60 rows that nobody predicted" in line for line in result.reading)
        assert result.pool.ids("val") == tuple(str(row) for row in range(ROWS) if row not in (3, 17, 40))
    frames[1].loc[5, [f"c{k}" for k in range(CLASSES)]] = np.nan
    with pytest.raises(LREnsembleError, match=r"1 of 57 rows .* missing, the first '5'"):
        collect(written(tmp_path, frames), tmp_path / "other")


def test_what_predict_writes_is_read(tmp_path: Path) -> None:
    for m, name in enumerate(MODELS):
        said = {"file": "x.npz", "row": np.arange(ROWS), "label": NAMES[PROBS[m].argmax(axis=1)]}
        pd.DataFrame(said | {f"p:{each}": PROBS[m, :, k] for k, each in enumerate(NAMES)}).to_csv(
            tmp_path / f"{name}.csv", index=False
        )
    paths = [tmp_path / f"{name}.csv" for name in MODELS]
    result = collect(paths, tmp_path / "pool", truth=TRUTH)
    assert result.pool.task.target.names == tuple(NAMES)
    np.testing.assert_allclose(np.exp(stacked(result.pool, "val")), PROBS, rtol=1e-4)


def test_a_column_says_the_split(tmp_path: Path) -> None:
    split = np.where(np.arange(ROWS) < 40, "val", "test")
    frames = [frame(m, [f"c{k}" for k in range(CLASSES)], target=TRUTH, split=split) for m in range(2)]
    pool = collect(written(tmp_path, frames), tmp_path / "pool").pool
    assert {name: len(pool.truth(name)) for name in pool.task.splits} == {"val": 40, "test": 20}
    np.testing.assert_allclose(np.exp(stacked(pool, "test")), PROBS[:, 40:], rtol=1e-4)


def test_semicolons_and_a_mark_and_no_heading(tmp_path: Path) -> None:
    for m, name in enumerate(MODELS):
        each = frame(m, [f"p{k}" for k in range(CLASSES)], id=IDS, y=TRUTH)
        each.to_csv(tmp_path / f"{name}.csv", index=False, sep=";", decimal=",", encoding="utf-8-sig")
        np.savetxt(tmp_path / f"{name}-bare.csv", PROBS[m], delimiter=",")
    of_classes(collect([tmp_path / f"{name}.csv" for name in MODELS], tmp_path / "a"))
    bare = [tmp_path / f"{name}-bare.csv" for name in MODELS]
    np.testing.assert_allclose(
        np.exp(stacked(collect(bare, tmp_path / "b", truth=TRUTH).pool, "val")), PROBS, rtol=1e-4
    )


def test_json_of_other_shapes(tmp_path: Path) -> None:
    shapes: list[Any] = [
        lambda m: {"probs": PROBS[m].tolist(), "labels": TRUTH.tolist()},
        lambda m: {str(i): {"label": int(TRUTH[row]), "probs": PROBS[m, row].tolist()} for row, i in enumerate(IDS)},
        lambda m: [
            {"id": i, "label": int(TRUTH[row]), "probs": dict(enumerate(PROBS[m, row].tolist()))}
            for row, i in enumerate(IDS)
        ],
    ]
    for place, shape in enumerate(shapes):
        for m, name in enumerate(MODELS):
            (tmp_path / f"{name}.json").write_text(json.dumps(shape(m)))
        of_classes(collect([tmp_path / f"{name}.json" for name in MODELS], tmp_path / str(place)))


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            {"id": IDS, "a": P1[0] * 3, "b": P1[1] * 7},
            "holds the columns id, a, b: no predictions are clear among them and no truth",
        ),
        ({"id": IDS, "target": TRUTH, "p": P1[0]}, r"are between 0.* say what they are with --kind probs\|logits"),
        (
            {"target": TRUTH, "label": TRUTH[::-1], "p0": P1[0], "p1": 1 - P1[0]},
            "target and label may all be the truth; .*--truth NAME",
        ),
        (
            {"id": IDS, "a": BINARY, "b": BINARY[::-1], "p0": P1[0], "p1": 1 - P1[0]},
            "a and b may all be the truth; say which with --truth",
        ),
    ],
)
def test_what_is_unclear_is_refused_with_all_columns(tmp_path: Path, columns: dict[str, Any], message: str) -> None:
    pd.DataFrame(columns).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(PredictionsError, match=message) as caught:
        collect([tmp_path / "a.csv"], tmp_path / "pool")
    assert "\n" not in str(caught.value)
    assert all(name in str(caught.value) for name in columns)
    assert not (tmp_path / "pool").exists()


def test_the_reading_can_be_changed(tmp_path: Path) -> None:
    table = {"id": IDS, "a": BINARY, "b": BINARY[::-1], "x": P1[0], "y": P1[1]}
    pd.DataFrame(table).to_csv(tmp_path / "a.csv", index=False)
    pool = collect([tmp_path / "a.csv"], tmp_path / "pool", truth="b", columns=["y", "x"], id="id").pool
    assert [member.name for member in pool.members()] == ["y", "x"]
    assert np.array_equal(pool.truth("val"), BINARY[::-1])
    np.testing.assert_allclose(np.exp(stacked(pool, "val"))[0, :, 1], P1[1], rtol=1e-4)
    logits = collect([tmp_path / "a.csv"], tmp_path / "logits", truth="a", columns="x", kind="logits").pool
    np.testing.assert_allclose(
        stacked(logits, "val")[0], log_softmax(np.stack([0 * P1[0], P1[0]], 1), axis=1), rtol=1e-4
    )
    with pytest.raises(
        PredictionsError, match="holds no 'z', which --columns names; it holds the columns id, a, b, x, y"
    ):
        collect([tmp_path / "a.csv"], tmp_path / "other", columns=["z"])


def test_a_damaged_table_is_refused(tmp_path: Path) -> None:
    for name in ("a.csv", "a.parquet", "a.csv.gz", "a.json", "a.jsonl", "a.tsv"):
        (tmp_path / name).write_bytes(b'\x1f\x8b\xff\xfe{"a": [1')
        with pytest.raises(PredictionsError, match=r"cannot be read") as caught:
            collect([tmp_path / name], tmp_path / "pool")
        assert str(tmp_path / name) in str(caught.value)
    (tmp_path / "a.pkl").write_bytes(b"\x80\x04K\x01.")
    with pytest.raises(
        PredictionsError, match="is a pickle, which runs whatever its writer wanted, and is never read; save"
    ):
        collect([tmp_path / "a.pkl"], tmp_path / "pool")


def test_percentages_are_no_logits(tmp_path: Path) -> None:
    frames = [frame(m, [f"p{k}" for k in range(CLASSES)], id=IDS, y=TRUTH) for m in range(2)]
    for each in frames:
        each[[f"p{k}" for k in range(CLASSES)]] *= 100
    with pytest.raises(PredictionsError, match=r"lgb.csv.*say what they are with --kind"):
        collect(written(tmp_path, frames), tmp_path / "pool")


def test_spaces_around_names_and_cells_say_nothing(tmp_path: Path) -> None:
    columns = [f" p_{name} " for name in NAMES]
    frames = [frame(m, columns, **{" id": IDS, " animal ": NAMES[TRUTH]}) for m in range(2)]
    paths = written(tmp_path, [each.rename(columns={" id": "id"}) for each in frames])
    for path in paths:
        path.write_text(path.read_text().replace(",", ", "))
    result = collect(paths, tmp_path / "pool", truth="animal")
    of_classes(result, classes=NAMES)
    assert "took p_bird … p_frog as classes" in result.reading[0]
    assert "`animal` as truth, `id` as id" in result.reading[0]


def test_names_that_differ_by_spaces_alone_stay_apart(tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text("id,target,p_0,p_1,p_1 \n1,0,0.6,0.4,7\n2,1,0.3,0.7,8\n")
    found = read_table(tmp_path / "one.csv")
    assert list(found) == ["id", "target", "p_0", "p_1", "p_1 "]


def test_a_column_of_names_comes_before_an_index_that_nobody_named(tmp_path: Path) -> None:
    """`sample` and filters leave an index, which parquet keeps: of one file, and not of the other."""
    frames = [frame(m, [f"prob_{k}" for k in range(CLASSES)], row=IDS, target=TRUTH) for m in range(2)]
    paths = [tmp_path / f"{name}.parquet" for name in MODELS]
    frames[0].to_parquet(paths[0])
    frames[1].sample(frac=1, random_state=1).to_parquet(paths[1])
    result = collect(paths, tmp_path / "pool")
    of_classes(result)
    assert "`row` as id" in result.reading[0]


@pytest.mark.parametrize("suffix", [pytest.param(".csv", marks=pytest.mark.long), ".csv.gz"])
def test_of_text_no_more_is_held_than_cells_and_words(tmp_path: Path, suffix: str) -> None:
    path, rows = tmp_path / f"a{suffix}", 40_000
    pd.DataFrame({f"c{column}": np.arange(rows) + 0.125 for column in range(8)}).to_csv(path, index=False)
    size = len(pd.read_csv(path).to_csv(index=False))
    tracemalloc.start()
    found = read_table(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    cells = sum(column.nbytes for column in found.values())
    assert list(found["c7"][[0, -1]]) == [0.125, rows - 0.875]
    assert peak < 2 * cells + size, f"{peak:,} of {cells:,} in cells and {size:,} of text"


def test_a_table_that_is_not_what_its_suffix_says_is_refused(tmp_path: Path) -> None:
    (tmp_path / "plain.csv.gz").write_text("a,b\n1,2\n")
    pd.DataFrame({"a": np.arange(9_000)}).to_csv(tmp_path / "whole.csv.gz", index=False)
    (tmp_path / "cut.csv.gz").write_bytes((tmp_path / "whole.csv.gz").read_bytes()[:-200])
    for name in ("plain", "cut"):
        with pytest.raises(PredictionsError, match=rf"{name}.csv.gz cannot be read as a table: "):
            read_table(tmp_path / f"{name}.csv.gz")


def test_a_packed_table_is_unpacked_once(tmp_path: Path) -> None:
    counters = Path("/proc/self/io")
    if not counters.exists():
        pytest.skip("Linux counts the bytes that are read")

    def bytes_read(path: Path) -> int:
        before = int(counters.read_text().split()[1])
        assert len(read_table(path)["c2"]) == len(numbers)
        return int(counters.read_text().split()[1]) - before

    numbers = np.random.default_rng(0).random((15_000, 3))
    path = tmp_path / "a.tsv.gz"
    pd.DataFrame(numbers, columns=["c0", "c1", "c2"]).to_csv(path, index=False, sep="\t")
    bytes_read(path)  # with what is imported for it
    assert path.stat().st_size <= bytes_read(path) < 1.5 * path.stat().st_size, "beside the first line"
