"""Who wins a tie is decided alike everywhere: as fractions would decide it, in any library, type, kernel and export."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from lrensemble.config import Inputs
from lrensemble.consensus import combine
from lrensemble.export import Ensemble
from lrensemble.export.description import Description, Part
from lrensemble.export.predictions import Predictions
from lrensemble.metrics import METRICS, accuracy
from lrensemble.metrics.diversity.outcomes import outcomes
from lrensemble.numerics import TIE, exponential, likeliest
from lrensemble.select import Validation
from lrensemble.select.scoring.incremental import incremental_team
from lrensemble.select.scoring.kernels.exhaustive.all_teams import block_scorer, split
from lrensemble.select.scoring.team_scores import team_scorer
from lrensemble.spec import Spec
from lrensemble.targets import Classes

Votes = NDArray[np.int64]
KINDS: dict[str, Callable[[NDArray[np.float64]], Any]] = {
    "numpy float64": lambda probs: probs,
    "numpy float32": lambda probs: probs.astype(np.float32),
    "in another order": lambda probs: probs[np.random.default_rng(1).permutation(len(probs))],
    "torch float64": torch.from_numpy,
    "torch float32": lambda probs: torch.from_numpy(probs).float(),
    "stored": lambda probs: np.exp(stored(probs).astype(np.float64)),
}


def votes_of(members: int, rows: int, classes: int, of: int, seed: int) -> Votes:
    """[member, sample, class] how many of `of` votes each member gives each class."""
    drawn = np.random.default_rng(seed).multinomial(of, np.full(classes, 1 / classes), size=(members, rows))
    return np.asarray(drawn, dtype=np.int64)


def stored(probs: NDArray[np.float64]) -> NDArray[np.float32]:
    """Log-probabilities as a pool keeps them."""
    with np.errstate(divide="ignore"):
        return np.maximum(np.log(probs), -1e4).astype(np.float32)


def decided(votes: Votes, counts: Votes | None = None) -> Votes:
    """[sample] the lowest of the likeliest classes under the mean: fractions of one denominator, so whole numbers."""
    counts = np.ones(len(votes), dtype=np.int64) if counts is None else counts
    return np.asarray(np.einsum("m,msc->sc", counts, votes).argmax(axis=1))


@pytest.mark.parametrize("of", [pytest.param(of, marks=[pytest.mark.long] * (of % 3 > 0)) for of in range(3, 13)])
@pytest.mark.parametrize(("members", "classes"), [(2, 2), (3, 10), (5, 3), (10, 4), (20, 7), (40, 5)])
def test_means_of_vote_like_probabilities(of: int, members: int, classes: int) -> None:
    votes = votes_of(members, 60, classes, of, seed=of * members)
    for name, kind in KINDS.items():
        out = combine("mean", kind(votes / of))
        np.testing.assert_array_equal(np.asarray(likeliest(out)), decided(votes), err_msg=name)


def test_rounding_alone_decides_otherwise() -> None:
    """Else the test above proves nothing: without a tolerance 1 row in 50 or more goes to a higher class."""
    wrong = []
    for kind in KINDS:
        for of in range(3, 13):
            votes = votes_of(10, 200, 4, of, seed=of)
            out = np.asarray(combine("mean", KINDS[kind](votes / of)))
            wrong.append(np.mean(out.argmax(axis=1) != decided(votes)))
    assert np.mean(wrong) > 0.02


def test_the_likeliest_by_hand() -> None:
    for kind in (np.float64, np.float32):
        exact = np.array([[0.2, 0.4, 0.4], [0.3, 0.4 - 5e-7, 0.4], [0.3, 0.4 - 5e-6, 0.4], [0, 0, 0]], dtype=kind)
        assert likeliest(exact).tolist() == [1, 1, 2, 0]
        assert likeliest(torch.from_numpy(exact)).tolist() == [1, 1, 2, 0]
        assert likeliest(exact.T, axis=0).tolist() == [1, 1, 2, 0]
    three = np.array([1 - 1.4 * TIE, 1 - 0.7 * TIE, 1.0]) / 3  # the first ties with the second, not with the highest
    assert likeliest(three) == 1
    for scale in (1.0, 1e-3, 1e-9):  # ties are relative
        assert likeliest(np.array([scale * (1 - TIE / 2), scale])) == 0
        assert likeliest(np.array([scale * (1 - 2 * TIE), scale])) == 1


def test_metrics_and_outcomes_ask_the_same() -> None:
    nearly = np.array([[0.5 - 1e-7, 0.5 + 1e-7], [0.4, 0.6]])
    assert accuracy(nearly, np.array([0, 1])) == 1
    assert accuracy(nearly, np.array([1, 1])) == 0.5
    assert outcomes(nearly[None], np.array([0, 1])).predicted.tolist() == [[0, 1]]
    assert METRICS.call("ece", nearly, np.array([0, 1])) == pytest.approx((0.5 + 0.4) / 2, abs=1e-6)
    six = np.array([[1, 1, 1, 1, 1 + 1e-7, 1 - 1e-7]]) / 6
    assert [METRICS.call("top_k_accuracy(k=5)", six, np.array([label])) for label in range(6)] == [1, 1, 1, 1, 1, 0]
    falling = np.array([[0.9, 1e-7, 8e-8, 6e-8, 4e-8, 2e-8, 0.1]])  # small probabilities keep their order
    five = [METRICS.call("top_k_accuracy(k=5)", falling, np.array([label])) for label in range(7)]
    assert five == [1, 1, 1, 1, 0, 0, 1]


def test_votes_and_ranks_share_what_ties() -> None:
    probs = np.array([[[0.3, 0.3 + 1e-7, 0.4 - 1e-7]], [[0.5 - 1e-7, 0.5, 1e-7]]])
    np.testing.assert_allclose(combine("plurality", probs), [[0.5, 0, 0.5]])
    np.testing.assert_allclose(combine("borda", probs), [[4 / 12, 4 / 12, 4 / 12]])
    halves = np.eye(2)[[[0], [0], [0], [1], [1], [1]]]
    for kind in KINDS.values():
        assert np.asarray(likeliest(combine("majority", kind(halves)))).tolist() == [0]
        np.testing.assert_allclose(np.asarray(combine("median", kind(halves))), [[0.5, 0.5]], atol=1e-6)


def test_a_tie_of_three_in_ranks_loses_no_points() -> None:
    three = np.array([[[1 - 1.4 * TIE, 1 - 0.7 * TIE, 1.0]]]) / 3
    np.testing.assert_allclose(combine("borda", three), [[1.5 / 6, 2 / 6, 2.5 / 6]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("of", [3, 5, 7, 12])
def test_every_kernel_counts_the_rows_that_fractions_count(of: int, dtype: type) -> None:
    members, rows, classes = 5, 70, 4
    votes = votes_of(members, rows, classes, of, seed=of)
    labels = np.random.default_rng(of).integers(classes, size=rows)
    validation = Validation(stored(votes / of).astype(dtype), labels)
    masks = (np.arange(1, 1 << members)[:, None] >> np.arange(members)) & 1
    right = [int((decided(votes[mask > 0]) == labels).sum()) for mask in masks]
    every = block_scorer(validation, "accuracy", "mean")
    assert every is not None
    assert np.round(every(split(members))[1:] * rows).tolist() == right
    assert np.round(team_scorer(validation, "accuracy", "mean")(masks.astype(float)) * rows).tolist() == right
    grown, counts = incremental_team(validation, "accuracy", "mean"), np.zeros(members, dtype=np.int64)
    for member in (3, 0, 3, 1, 4, 3, 2):
        found = np.round(grown.scores(np.arange(members)) * rows).tolist()
        added = [decided(votes, counts + np.eye(members, dtype=np.int64)[one]) for one in range(members)]
        assert found == [int((one == labels).sum()) for one in added]
        grown, counts[member] = grown.added(member), counts[member] + 1


def saying(votes: Votes, of: int) -> Ensemble:
    """An ensemble that says these probabilities when given the number of a row, one-hot."""
    members, rows, classes = votes.shape
    networks = []
    for own in stored(votes / of):
        network = nn.Linear(rows, classes, bias=False)
        network.weight = nn.Parameter(torch.from_numpy(own.T.copy()))
        networks.append(network)
    description = Description(
        task="votes",
        target=Classes(names=tuple(f"class {label}" for label in range(classes))),
        inputs=Inputs(shape=(rows,), dtype="float32", mean=(0.0,) * rows, std=(1.0,) * rows),
        parts=tuple(Part(id=str(one), name=str(one), model=Spec("mlp")) for one in range(members)),
        weights=tuple(1 / members for _ in range(members)),
        consensus=Spec("mean"),
        method="all",
    )
    return Ensemble(networks, description)


@pytest.mark.parametrize(("members", "classes", "of"), [(2, 3, 5), (3, 10, 3), (6, 4, 7), (40, 2, 12)])
def test_an_exported_ensemble_decides_the_same(members: int, classes: int, of: int) -> None:
    rows = 90
    votes = votes_of(members, rows, classes, of, seed=members)
    ensemble, inputs = saying(votes, of), np.eye(rows, dtype=np.float32)
    expected = decided(votes)
    assert ensemble.predict(inputs).tolist() == [f"class {label}" for label in expected]
    table = Predictions(ensemble.description.target, ("a",) * rows, tuple(range(rows)), ensemble.predict_proba(inputs))
    assert table.labels == [f"class {label}" for label in expected]


@pytest.mark.parametrize(("members", "classes", "of"), [(3, 10, 3), pytest.param(12, 4, 7, marks=pytest.mark.long)])
def test_programs_decide_the_same(members: int, classes: int, of: int, tmp_path: Path) -> None:
    runtime = pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed: lrensemble[onnx]")
    pytest.importorskip("onnxscript", reason="onnxscript is not installed: lrensemble[onnx]")
    from lrensemble.export.onnx import export_onnx
    from lrensemble.export.torch_program import export_torch

    rows = 90
    votes = votes_of(members, rows, classes, of, seed=members)
    ensemble = saying(votes, of)
    export_onnx(ensemble, tmp_path / "ensemble.onnx")
    session = runtime.InferenceSession(tmp_path / "ensemble.onnx")
    probs, label = session.run(None, {"inputs": np.eye(rows, dtype=np.float32)})
    assert label.dtype == np.int64
    assert label.tolist() == decided(votes).tolist()
    assert likeliest(probs).tolist() == label.tolist()
    export_torch(ensemble, tmp_path / "ensemble.pt2")
    program = torch.export.load(tmp_path / "ensemble.pt2").module()
    assert program(torch.eye(rows))[1].tolist() == label.tolist()


def test_exponentials_of_halves_are_those_of_numpy() -> None:
    bits = np.random.default_rng(0).permutation(2**16).astype(np.uint16)
    halves = bits.view(np.float16).reshape(128, 512)
    with np.errstate(over="ignore", invalid="ignore"):
        for logs in (halves, halves[:, ::3], halves.T, halves[:5, 7], halves.astype(np.float32)):
            assert np.array_equal(exponential(logs), np.exp(logs.astype(np.float64)), equal_nan=True)
