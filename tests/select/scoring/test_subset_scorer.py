"""Folds that share the scores of their rows: each has those that it has by itself."""

import numpy as np
import pytest

from lrensemble.select import Validation, team_score
from lrensemble.select.scoring import subset_scorer
from lrensemble.select.scoring.every_team import score_every_team


@pytest.mark.parametrize("ways", [{"FEW": 0}, {"FEW": 0, "SOME": 0}], ids=["arrays", "kernels"])
@pytest.mark.parametrize("consensus", ["mean", "plurality", "geometric_mean"])
@pytest.mark.parametrize("metric", ["accuracy", "nll", "brier"])
def test_folds_have_the_scores_of_the_definition(
    metric: str, consensus: str, ways: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Folds of rows that count once or twice, a fold that counts none of some, and views with weights of their own."""
    for limit, value in ways.items():
        monkeypatch.setattr(subset_scorer, limit, value)
    generator = np.random.default_rng(3)
    validation = Validation(np.log(generator.dirichlet(np.ones(3), size=(4, 50))), generator.integers(0, 3, 50))
    fold, times = generator.integers(0, 3, 50), generator.integers(1, 3, 50).astype(float)
    in_folds = times * (fold != np.arange(3)[:, None])
    for weights in (in_folds, in_folds[:1], generator.integers(1, 9, (4, 50)).astype(float)):
        for view in validation.resampled(weights):
            scores = score_every_team(view, metric, consensus, None)
            for mask in range(1, 16):
                team = [member for member in range(4) if mask >> member & 1]
                expected = team_score(view, team, metric=metric, consensus=consensus)
                assert scores[mask] == pytest.approx(expected, abs=1e-12)
