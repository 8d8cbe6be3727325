"""Rows are the same by their ids: files and pools are aligned, and refused where they are over other rows."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.members import stacked

from lrensemble.errors import LREnsembleError, PoolError, PredictionsError
from lrensemble.files import read_json, to_json
from lrensemble.pool import Pool
from lrensemble.pool.collect import collect
from lrensemble.pool.collect.identity import order_of

MEMBERS, VAL, TEST, CLASSES = 2, 30, 11, 3
GENERATOR = np.random.default_rng(5)
PROBS = GENERATOR.dirichlet(np.ones(CLASSES), size=(2 * MEMBERS, VAL))
TEST_PROBS = GENERATOR.dirichlet(np.ones(CLASSES), size=(2 * MEMBERS, TEST))
LABELS, TEST_LABELS = np.arange(VAL) % CLASSES, np.arange(TEST) % CLASSES
IDS, TEST_IDS = np.array([f"row {i}" for i in range(VAL)]), np.arange(TEST) + 500
ORDER = GENERATOR.permutation(VAL)
SAME_LABELS = np.concatenate(
    [GENERATOR.permutation(np.flatnonzero(np.equal(LABELS, label))) for label in range(CLASSES)]
)


def arrays(which: slice, rows: NDArray[np.int64], **changed: Any) -> dict[str, Any]:
    found = {"probs": PROBS[which][:, rows], "labels": LABELS[rows], "ids": IDS[rows], **changed}
    return {name: array for name, array in found.items() if array is not None}


def write(path: Path, **given: Any) -> Path:
    np.savez(path, **given)
    return path


FIRST, SECOND = slice(MEMBERS), slice(MEMBERS, 2 * MEMBERS)


@pytest.mark.parametrize("later", [False, True], ids=["at once", "later"])
def test_rows_are_aligned_by_their_ids(tmp_path: Path, later: bool) -> None:
    one = write(tmp_path / "a.npz", **arrays(FIRST, np.arange(VAL)))
    groups, weights = ORDER // 3, 1.0 + ORDER
    other = write(tmp_path / "b.npz", **arrays(SECOND, ORDER, groups=groups, weights=weights))
    for given in [[one], [other]] if later else [[one, other]]:
        pool = collect(given, tmp_path / "pool").pool
    np.testing.assert_allclose(np.exp(stacked(pool, "val")), PROBS, rtol=1e-6)
    assert np.array_equal(pool.truth("val"), LABELS)
    assert pool.ids("val") == tuple(IDS)
    assert np.array_equal(np.asarray(pool.groups("val")), np.arange(VAL) // 3)
    assert np.array_equal(np.asarray(pool.weights("val")), 1.0 + np.arange(VAL))


def test_rows_of_equal_labels_in_another_order_are_told_apart(tmp_path: Path) -> None:
    files = [
        write(tmp_path / "a.npz", **arrays(FIRST, np.sort(SAME_LABELS))),
        write(tmp_path / "b.npz", **arrays(SECOND, SAME_LABELS[np.argsort(LABELS[SAME_LABELS], kind="stable")])),
    ]
    pool = collect(files, tmp_path / "pool").pool
    np.testing.assert_allclose(np.exp(stacked(pool, "val")), PROBS, rtol=1e-6)


def test_a_file_in_another_order_is_the_same_member(tmp_path: Path) -> None:
    names = {"names": ["a", "b"]}
    first = collect([write(tmp_path / "a.npz", **arrays(FIRST, np.arange(VAL), **names))], tmp_path / "pool")
    again = collect([write(tmp_path / "b.npz", **arrays(FIRST, ORDER, **names))], tmp_path / "pool")
    assert (again.added, again.skipped) == ((), first.added)


def test_numbers_and_text_name_the_same_rows_of_val_and_test(tmp_path: Path) -> None:
    backwards = np.arange(TEST)[::-1]
    test = {"test_probs": TEST_PROBS[FIRST], "test_labels": TEST_LABELS, "test_ids": TEST_IDS}
    other = {
        "test_probs": TEST_PROBS[SECOND][:, backwards],
        "test_labels": TEST_LABELS[backwards],
        "test_ids": TEST_IDS[backwards].astype(str),
    }
    collect([write(tmp_path / "a.npz", **arrays(FIRST, np.arange(VAL), **test))], tmp_path / "pool")
    pool = collect([write(tmp_path / "b.npz", **arrays(SECOND, ORDER, **other))], tmp_path / "pool").pool
    np.testing.assert_allclose(np.exp(stacked(pool, "test")), TEST_PROBS, rtol=1e-6)
    assert pool.ids("test") == tuple(map(str, TEST_IDS))


def test_a_folder_with_ids_in_each_file_or_once(tmp_path: Path) -> None:
    for folder, once in (("each", False), ("once", True)):
        (tmp_path / folder).mkdir()
        for member in range(2 * MEMBERS):
            rows = np.arange(VAL) if once else GENERATOR.permutation(VAL)
            known = {} if once else {"labels": LABELS[rows], "ids": IDS[rows]}
            write(tmp_path / folder / f"{member}.npz", probs=PROBS[member, rows], **known)
        if once:
            write(tmp_path / folder / "labels.npz", labels=LABELS, ids=IDS)
        pool = collect([tmp_path / folder], tmp_path / f"{folder}-pool").pool
        place = {name: row for row, name in enumerate(IDS.tolist())}
        rows = np.array([place[name] for name in pool.ids("val") or ()])
        np.testing.assert_allclose(np.exp(stacked(pool, "val")), PROBS[:, rows], rtol=1e-6)


def test_rows_that_were_held_out_are_found_again(tmp_path: Path) -> None:
    one = write(tmp_path / "a.npz", **arrays(FIRST, np.arange(VAL)))
    before = collect([one], tmp_path / "pool", holdout=0.4, seed=3).pool
    other = write(tmp_path / "b.npz", **arrays(SECOND, ORDER))
    pool = collect([other], tmp_path / "pool").pool
    assert pool.task == before.task
    for split in ("val", "test"):
        rows = [IDS.tolist().index(name) for name in pool.ids(split) or ()]
        np.testing.assert_allclose(np.exp(stacked(pool, split)), PROBS[:, rows], rtol=1e-6)
        assert np.array_equal(pool.truth(split), LABELS[rows])
    for again in ({"holdout": 0.4, "seed": 3}, {}):
        assert collect([one], tmp_path / "pool", **again).added == (), again  # type: ignore[arg-type]
    with pytest.raises(PoolError, match=r"of 18 rows of .*pool \(val\) are missing, the first 'row \d+'"):
        collect([one], tmp_path / "pool", holdout=0.4, seed=4)


def test_groups_in_a_file_of_their_own_are_found_by_ids(tmp_path: Path) -> None:
    groups = write(tmp_path / "patients.npz", groups=ORDER // 3, ids=IDS[ORDER])
    pool = collect([write(tmp_path / "a.npz", **arrays(FIRST, np.arange(VAL)))], tmp_path / "p", groups=groups).pool
    assert np.array_equal(np.asarray(pool.groups("val")), np.arange(VAL) // 3)
    bare = write(tmp_path / "b.npz", **arrays(FIRST, np.arange(VAL), ids=None))
    with pytest.raises(
        PredictionsError, match=r"ids are given, and .*b\.npz has none; give ids in both, or in neither"
    ):
        collect([bare], tmp_path / "other", groups=groups)


def test_files_without_ids_are_taken_in_their_order_and_learn_them_later(tmp_path: Path) -> None:
    bare = write(tmp_path / "a.npz", **arrays(FIRST, np.arange(VAL), ids=None))
    named = write(tmp_path / "b.npz", **arrays(SECOND, np.arange(VAL)))
    collect([bare], tmp_path / "pool")
    assert Pool.open(tmp_path / "pool").ids("val") is None
    collect([named], tmp_path / "pool")
    assert Pool.open(tmp_path / "pool").ids("val") == tuple(IDS)
    assert collect([bare], tmp_path / "pool").added == ()
    shuffled = write(tmp_path / "c.npz", **arrays(SECOND, ORDER, ids=None))
    with pytest.raises(PoolError, match="holds a pool for another task; given: other val labels"):
        collect([shuffled], tmp_path / "pool")


def test_the_order_of_ids_by_hand() -> None:
    assert order_of(("a", "b", "c"), ("c", "a", "b"), "here", "there").tolist() == [2, 0, 1]
    assert order_of(("a", "b"), ("a", "b"), "here", "there").tolist() == [0, 1]


def test_ids_are_sealed(tmp_path: Path) -> None:
    pool = collect([write(tmp_path / "a.npz", **arrays(FIRST, np.arange(VAL)))], tmp_path / "pool").pool
    content = read_json(path := pool.folder / "ids.json")
    assert isinstance(content, dict)
    content["ids"]["val"][3] = "another"
    path.write_text(to_json(content))
    with pytest.raises(PoolError, match=r"ids\.json is damaged: its checksum is not that of its content"):
        pool.ids("val")
    path.unlink()
    with pytest.raises(PoolError, match=r"ids\.json is damaged: it is missing"):
        pool.ids("val")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"ids": IDS[:-1]}, r"b\.npz: ids are <U6 of shape \(29,\); give an integer or a string for each of 30 rows"),
        ({"ids": np.arange(VAL) * 1.0}, "b.npz: ids are float64"),
        (
            {"ids": np.where(IDS == "row 7", "row 2", IDS)},
            "b.npz: ids: rows 2 and 7 are both called 'row 2'; give each",
        ),
        (
            {"ids": np.where(np.arange(VAL) % 10 == 4, "row x", IDS).tolist()[:5] + [f"new {i}" for i in range(25)]},
            r"b\.npz: ids: 26 of 30 rows of .*a\.npz: ids are missing, the first 'row 4'",
        ),
    ],
)
def test_ids_that_do_not_fit_are_refused(tmp_path: Path, changed: dict[str, Any], message: str) -> None:
    one = write(tmp_path / "a.npz", **arrays(FIRST, np.arange(VAL)))
    other = write(tmp_path / "b.npz", **arrays(SECOND, np.arange(VAL), **changed))
    with pytest.raises(LREnsembleError, match=message) as caught:
        collect([one, other], tmp_path / "pool")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "pool").exists()


def test_more_or_fewer_rows_than_the_pool_are_refused(tmp_path: Path) -> None:
    part = np.arange(VAL)[:-2]
    fewer, all_of_them = (
        write(tmp_path / name, **arrays(which, rows))
        for name, which, rows in (("a.npz", FIRST, part), ("b.npz", SECOND, np.arange(VAL)))
    )
    collect([fewer], tmp_path / "fewer")
    with pytest.raises(
        PoolError, match=r"b\.npz: 2 of 30 rows are not among those of .*fewer \(val\), the first 'row 28'"
    ):
        collect([all_of_them], tmp_path / "fewer")
    collect([all_of_them], tmp_path / "all")
    with pytest.raises(PoolError, match=r"a\.npz: 2 of 30 rows of .*all \(val\) are missing, the first 'row 28'"):
        collect([fewer], tmp_path / "all")


def test_texts_may_be_bytes(tmp_path: Path) -> None:
    texts = {"names": np.array([b"net \xc3\xa4", b"net b"]), "classes": np.array([b"ant", b"bee", b"cat"])}
    first = write(tmp_path / "a.npz", **arrays(FIRST, np.arange(VAL), ids=IDS.astype("S"), **texts))
    pool = collect([first], tmp_path / "pool").pool
    assert pool.ids("val") == tuple(IDS)
    assert pool.task.classes == ("ant", "bee", "cat")
    assert [member.name for member in pool.members()] == ["net ä", "net b"]
    later = write(tmp_path / "b.npz", **arrays(SECOND, ORDER, names=np.array(["c", "d"])))
    assert len(collect([later], pool.folder).added) == MEMBERS
    other = write(tmp_path / "c.npz", **arrays(FIRST, np.arange(2), ids=np.array([b"\xff", b"a"])))
    with pytest.raises(PredictionsError, match=r"ids are bytes that are no UTF-8; save texts"):
        collect([other], tmp_path / "no")
