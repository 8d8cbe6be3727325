"""Whether a selection is owed to chance: resampled rows, by hand and where there is nothing to choose."""

import numpy as np
import pytest

from lrensemble.consensus import combine, fit
from lrensemble.errors import SelectionError
from lrensemble.metrics import score
from lrensemble.select import Validation, cross_fit, select, stability, team_score

MEMBERS, ROWS, CLASSES = 5, 73, 3


def validation_of(seed: int, advantage: float = 0.0) -> Validation:
    """Members that guess, the first of them better by `advantage`."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(CLASSES, size=ROWS)
    logits = generator.normal(size=(MEMBERS, ROWS, CLASSES))
    logits[0, np.arange(ROWS), labels] += advantage
    return Validation(logits - np.log(np.exp(logits).sum(axis=2, keepdims=True)), labels)


def test_by_hand() -> None:
    validation = validation_of(0, advantage=0.5)
    generator = np.random.default_rng(7)
    optimism, chosen = 0.0, np.zeros(MEMBERS)
    for _ in range(4):
        drawn = validation.rows(generator.integers(ROWS, size=ROWS))
        found = select(drawn, "top_k(k=2)", metric="accuracy", seed=7)
        optimism += (found.score - team_score(validation, found.team, metric="accuracy")) / 4
        chosen[list(found.team)] += 1 / 4
    again = stability(validation, "top_k(k=2)", metric="accuracy", seed=7, resamples=4)
    assert again.optimism == pytest.approx(optimism)
    assert again.frequency == tuple(chosen)
    assert again.corrected == pytest.approx(select(validation, "top_k(k=2)", metric="accuracy").score - optimism)
    assert again.resamples == 4


def test_what_a_consensus_learns_on_a_resample_is_not_learned_again_on_the_rows() -> None:
    validation = validation_of(1, advantage=1.0)
    rows = np.random.default_rng(3).integers(ROWS, size=ROWS)
    probs, labels = validation.probs[:, rows], validation.truth[rows]
    learned = fit("stacking", probs, labels)
    inside = score("nll", combine(learned, probs), labels)
    outside = score("nll", combine(learned, validation.probs), validation.truth)
    again = stability(validation, "brute_force(min_size=5)", consensus="stacking", seed=3, resamples=1)
    assert again.optimism == pytest.approx(inside - outside)


def test_a_member_that_is_clearly_better_is_always_chosen() -> None:
    clear = stability(validation_of(2, advantage=6.0), "best", resamples=20)
    assert clear.frequency == (1.0, 0.0, 0.0, 0.0, 0.0)
    guessing = stability(validation_of(6), "best", metric="accuracy", resamples=40)
    assert 0.2 < max(guessing.frequency) < 1
    assert sum(guessing.frequency) == pytest.approx(1)


def test_a_search_among_members_that_guess_is_optimistic_and_the_correction_sees_it() -> None:
    validation = validation_of(3)
    search, nothing = (stability(validation, m, metric="accuracy", resamples=60) for m in ("brute_force", "all"))
    assert search.optimism > 0.03
    assert abs(nothing.optimism) < 0.02
    assert abs(search.corrected - cross_fit(validation, "brute_force", metric="accuracy").score) < 0.08


def test_no_resample_is_refused() -> None:
    with pytest.raises(SelectionError, match="resamples = 0 is refused; give 1 to 100,000"):
        stability(validation_of(0), "best", resamples=0)
