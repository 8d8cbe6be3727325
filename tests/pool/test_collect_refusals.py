"""Predictions that cannot be used are refused with their file and what is wrong, and nothing is added."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import softmax

from lrensemble.errors import ConfigError, LREnsembleError, PoolError, PredictionsError, StorageError
from lrensemble.pool.collect import collect

MEMBERS, VAL, TEST, CLASSES = 3, 40, 17, 4
GENERATOR = np.random.default_rng(0)
LOGITS = GENERATOR.normal(size=(MEMBERS, VAL, CLASSES))
TEST_LOGITS = GENERATOR.normal(size=(MEMBERS, TEST, CLASSES))
LABELS = np.arange(VAL) % CLASSES
TEST_LABELS = np.arange(TEST) % CLASSES
TOP1 = LOGITS.argmax(axis=2)


def write(path: Path, **arrays: Any) -> Path:
    np.savez(path, **arrays)
    return path


def but(**changed: Any) -> dict[str, Any]:
    arrays = {"logits": LOGITS, "labels": LABELS, **changed}
    return {key: value for key, value in arrays.items() if value is not None}


def test_a_holdout_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.npz", logits=LOGITS, labels=LABELS)
    for holdout in (0.0, 1.0, 1.5, -0.5, float("nan")):
        with pytest.raises(ConfigError, match=f"holdout = {holdout} is refused; give a fraction above 0 and below 1"):
            collect([path], tmp_path / "pool", holdout=holdout)
    for holdout in (0.01, 0.99):
        with pytest.raises(ConfigError, match=f"holdout = {holdout} leaves no val or no test rows of 40"):
            collect([path], tmp_path / "pool", holdout=holdout)
    both = write(tmp_path / "b.npz", logits=LOGITS, labels=LABELS, test_logits=TEST_LOGITS, test_labels=TEST_LABELS)
    with pytest.raises(ConfigError, match="bring their own test rows; leave the holdout away"):
        collect([both], tmp_path / "pool", holdout=0.5)


def changed(array: Any, place: Any, value: Any) -> Any:
    array = array.copy()
    array[place] = value
    return array


PROBS = softmax(LOGITS, axis=2)
OBJECTS = np.array([{}, "a", None], dtype=object)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (but(labels=LABELS[1:]), r"labels: labels have shape \(39,\); the predictions have 40 rows"),
        (
            but(labels=changed(LABELS, 3, 4)),
            "label 4 in row 3 is outside the classes; with 4 classes, 0 to 3 are allowed",
        ),
        (but(labels=LABELS - 1), "label -1 in row 0 is outside the classes"),
        (but(labels=LABELS.astype("m8[s]")), r"labels are timedelta64\[s\]; give class indices as integers"),
        (but(labels=None), "has no labels; give predictions and labels of the same rows"),
        (
            but(logits=None),
            "holds labels; give one of log_probs, logits, probs, top_k, top1, likelihood, gaussian, values",
        ),
        (
            but(logits=LOGITS[None]),
            r"logits are float64 of shape \(1, 3, 40, 4\); give floating-point numbers \[member, sample, cl",
        ),
        (but(logits=LOGITS[:0]), r"of shape \(0, 40, 4\); .* at least one of each"),
        (but(logits=LOGITS[:, :0], labels=LABELS[:0]), r"of shape \(3, 0, 4\)"),
        (but(logits=LOGITS.astype(int)), "logits are int64"),
        (but(logits=None, log_probs=0 * LOGITS[:, :, :1], labels=0 * LABELS), "has predictions over one class"),
        (but(logits=changed(LOGITS, (1, 5, 2), np.nan)), "logits of a-1: row 5 holds NaN"),
        (but(logits=changed(LOGITS, (1, 5, 2), np.inf)), "logits of a-1: row 5 holds NaN"),
        (but(logits=changed(LOGITS, (1, 5), -np.inf)), "logits of a-1: row 5 holds NaN"),
        (but(logits=None, probs=LOGITS), "probs of a-0: row 0 "),
        (but(logits=None, probs=changed(PROBS, (2, 7, 1), np.nan)), "probs of a-2: row 7 holds NaN"),
        (but(logits=None, probs=changed(PROBS, (2, 7), [-0.1, 0.1, 0.5, 0.5])), "row 7 holds a negative probability"),
        (but(logits=None, probs=2 * PROBS), "row 0 does not sum to one"),
        (but(logits=None, log_probs=LOGITS), "log_probs of a-0: row 0 does not sum to one .*are these logits"),
        (but(logits=None, top1=TOP1 + 1, classes=[*"wxyz"]), "top1 of a-0: label 4 in row"),
        (but(logits=None, top1=TOP1 * 1.0), r"top1 are float64 of shape \(3, 40\); give integers \[member, sample\]"),
        (but(logits=None, top1=TOP1 + 2**40), "labels go up to 10995116277.*give the names of all classes"),
        (but(classes=[*"wxy"]), "logits of a-0 have 4 classes; the pool has 3"),
        (but(names=["a"]), "names 1 members and has 3 in logits; give the same number of each"),
        (
            but(test_logits=TEST_LOGITS[:2], test_labels=TEST_LABELS),
            "names 3 members and has 3 in logits, 2 in test_logits",
        ),
        (but(test_logits=TEST_LOGITS), "has no test_labels; give predictions and labels of the same rows"),
        (but(test_labels=TEST_LABELS), "has no test_logits; give predictions and labels of the same rows"),
        (but(test_probs=softmax(TEST_LOGITS, axis=2), test_labels=TEST_LABELS), "has no test_logits"),
        (but(logits=OBJECTS), r"Python objects \(pickle\), which are never read; save plain arrays"),
        (but(names=OBJECTS), r"Python objects \(pickle\), .* names as np.array\(names, dtype=str\)"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_file(tmp_path: Path, arrays: dict[str, Any], message: str) -> None:
    path = write(tmp_path / "a.npz", **arrays)
    with pytest.raises(PredictionsError, match=message) as caught:
        collect([path], tmp_path / "pool")
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "pool").exists(), "nothing is added unless everything can be"


def test_members_over_other_rows_are_refused(tmp_path: Path) -> None:
    first = write(tmp_path / "a.npz", **but(classes=[*"wxyz"]))
    for arrays, message in (
        (
            but(logits=LOGITS[:, 1:], labels=LABELS[1:]),
            r"have other labels \(40 and 39 rows\); members of a pool share",
        ),
        (but(labels=LABELS[::-1]), "have other labels"),
        (but(test_logits=TEST_LOGITS, test_labels=TEST_LABELS), "only one of .* has test rows"),
        (but(classes=[*"wxyv"]), "have other classes"),
    ):
        second = write(tmp_path / "b.npz", **arrays)
        with pytest.raises(PoolError, match=message) as caught:
            collect([first, second], tmp_path / "pool")
        assert str(first) in str(caught.value)
        assert str(second) in str(caught.value)
    wider = write(tmp_path / "b.npz", **but(logits=np.concatenate([LOGITS, LOGITS], axis=2)))
    with pytest.raises(PredictionsError, match=r"b.npz: logits of b-0 have 8 classes; the pool has 4"):
        collect([first, wider], tmp_path / "pool")
    assert not (tmp_path / "pool").exists()
    collect([first], tmp_path / "pool")
    with pytest.raises(PoolError, match="holds a pool for another task; given: other val labels"):
        collect([write(tmp_path / "b.npz", **but(labels=LABELS[::-1]))], tmp_path / "pool")


@pytest.mark.parametrize("suffix", [".npz", ".npy", ".safetensors"])
@pytest.mark.parametrize("content", [b"", b"text that is no array", b"\x80\x04K\x01."], ids=["empty", "text", "pickle"])
def test_files_of_something_else_are_refused(tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(content)
    with pytest.raises(PredictionsError, match="damaged") as caught:
        collect([path], tmp_path / "pool")
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("compressed", [True, False])
def test_a_cut_or_flipped_file_is_refused_or_reads_the_same(tmp_path: Path, compressed: bool) -> None:
    path = tmp_path / "a.npz"
    (np.savez_compressed if compressed else np.savez)(path, logits=LOGITS[:, :6], labels=LABELS[:6])
    content = path.read_bytes()
    whole = collect([path], tmp_path / "pool").added
    refused = 0
    for place in range(0, len(content), 5):
        flipped = bytearray(content)
        flipped[place] ^= 1 << place % 8
        for damaged in (bytes(flipped), content[:place]):
            path.write_bytes(damaged)
            try:
                assert collect([path], tmp_path / "pool").skipped == whole
            except LREnsembleError:
                refused += 1
    assert refused > len(content) // 5


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(PredictionsError, match=r"empty holds no predictions; give one file a member: .csv, .tsv"):
        collect([tmp_path / "empty"], tmp_path / "pool")
    with pytest.raises(StorageError, match=r"cannot read .*a.npz: No such file"):
        collect([tmp_path / "a.npz"], tmp_path / "pool")
    (tmp_path / "a.txt").write_text("1,2")
    with pytest.raises(PredictionsError, match=r"a.txt is no file of predictions; give .csv, .tsv, .*, or a folder of"):
        collect([tmp_path / "a.txt"], tmp_path / "pool")
    with pytest.raises(PredictionsError, match="no predictions given"):
        collect([], tmp_path / "pool")


def npz_with(path: Path, name: str, content: bytes) -> Path:
    """An `.npz` file of logits and, as an entry of the zip file, anything."""
    write(path, logits=LOGITS)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, content)
    return path


@pytest.mark.parametrize("name", ["labels", "labels.npy"])
@pytest.mark.parametrize("content", [b"", b"0 1 2 3", b"\x93NUMP"])
def test_an_entry_that_is_no_array_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    with pytest.raises(
        PredictionsError, match=r"a\.npz cannot be read: it is damaged \(its entry 'labels' is no array"
    ):
        collect([npz_with(tmp_path / "a.npz", name, content)], tmp_path / "pool")


def test_no_room_is_made_for_more_than_an_entry_holds(tmp_path: Path) -> None:
    header = b"{'descr': '<i8', 'fortran_order': False, 'shape': (100000000000,), }\n"
    content = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(800)
    with pytest.raises(
        PredictionsError, match=r"has \d+ bytes where its header \(100000000000,\) asks for 800,000,000,000"
    ):
        collect([npz_with(tmp_path / "a.npz", "labels.npy", content)], tmp_path / "pool")


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ([*"wxyw"], "classes 0 and 3 are both called 'w'; give each a name of its own"),
        (["a", "nan", "b", "c"], "class 1 is called 'nan', as if its name were missing; give it one"),
        (np.array([1.0, 2.0, np.nan, 3.0]), "class 2 is called 'nan'"),
        (["a", "b", "c", ""], "class 3 is called ''"),
    ],
)
def test_names_that_tell_no_class_are_refused(tmp_path: Path, classes: Any, message: str) -> None:
    with pytest.raises(PredictionsError, match=f"a.npz: {message}"):
        collect([write(tmp_path / "a.npz", **but(classes=classes))], tmp_path / "pool")


@pytest.mark.parametrize("high", [1_000, 999_999, 2**62])
def test_a_label_that_makes_thousands_of_classes_is_refused(tmp_path: Path, high: int) -> None:
    path = write(tmp_path / "a.npz", **but(logits=None, top1=changed(TOP1, (2, 7), high)))
    with pytest.raises(PredictionsError, match=f"labels go up to {high} and only 5 of them occur, which"):
        collect([path], tmp_path / "pool")


def test_many_classes_that_occur_are_believed(tmp_path: Path) -> None:
    labels = np.arange(1200)
    path = write(tmp_path / "a.npz", top1=np.stack([labels, labels[::-1]]), labels=labels)
    assert len(collect([path], tmp_path / "pool").pool.task.classes) == 1200


def test_a_seed_below_zero_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.npz", logits=LOGITS, labels=LABELS)
    with pytest.raises(ConfigError, match="seed = -1 is refused; give an integer from 0"):
        collect([path], tmp_path / "pool", holdout=0.5, seed=-1)


def test_what_is_masked_in_memory_and_what_is_no_fraction_is_refused(tmp_path: Path) -> None:
    probs = np.full((8, 2), 0.5)
    hidden = np.ma.masked_array(probs, np.arange(2 * 8).reshape(probs.shape) < 4)
    with pytest.raises(PredictionsError, match="arrays: some values are masked, and so are none; fill them in"):
        collect({"a": hidden}, tmp_path / "pool", truth=np.arange(8) % 2)
    for more, message in (({"holdout": "0.5"}, "holdout = '0.5' is"), ({"holdout": 0.5, "seed": "a"}, "seed = 'a' is")):
        with pytest.raises(ConfigError, match=f"{message} refused"):
            collect({"a": probs}, tmp_path / "pool", truth=np.arange(8) % 2, **more)
