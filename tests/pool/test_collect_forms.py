"""Every form that members may speak in is taken from files, kept as it was said, and scored by what it serves."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import log_softmax
from scipy.stats import norm

from lrensemble.errors import PredictionsError
from lrensemble.pool import Member, Pool
from lrensemble.pool.collect import collect
from lrensemble.pool.collect.names import GIVEN_FORMS, LAYOUTS
from lrensemble.select import Validation, select
from lrensemble.targets import Choices, Classes, Values

MEMBERS, VAL, TEST, CLASSES, OUTPUTS, K = 3, 40, 17, 5, 2, 4
GENERATOR = np.random.default_rng(0)
LABELS, TEST_LABELS = np.arange(VAL) % CLASSES, np.arange(TEST) % CLASSES
LOG_PROBS = log_softmax(GENERATOR.normal(size=(MEMBERS, VAL, CLASSES)), axis=2)
RANKED = np.argsort(-LOG_PROBS, axis=2)[:, :, :K]
RANKED_PROBS = np.exp(np.take_along_axis(LOG_PROBS, RANKED, axis=2))
OF_LABELS = LOG_PROBS[:, np.arange(VAL), LABELS]
TRUTH = GENERATOR.normal(size=(VAL, OUTPUTS))
VALUES = TRUTH + GENERATOR.normal(size=(MEMBERS, VAL, OUTPUTS))
VARIANCE = GENERATOR.uniform(0.5, 2, size=(MEMBERS, VAL, OUTPUTS))

ARRAYS: dict[str, dict[str, Any]] = {
    "log_probs": {"log_probs": LOG_PROBS},
    "logits": {"logits": LOG_PROBS + 3},
    "probs": {"probs": np.exp(LOG_PROBS)},
    "top_k": {"top_k": RANKED, "top_k_probs": RANKED_PROBS},
    "top1": {"top1": RANKED[:, :, 0]},
    "likelihood": {"likelihood": OF_LABELS},
    "gaussian": {"mean": VALUES, "variance": VARIANCE},
    "values": {"values": VALUES},
}
"""A file of each form, without the truth."""


def collected(folder: Path, **arrays: Any) -> Pool:
    np.savez(folder / "a.npz", **arrays)
    return collect([folder / "a.npz"], folder / "pool").pool


def first(pool: Pool) -> Member:
    return pool.members()[0]


def truth_of(form: str) -> Any:
    return TRUTH if form in ("gaussian", "values") else LABELS


@pytest.mark.parametrize("form", GIVEN_FORMS)
def test_every_form_is_collected_once_divided_and_read_in_a_folder(tmp_path: Path, form: str) -> None:
    pool = collected(tmp_path, **ARRAYS[form], labels=truth_of(form))
    assert len(pool.members()) == MEMBERS
    assert np.array_equal(pool.truth("val"), truth_of(form))
    assert collect([tmp_path / "a.npz"], tmp_path / "pool").added == ()
    divided = collect([tmp_path / "a.npz"], tmp_path / "divided", holdout=0.3, seed=1).pool
    assert {split: len(first(divided).predictions(split)) for split in divided.task.splits} == {"val": 30, "test": 10}
    (tmp_path / "runs").mkdir()
    np.save(tmp_path / "runs" / "labels.npy", truth_of(form))
    for member in range(MEMBERS):
        np.savez(tmp_path / "runs" / f"{member}.npz", **{name: array[member] for name, array in ARRAYS[form].items()})
    of_folder = collect([tmp_path / "runs"], tmp_path / "of-folder").pool
    for one, other in zip(pool.members(), of_folder.members(), strict=True):
        assert one.scores == other.scores
        for part, array in one.predictions("val").parts.items():
            assert np.array_equal(array, other.predictions("val").parts[part])


@pytest.mark.parametrize("form", GIVEN_FORMS)
def test_a_form_is_known_by_its_layout(form: Any) -> None:
    assert set(ARRAYS[form]) & set(LAYOUTS[form].main)


def test_labels_are_kept_in_the_smallest_integers(tmp_path: Path) -> None:
    for classes, dtype in ((5, np.uint8), (257, np.uint16), (70_000, np.uint32)):
        folder = tmp_path / str(classes)
        folder.mkdir()
        names = np.arange(classes).astype(str)
        pool = collected(folder, top1=RANKED[:, :, 0], labels=LABELS, classes=names)
        said = first(pool).predictions("val")
        assert said.form == "labels"
        assert said.main.dtype == dtype
        assert np.array_equal(said.main, RANKED[0, :, 0])
        assert first(pool).scores == {"val": {"accuracy": np.mean(RANKED[0, :, 0] == LABELS)}}


def test_labels_may_be_asked_for_by_their_form(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", top1=RANKED[:, :, 0], probs=np.exp(LOG_PROBS), labels=LABELS)
    for form in ("labels", "top1"):
        pool = collect([tmp_path / "a.npz"], tmp_path / "pool", form=form).pool
        assert [member.form for member in pool.members()] == ["labels"] * MEMBERS, "the same members by both names"


def test_ranked_classes_with_and_without_probabilities(tmp_path: Path) -> None:
    pool = collected(tmp_path, top_k=RANKED, labels=LABELS, classes=[*"vwxyz"])
    assert first(pool).predictions("val").main.dtype == np.uint8
    assert set(first(pool).scores["val"]) == {"accuracy"}
    (tmp_path / "b").mkdir()
    with_probs = first(collected(tmp_path / "b", **ARRAYS["top_k"], labels=LABELS))
    said = with_probs.predictions("val").parts
    assert np.array_equal(said[""], RANKED[0])
    assert np.array_equal(said["probs"], RANKED_PROBS[0])
    rest = (1 - RANKED_PROBS[0].sum(axis=1)) / (CLASSES - K)
    named = RANKED[0] == LABELS[:, None]
    of_truth = np.where(named.any(axis=1), (named * RANKED_PROBS[0]).sum(axis=1), rest)
    assert with_probs.scores["val"]["nll"] == pytest.approx(-np.log(of_truth).mean())
    assert with_probs.scores["val"]["accuracy"] == np.mean(RANKED[0, :, 0] == LABELS)


def test_likelihoods_give_the_nll_and_the_same_teams_as_all_probabilities(tmp_path: Path) -> None:
    logs = LOG_PROBS.astype(np.float32)
    pool = collected(tmp_path, likelihood=logs[:, np.arange(VAL), LABELS], labels=LABELS, classes=[*"vwxyz"])
    (tmp_path / "dense").mkdir()
    dense = collected(tmp_path / "dense", log_probs=logs, labels=LABELS)
    for one, other in zip(pool.members(), dense.members(), strict=True):
        assert set(one.scores["val"]) == {"nll"}
        assert one.scores["val"]["nll"] == other.scores["val"]["nll"], "to the last digit"
    chosen = [
        select(
            Validation([m.predictions("val") for m in each.members()], LABELS, target=each.task.target),
            "greedy(size=8)",
            metric="nll",
        )
        for each in (pool, dense)
    ]
    assert (chosen[0].team, chosen[0].weights, chosen[0].score) == (chosen[1].team, chosen[1].weights, chosen[1].score)


def test_values_of_one_output_and_of_several(tmp_path: Path) -> None:
    pool = collected(tmp_path, values=VALUES, truth=TRUTH, outputs=["width", "height"])
    assert pool.task.target == Values(names=("width", "height"))
    assert np.array_equal(pool.truth("val"), TRUTH)
    errors = ((VALUES[0] - TRUTH) ** 2).mean(axis=0)
    assert first(pool).scores["val"] == pytest.approx({"mse": errors.mean(), "rmse": np.sqrt(errors).mean()})
    (tmp_path / "one").mkdir()
    one = collected(tmp_path / "one", values=VALUES[:, :, 0].astype(np.float32), labels=np.arange(VAL))
    assert one.task.target == Values(names=("y0",))
    assert first(one).predictions("val").main.dtype == np.float32
    assert np.array_equal(first(one).predictions("val").main[:, 0], VALUES[0, :, 0].astype(np.float32))
    assert one.truth("val").tolist() == [[float(row)] for row in range(VAL)]


@pytest.mark.parametrize("mean", ["mean", "values"])
@pytest.mark.parametrize("spread", ["variance", "log_variance"])
def test_normal_distributions(tmp_path: Path, mean: str, spread: str) -> None:
    given = VARIANCE if spread == "variance" else np.log(VARIANCE)
    pool = collected(tmp_path, **{mean: VALUES, spread: given}, labels=TRUTH)
    said = first(pool).predictions("val")
    assert said.form == "gaussian"
    assert np.array_equal(said.main, VALUES[0])
    np.testing.assert_allclose(said.parts["log_variance"], np.log(VARIANCE[0]))
    expected = -norm.logpdf(TRUTH, VALUES[0], np.sqrt(VARIANCE[0])).mean()
    assert first(pool).scores["val"]["gaussian_nll"] == pytest.approx(expected)


def test_values_and_distributions_share_a_pool_and_classes_do_not_join(tmp_path: Path) -> None:
    collected(tmp_path, values=VALUES, labels=TRUTH)
    np.savez(tmp_path / "g.npz", **ARRAYS["gaussian"], labels=TRUTH)
    pool = collect([tmp_path / "g.npz"], tmp_path / "pool").pool
    assert [member.form for member in pool.members()] == ["values"] * MEMBERS + ["gaussian"] * MEMBERS
    np.savez(tmp_path / "p.npz", probs=np.exp(LOG_PROBS), labels=LABELS)
    with pytest.raises(PredictionsError, match=r"a\.npz has values and .*p\.npz has classes; members of a pool share"):
        collect([tmp_path / "a.npz", tmp_path / "p.npz"], tmp_path / "other")


def test_float16_stays_float16(tmp_path: Path) -> None:
    half = LOG_PROBS.astype(np.float16)
    said = first(collected(tmp_path, log_probs=half, labels=LABELS)).predictions("val")
    assert said.main.dtype == np.float16
    assert np.array_equal(said.main, half[0])


def test_pads_of_choices_count_nowhere(tmp_path: Path) -> None:
    choices = np.where(np.arange(VAL) % 2, 3, CLASSES)
    labels = np.minimum(LABELS, choices - 1)
    logits = GENERATOR.normal(size=(MEMBERS, VAL, CLASSES))
    pad = np.arange(CLASSES) >= choices[:, None]
    probs = np.exp(logits) * ~pad
    probs /= probs.sum(axis=2, keepdims=True)
    for name, arrays in (("logits", {"logits": logits}), ("probs", {"probs": probs})):
        (tmp_path / name).mkdir()
        pool = collected(tmp_path / name, **arrays, labels=labels, choices=choices)
        assert pool.task.target == Choices(names=tuple("ABCDE"))
        assert np.array_equal(np.asarray(pool.choices("val")), choices)
        found = np.exp(first(pool).predictions("val").main.astype(np.float64))
        assert (found[pad] == 0).all()
        np.testing.assert_allclose(found, probs[0], atol=1e-6)
        expected = -np.log(probs[0, np.arange(VAL), labels]).mean()
        assert first(pool).scores["val"]["nll"] == pytest.approx(expected, rel=1e-5)
    assert pool.task.splits["val"].choices is not None
    assert isinstance(pool.task.target, Classes)


def test_pads_are_those_of_each_row_in_whatever_order(tmp_path: Path) -> None:
    choices = np.where(np.arange(VAL) % 3, 2, CLASSES)
    known: dict[str, Any] = {"labels": LABELS % 2, "choices": choices, "ids": np.arange(VAL)}
    order = GENERATOR.permutation(VAL)
    np.savez(tmp_path / "a.npz", logits=LOG_PROBS, **known)
    shuffled = {name: array[order] for name, array in known.items() if name != "choices"}
    np.savez(tmp_path / "b.npz", logits=LOG_PROBS[:, order], **shuffled)
    pool = collect([tmp_path / "a.npz", tmp_path / "b.npz"], tmp_path / "pool").pool
    pad = np.arange(CLASSES) >= choices[:, None]
    for one, other in zip(pool.members()[:MEMBERS], pool.members()[MEMBERS:], strict=True):
        assert np.array_equal(one.predictions("val").main, other.predictions("val").main)
        assert (one.predictions("val").main[pad] < -1000).all()
    labels = np.where(choices == CLASSES, CLASSES - 1, 1)
    np.savez(tmp_path / "c.npz", top1=np.tile(labels[order], (2, 1)), classes=[*"ABCDE"], **shuffled)
    assert len(collect([tmp_path / "a.npz", tmp_path / "c.npz"], tmp_path / "pool").added) == 2


SCRIPT = """
import sys
from pathlib import Path
from lrensemble.pool.collect import collect
collect([sys.argv[1]], sys.argv[2])
status = Path("/proc/self/status").read_text()  # getrusage would tell the peak of the process that started this one
print(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of memory is read from /proc")
def test_nothing_dense_is_made_of_labels(tmp_path: Path) -> None:
    """Dense, one of these members alone has 320 MB in float32."""
    rows, classes = 20_000, 4_000
    labels = np.arange(rows) % classes
    top1 = np.stack([np.roll(labels, member) for member in range(6)])
    np.savez(tmp_path / "a.npz", top1=top1, labels=labels)
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "a.npz"), str(tmp_path / "pool")]
    peak = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert peak < 300 * 1024, f"{peak} KiB"
    stored = sum(path.stat().st_size for path in (tmp_path / "pool").rglob("*") if path.is_file())
    assert stored < 2 * (6 * rows * 2) + 8 * rows, "labels in two bytes, and the truth in eight"


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (ARRAYS["values"] | {"labels": TRUTH[:, 0]}, r"labels: the truth has shape \(40, 1\)"),
        (
            ARRAYS["values"] | {"labels": np.where(np.arange(2) == 1, np.nan, TRUTH)},
            "labels: the truth holds .* in row 0",
        ),
        (ARRAYS["values"] | {"labels": TRUTH.astype(str)}, "labels are <U"),
        ({"values": VALUES * np.inf, "labels": TRUTH}, "values of a-0: row 0 holds"),
        ({"mean": VALUES, "variance": 0 * VARIANCE, "labels": TRUTH}, "mean of a-0: row 0 has a variance of 0 or less"),
        (
            {"mean": VALUES, "variance": VARIANCE[:, 1:], "labels": TRUTH},
            r"variance have shape \(3, 39, 2\); give \(3, 40",
        ),
        ({"mean": VALUES, "labels": TRUTH}, "holds mean, labels; give one of"),
        ({"likelihood": -OF_LABELS, "labels": LABELS}, "likelihood of a-0: row 0 has .*; give natural logarithms"),
        ({"likelihood": OF_LABELS, "labels": LABELS * 1.5}, "labels are real numbers .*, as of a regression"),
        ({"top_k": 0 * RANKED, "labels": LABELS}, "top_k of a-0: row 0 names a class twice"),
        ({"top_k": RANKED, "top_k_probs": RANKED_PROBS[:, :, ::-1], "labels": LABELS}, "from the highest down"),
        ({"probs": np.exp(LOG_PROBS), "labels": LABELS, "choices": LABELS}, "choices are int64 .* 1 or more"),
        (
            {"probs": np.exp(LOG_PROBS), "labels": LABELS, "choices": 0 * LABELS + 2},
            "label 2 in row 2, which has 2 choices",
        ),
        (
            {"probs": np.exp(LOG_PROBS), "labels": np.minimum(LABELS, 2), "choices": 0 * LABELS + 3},
            "probs of a-0: row 0 does not sum to one",
        ),
        (
            {"top1": RANKED[:, :, 0], "labels": 0 * LABELS, "choices": 0 * LABELS + 1, "classes": [*"vwxyz"]},
            r"top1 of a-0: label \d in row \d, which has 1 choices",
        ),
        (
            {"probs": np.exp(LOG_PROBS), "labels": np.eye(CLASSES, dtype=int)[LABELS] | np.eye(CLASSES, dtype=int)[0]},
            "several labels a row .multi-label",
        ),
        ({"test_probs": np.exp(LOG_PROBS), "test_labels": LABELS}, "no validation rows to choose on"),
        (
            {"probs": np.exp(LOG_PROBS), "labels": LABELS, "truth": LABELS},
            "holds labels under two names; leave truth away",
        ),
    ],
)
def test_what_a_form_cannot_be_is_refused_with_its_file(tmp_path: Path, arrays: dict[str, Any], message: str) -> None:
    with pytest.raises(PredictionsError, match=message) as caught:
        collected(tmp_path, **arrays)
    assert str(tmp_path / "a.npz") in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "pool").exists()
