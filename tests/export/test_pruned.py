"""A pruned team misses nobody more than those that it has let go."""

import numpy as np
import pytest
from tests.export.conftest import TeamBy

from lrensemble.errors import ExportError, PoolError
from lrensemble.evaluate import Team, validation_of
from lrensemble.export import ensemble_of
from lrensemble.export.pruned import pruned
from lrensemble.pool import Pool
from lrensemble.select import team_score


def by_definition(pool: Pool, team: Team, consensus: str, size: int) -> list[str]:
    """Ids that stay where all teams without one member are scored, again and again."""
    validation, weights = validation_of(pool), dict(zip(team.team, team.weights, strict=True))
    place = {member.id: position for position, member in enumerate(pool.members())}
    left = list(team.team)
    while len(left) > size:
        scores = []
        for out in left:
            rest = [one for one in left if one != out]
            own = [weights[one] for one in rest]
            places = [place[one] for one in rest]
            scores.append(team_score(validation, places, own, metric="nll", consensus=consensus))
        best = max(range(len(left)), key=lambda at: (round(scores[at], 10), at))
        left.pop(best)
    return left


@pytest.mark.parametrize("consensus", ["mean", "geometric_mean", "tempered"])
@pytest.mark.parametrize("size", [None, 1, 3])
def test_it_is_backward_elimination(pool: Pool, team_by: TeamBy, consensus: str, size: int | None) -> None:
    team = team_by("all", consensus).model_copy(update={"weights": (0.4, 0.3, 0.2, 0.1)})
    made = pruned(ensemble_of(pool, team), pool, size=size)
    kept = [part.id for part in made.description.parts]
    assert kept == by_definition(pool, team, consensus, 2 if size is None else size)
    weights = np.array([dict(zip(team.team, team.weights, strict=True))[one] for one in kept])
    np.testing.assert_allclose(made.description.weights, weights / weights.sum())
    assert len(made.members) == len(kept)


def test_what_its_consensus_learned_is_learned_anew(pool: Pool, team_by: TeamBy) -> None:
    team = team_by("all", "stacking")
    made = pruned(ensemble_of(pool, team), pool)
    coefficients = made.description.consensus.arguments["coefficients"]
    assert isinstance(coefficients, tuple)
    assert {len(row) for row in coefficients if isinstance(row, tuple)} == {2}
    inputs = np.zeros((3, 2, 6, 5), dtype=np.uint8)
    np.testing.assert_allclose(made.predict_proba(inputs).sum(axis=1), 1)


def test_what_cannot_be_pruned(pool: Pool, team_by: TeamBy) -> None:
    with pytest.raises(ExportError, match="a team of 1 is not pruned"):
        pruned(ensemble_of(pool, team_by("best")), pool)
    ensemble = ensemble_of(pool, team_by("all"))
    with pytest.raises(ExportError, match="size = 4 is refused: the team has 4 members; give 1 to 3"):
        pruned(ensemble, pool, size=4)
    strange = ensemble.description.parts[0].model_copy(update={"id": "nobody"})
    changed = ensemble.description.model_copy(update={"parts": (strange, *ensemble.description.parts[1:])})
    ensemble.description = changed
    with pytest.raises(PoolError, match="has no member nobody"):
        pruned(ensemble, pool)
