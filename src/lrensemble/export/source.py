"""The recipe that stands for a team where one network is made of it."""

from __future__ import annotations

from lrensemble.config import Recipe, to_record
from lrensemble.errors import ExportError
from lrensemble.export.ensemble import Ensemble
from lrensemble.pool import Pool


def best_recipe(pool: Pool, ensemble: Ensemble) -> Recipe:
    """The recipe of the ensemble's member that is most accurate on `val`.

    Raises:
        ExportError: none of its members has a recipe.
    """
    ids = {part.id for part in ensemble.description.parts}
    members = [member for member in pool.members() if member.id in ids and member.recipe is not None]
    if not members:
        raise ExportError(f"no member of the team in {pool.folder} has a recipe; use members that were trained here")
    best = max(members, key=lambda member: member.scores.get("val", {}).get("accuracy", 0.0))
    return to_record(Recipe, best.recipe, f"member {best.id}")
