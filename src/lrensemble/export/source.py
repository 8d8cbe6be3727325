"""The recipe that stands for a team where one network is made of it."""

from __future__ import annotations

from lrensemble.config import Recipe, to_record
from lrensemble.data import SOURCES
from lrensemble.errors import ExportError
from lrensemble.export.ensemble import Ensemble
from lrensemble.models import MODELS
from lrensemble.pool import Pool
from lrensemble.registry import known_paths_only, require_known_paths
from lrensemble.spec import SpecLike


def best_recipe(pool: Pool, ensemble: Ensemble) -> Recipe:
    """The recipe of the ensemble's member that is most accurate on `val`.

    Raises:
        ExportError: none of its members has a recipe.
        UntrustedError: it names code, or something of a hub, that nobody has asked for.
    """
    ids = {part.id for part in ensemble.description.parts}
    members = [member for member in pool.members() if member.id in ids and member.recipe is not None]
    if not members:
        raise ExportError(f"no member of the team in {pool.folder} has a recipe; use members that were trained here")
    best = max(members, key=lambda member: member.scores.get("val", {}).get("accuracy", 0.0))
    recipe = to_record(Recipe, best.recipe, f"member {best.id}")
    source = f"member {best.id} of {pool.folder}"
    specs: tuple[SpecLike, ...] = (
        recipe.model,
        recipe.policy,
        recipe.data.name,
        recipe.train.optimizer,
        *recipe.train.augment,
    )
    require_known_paths(source, *specs, trust_code=pool.trust_code)
    with known_paths_only(source, trust_code=pool.trust_code):
        MODELS.check(recipe.model)
        SOURCES.check(recipe.data)
    return recipe
