"""A variant is called better only where its rows say so, after all rows of the table are counted."""

import numpy as np
import pytest
from tests.evaluate.pools import blocks, pool_of, said

from lrensemble.evaluate import gains
from lrensemble.evaluate.predictors import Predictor
from lrensemble.evaluate.variants.measured import VariantScores, measured
from lrensemble.pool import Pool

ROWS, CLASSES = 400, 3
LABELS = np.arange(ROWS) % CLASSES


def softened(probs: np.ndarray, temperature: float) -> np.ndarray:
    powers = probs ** (1 / temperature)
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Pool:
    """Two members that are wrong on a fifth of the rows each, and too sure."""
    right = blocks(ROWS, ((0.0, 0.2), (0.4, 0.6)))
    probs = np.stack([said(LABELS, each, CLASSES, 0.999) for each in right])
    return pool_of(tmp_path_factory.mktemp("pool"), (LABELS, probs), (LABELS, probs))


@pytest.fixture(scope="module")
def extra() -> dict[str, np.ndarray]:
    """Variants by what they say."""
    single = said(LABELS, blocks(ROWS, ((0.0, 0.2),))[0], CLASSES, 0.999)
    return {
        "calibrated": softened(single, 6.0),
        "right": said(LABELS, blocks(ROWS, ((0.0, 0.05),))[0], CLASSES, 0.9),
        "wrong": said(LABELS, blocks(ROWS, ((0.0, 0.5),))[0], CLASSES, 0.999),
        "hardly": said(LABELS, blocks(ROWS, ((0.0, 0.195),))[0], CLASSES, 0.999),
        "same": single,
    }


@pytest.fixture(scope="module")
def found(pool: Pool, extra: dict[str, np.ndarray]) -> dict[str, VariantScores]:
    first, second = (member.id for member in pool.members())
    predictors = {
        "best single": Predictor((first,)),
        "team": Predictor((first, second), (0.5, 0.5), "mean"),
        "pruned": Predictor((second,)),
    }
    same = np.exp(pool.members()[0].predictions("test").dense(CLASSES).astype(np.float64))
    return measured(pool, "test", "nll", predictors, extra | {"same": same})


def test_outcomes(found: dict[str, VariantScores]) -> None:
    kinds = {name: each.kind for name, each in found.items()}
    assert kinds == {
        "best single": None,
        "team": "better",
        "pruned": "no reliable difference",
        "calibrated": "no reliable difference",  # a temperature does as much
        "right": "better",
        "wrong": "worse",
        "hardly": "no reliable difference",
        "same": "the same",
    }


def test_a_gain_by_calibration_alone_is_there_and_does_not_count(found: dict[str, VariantScores]) -> None:
    gain = found["calibrated"].gain["nll"]
    assert gain.reliable_in_table
    assert gain.value > 0
    assert found["calibrated"].gain["accuracy"].value == 0
    assert found["calibrated"].over_tempered["nll"].value < gain.value / 10


def test_gains_are_paired_and_adjusted_for_all_rows(
    found: dict[str, VariantScores], extra: dict[str, np.ndarray]
) -> None:
    single = np.exp(np.log(said(LABELS, blocks(ROWS, ((0.0, 0.2),))[0], CLASSES, 0.999)).astype(np.float32))
    alone = gains(extra["hardly"], single.astype(np.float64), LABELS)
    for metric in ("nll", "accuracy"):
        own = found["hardly"].gain[metric]
        assert own.value == pytest.approx(alone[metric].value, rel=1e-5)
        assert own.adjusted_p is not None
        assert own.adjusted_p > 1.5 * own.p_value
    assert found["right"].over_team["accuracy"].value == pytest.approx(
        (found["right"].test.accuracy or 0) - (found["team"].test.accuracy or 0)
    )
    assert found["team"].over_team == {}


def test_scores_by_hand(found: dict[str, VariantScores]) -> None:
    assert found["best single"].test.accuracy == pytest.approx(0.8)
    assert found["right"].test.nll == pytest.approx(-(0.95 * np.log(0.9) + 0.05 * np.log(0.05)))


def test_only_a_single_model_is_measured_alone(pool: Pool) -> None:
    alone = measured(pool, "test", "nll", {"best single": Predictor((pool.members()[0].id,))}, {})
    assert alone["best single"].test.accuracy == pytest.approx(0.8)
    assert (alone["best single"].gain, alone["best single"].kind) == ({}, None)
