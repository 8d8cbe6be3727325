"""The data that members were trained on, read again and recognised."""

from __future__ import annotations

from pathlib import Path

from lrensemble.config import DataSettings, Recipe, to_record
from lrensemble.data import Dataset, load
from lrensemble.errors import DataError, ExportError
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


def dataset_of(recipe: Recipe, folder: Path | None) -> Dataset:
    """The data set of a recipe.

    Args:
        recipe: of a member.
        folder: where the files lie, for sources that need one.

    Raises:
        DataError: the files cannot be read, or are not those that the member was trained on.
    """
    dataset = load(DataSettings(source=recipe.data, folder=folder), recipe.split)
    if dataset.fingerprint != recipe.fingerprint:
        raise DataError(f"{recipe.data}: these are not the rows that the member was trained on; give its own files")
    return dataset
