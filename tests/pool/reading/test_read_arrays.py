"""Arrays by other names, of other types, from files and from memory."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save_file
from scipy.special import log_softmax, softmax
from tests.members import stacked

from lrensemble.errors import PredictionsError
from lrensemble.pool.collect import collect
from lrensemble.pool.collect.reading.tensors import torch_file

MODELS, ROWS, TEST, CLASSES = ("net0", "net1"), 50, 30, 4
GENERATOR = np.random.default_rng(5)
TRUTH, TEST_TRUTH = GENERATOR.permutation(np.arange(ROWS) % CLASSES), GENERATOR.permutation(np.arange(TEST) % CLASSES)
LOGITS = 3 * GENERATOR.normal(size=(2, ROWS, CLASSES)) + 2 * np.eye(CLASSES)[TRUTH]
PROBS = softmax(LOGITS, axis=2)
TEST_PROBS = softmax(GENERATOR.normal(size=(2, TEST, CLASSES)), axis=2)
P1 = 1 / (1 + np.exp(-GENERATOR.normal(size=(2, ROWS))))


def written(folder: Path, **arrays: Any) -> list[Path]:
    """A file a member; arrays [member, …] are divided among them."""
    folder.mkdir(exist_ok=True)
    for m, name in enumerate(MODELS):
        np.savez(
            folder / f"{name}.npz", **{key: array[m] if array.ndim > 1 else array for key, array in arrays.items()}
        )
    return [folder / f"{name}.npz" for name in MODELS]


def is_right(result: Any, *, test: bool = False) -> None:
    pool = result.pool
    assert [member.name for member in pool.members()] == list(MODELS)
    np.testing.assert_allclose(np.exp(stacked(pool, "val")), PROBS, rtol=1e-3, atol=1e-6)
    assert np.array_equal(pool.truth("val"), TRUTH)
    if test:
        np.testing.assert_allclose(np.exp(stacked(pool, "test")), TEST_PROBS, rtol=1e-3, atol=1e-6)
        assert np.array_equal(pool.truth("test"), TEST_TRUTH)


@pytest.mark.parametrize(
    ("predictions", "truth"),
    [
        ("predictions", "ground_truth"),
        ("predictions", "label_ids"),
        ("y_pred", "y_true"),
        ("preds", "y"),
        ("y_score", "y_test"),
        ("outputs", "targets"),
        ("val_preds", "val_labels"),
        ("oof", "target"),
        ("probs_val", "y_val"),
        ("yProba", "yTrue"),
        ("softmax", "gt"),
        ("anything", "labels"),
    ],
)
def test_arrays_by_the_names_of_other_tools(tmp_path: Path, predictions: str, truth: str) -> None:
    result = collect(written(tmp_path, **{predictions: PROBS, truth: TRUTH}), tmp_path / "pool")
    is_right(result)
    assert f"`{truth}` as truth" in result.reading[0] or truth in ("labels", "targets")
    if "prob" not in predictions.lower() and predictions != "softmax":
        generic = collect(written(tmp_path, **{predictions: LOGITS, truth: TRUTH}), tmp_path / "logits")
        is_right(generic)
        assert "as logits" in generic.reading[0]
        is_right(
            collect(written(tmp_path, **{predictions: log_softmax(LOGITS, axis=2), truth: TRUTH}), tmp_path / "logs")
        )


@pytest.mark.parametrize(
    "names",
    [
        ("val_preds", "val_y", "test_preds", "test_y"),
        ("preds_val", "y_val", "preds_test", "y_test"),
        ("oof_preds", "y", "test_preds", "y_test"),
        ("valid_logits", "valid_labels", "test_logits", "test_labels"),
        ("val", "y_val", "test", "y_test"),
    ],
)
def test_both_halves_in_one_file(tmp_path: Path, names: tuple[str, ...]) -> None:
    logits = "logits" in names[0]
    arrays = (LOGITS if logits else PROBS, TRUTH, np.log(TEST_PROBS) if logits else TEST_PROBS, TEST_TRUTH)
    is_right(collect(written(tmp_path, **dict(zip(names, arrays, strict=True))), tmp_path / "pool"), test=True)


def test_an_array_a_model(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", y=TRUTH, **dict(zip(MODELS, PROBS, strict=True)))
    is_right(collect([tmp_path / "a.npz"], tmp_path / "a"))
    both = {f"{name}_val": PROBS[m] for m, name in enumerate(MODELS)}
    both |= {f"{name}_test": TEST_PROBS[m] for m, name in enumerate(MODELS)}
    np.savez(tmp_path / "b.npz", y_val=TRUTH, y_test=TEST_TRUTH, X=np.zeros((ROWS, 7)), **both)
    is_right(collect([tmp_path / "b.npz"], tmp_path / "b"), test=True)
    np.savez(tmp_path / "c.npz", y=TRUTH % 2, **dict(zip(MODELS, P1, strict=True)))
    pool = collect([tmp_path / "c.npz"], tmp_path / "c").pool
    np.testing.assert_allclose(np.exp(stacked(pool, "val"))[..., 1], P1, rtol=1e-4)


def test_tensors_in_files(tmp_path: Path) -> None:
    for m, name in enumerate(MODELS):
        tensors = {"logits": torch.tensor(LOGITS[m]), "labels": torch.tensor(TRUTH)}
        torch.save(tensors, tmp_path / f"{name}.pt")
        save_file({**tensors, "logits": tensors["logits"].bfloat16()}, tmp_path / f"{name}.safetensors")
    is_right(collect([tmp_path / f"{name}.pt" for name in MODELS], tmp_path / "pt"))
    pool = collect([tmp_path / f"{name}.safetensors" for name in MODELS], tmp_path / "st").pool
    rounded = torch.tensor(LOGITS).bfloat16().double().numpy()
    np.testing.assert_allclose(stacked(pool, "val"), log_softmax(rounded, axis=2), rtol=1e-4, atol=1e-5)
    torch.save([torch.tensor(PROBS[0])], tmp_path / "list.pt")
    assert len(collect([tmp_path / "list.pt"], tmp_path / "list", truth=TRUTH).added) == 1
    torch.save({"probs": torch.tensor(PROBS[0]), "args": Path("a")}, tmp_path / "odd.pt")
    with pytest.raises(
        PredictionsError, match=r"odd.pt holds .*beside tensors, and no pickle is ever read; save the tensors"
    ):
        collect([tmp_path / "odd.pt"], tmp_path / "odd")
    (tmp_path / "cut.pt").write_bytes((tmp_path / "net0.pt").read_bytes()[:300])
    with pytest.raises(PredictionsError, match=r"cut.pt .*damaged|cut.pt holds"):
        collect([tmp_path / "cut.pt"], tmp_path / "odd")


@pytest.mark.parametrize(
    "convert",
    [
        lambda a: a,
        lambda a: a.tolist(),
        lambda a: torch.tensor(a, requires_grad=True),
        lambda a: pd.DataFrame(a),
        lambda a: pd.DataFrame(a, columns=[f"prob_{k}" for k in range(CLASSES)]),
    ],
)
@pytest.mark.parametrize("truth", [TRUTH, TRUTH.tolist(), torch.tensor(TRUTH), pd.Series(TRUTH, name="odd")])
def test_objects_in_memory(tmp_path: Path, convert: Any, truth: Any) -> None:
    is_right(collect({name: convert(PROBS[m]) for m, name in enumerate(MODELS)}, tmp_path / "pool", truth=truth))


def test_more_objects_in_memory(tmp_path: Path) -> None:
    half = {name: torch.tensor(LOGITS[m]).bfloat16() for m, name in enumerate(MODELS)}
    pool = collect(half, tmp_path / "half", truth=TRUTH, kind="logits").pool
    np.testing.assert_allclose(np.exp(stacked(pool, "val")), PROBS, atol=0.05)
    both = {name: {"val": PROBS[m], "test": TEST_PROBS[m]} for m, name in enumerate(MODELS)}
    is_right(collect(both, tmp_path / "both", truth={"val": TRUTH, "test": TEST_TRUTH}), test=True)
    stack = collect(PROBS, tmp_path / "stack", truth=TRUTH).pool
    np.testing.assert_allclose(np.exp(stacked(stack, "val")), PROBS, rtol=1e-3)
    order = GENERATOR.permutation(ROWS)
    frames = {name: pd.DataFrame(PROBS[m]).assign(key=np.arange(ROWS)) for m, name in enumerate(MODELS)}
    frames["net1"] = frames["net1"].iloc[order].reset_index(drop=True)
    truth = pd.DataFrame({"key": np.arange(ROWS), "species": TRUTH})
    is_right(collect(frames, tmp_path / "frames", truth=truth, id="key"))
    with pytest.raises(PredictionsError, match="net0 is of type object; give an array, a tensor, a frame"):
        collect({"net0": object()}, tmp_path / "odd", truth=TRUTH)
    with pytest.raises(PredictionsError, match=r"net0 holds .* and no truth|net0 has no labels"):
        collect({"net0": PROBS[0]}, tmp_path / "odd")


@pytest.mark.parametrize(
    "truth",
    [
        TRUTH.astype(float), TRUTH[:, None], TRUTH.astype(np.float32)[:, None], np.eye(CLASSES)[TRUTH],
        np.eye(CLASSES, dtype=bool)[TRUTH], TRUTH.astype(str), TRUTH.astype(np.uint8), TRUTH + 1, TRUTH.astype("S1"),
        np.array(["ant", "bee", "cow", "doe"])[TRUTH], np.array(["ant", "bee", "cow", "doe"])[TRUTH][:, None],
    ],
)  # fmt: skip
def test_labels_in_every_spelling(tmp_path: Path, truth: Any) -> None:
    np.savez(tmp_path / "a.npz", probs=PROBS, labels=truth, names=list(MODELS))
    is_right(collect([tmp_path / "a.npz"], tmp_path / "pool"))


def test_labels_of_two_classes(tmp_path: Path) -> None:
    for place, truth in enumerate((2 * (TRUTH % 2) - 1, (TRUTH % 2).astype(bool), np.array(["no", "yes"])[TRUTH % 2])):
        for single in (P1, P1[..., None], np.stack([1 - P1, P1], axis=-1)):
            np.savez(tmp_path / "a.npz", probs=single, labels=truth)
            pool = collect([tmp_path / "a.npz"], tmp_path / f"pool{place}").pool
            assert np.array_equal(pool.truth("val"), TRUTH % 2)
            np.testing.assert_allclose(np.exp(stacked(pool, "val"))[:2, :, 1], P1, rtol=1e-4)
    assert collect([tmp_path / "a.npz"], tmp_path / "pool2").pool.task.target.names == ("no", "yes")


def test_predicted_labels_in_every_spelling(tmp_path: Path) -> None:
    top1 = PROBS.argmax(axis=2)
    letters = np.array(["ant", "bee", "cow", "doe"])
    for place, (said, truth) in enumerate(
        ((top1, TRUTH), (top1 * 1.0, TRUTH * 1.0), (letters[top1], letters[TRUTH]), (top1.astype(str), TRUTH))
    ):
        np.savez(tmp_path / "a.npz", y_pred=said, y_true=truth)
        pool = collect([tmp_path / "a.npz"], tmp_path / f"pool{place}").pool
        assert [m.scores["val"]["accuracy"] for m in pool.members()] == (top1 == TRUTH).mean(axis=1).tolist()


def test_classes_in_another_order_are_permuted_by_name(tmp_path: Path) -> None:
    letters = np.array(["ant", "bee", "cow", "doe"])
    order = np.array([2, 0, 3, 1])
    np.savez(tmp_path / "net0.npz", probs=PROBS[0], labels=TRUTH, classes=letters)
    np.savez(tmp_path / "net1.npz", probs=PROBS[1][:, order], labels=np.argsort(order)[TRUTH], classes=letters[order])
    paths = [tmp_path / "net0.npz", tmp_path / "net1.npz"]
    result = collect(paths, tmp_path / "pool")
    is_right(result)
    assert any("put in the order of the other files' classes" in line for line in result.reading)
    collect(paths[:1], tmp_path / "later")
    is_right(collect(paths[1:], tmp_path / "later"))


@pytest.mark.parametrize(("decimals", "classes"), [(2, 4), (3, 10), (4, 100), (1, 3)])
def test_rounded_probabilities_are_normalised_and_that_is_said(tmp_path: Path, decimals: int, classes: int) -> None:
    exact = GENERATOR.dirichlet(np.ones(classes), size=(3, 400))
    rounded = np.round(exact, decimals)
    rounded[rounded.sum(axis=2) == 0] = 1 / classes
    np.savez(tmp_path / "a.npz", probs=rounded, labels=np.arange(400) % classes)
    result = collect([tmp_path / "a.npz"], tmp_path / "pool")
    np.testing.assert_allclose(
        np.exp(stacked(result.pool, "val")), rounded / rounded.sum(axis=2, keepdims=True), rtol=1e-3, atol=1e-9
    )
    assert any("are normalised" in line for line in result.reading)


def test_what_sums_to_anything_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", probs=PROBS * 1.05, labels=TRUTH)
    with pytest.raises(PredictionsError, match="row 0 does not sum to one"):
        collect([tmp_path / "a.npz"], tmp_path / "pool")
    np.savez(tmp_path / "b.npz", preds=PROBS * 0.8, labels=TRUTH)
    with pytest.raises(
        PredictionsError, match=r"preds|predictions \[2, 50, 4\] are between .* it holds the arrays .*labels"
    ):
        collect([tmp_path / "b.npz"], tmp_path / "pool")


def test_what_is_unclear_is_refused_with_all_arrays(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", first=PROBS[0], second=PROBS[1][:, :3] / 1, y=TRUTH, gt=TRUTH[::-1])
    with pytest.raises(PredictionsError, match=r"both y and gt may be the truth; .*--truth NAME .*first \[50, 4\]"):
        collect([tmp_path / "a.npz"], tmp_path / "pool")
    is_one = collect([tmp_path / "a.npz"], tmp_path / "pool", truth="y", columns=["first"])
    assert np.array_equal(is_one.pool.truth("val"), TRUTH)
    np.testing.assert_allclose(np.exp(stacked(is_one.pool, "val")), PROBS[:1], rtol=1e-3)


MAPS = Path("/proc/self/maps")
"""Files that this process has mapped, which Linux tells."""


def test_large_files_of_torch_are_mapped_but_for_those_of_old_versions(tmp_path: Path) -> None:
    path, large = tmp_path / "large.pt", torch.arange(2**19, dtype=torch.float32).reshape(-1, 4)
    torch.save({"probs": large}, path)
    found: Any = torch_file(path)
    if MAPS.exists():
        assert str(path) in MAPS.read_text(encoding="utf-8")
    assert torch.equal(found["probs"], large)
    torch.save({"probs": large}, path, _use_new_zipfile_serialization=False)
    old: Any = torch_file(path)
    assert torch.equal(old["probs"], large)
