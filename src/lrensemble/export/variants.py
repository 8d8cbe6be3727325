"""What is made of a team before it is written, by name: the team as it is, a cascade, or one network in its place."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from lrensemble.config import Recipe, to_record
from lrensemble.data import SOURCES, Dataset, of_recipe
from lrensemble.errors import ExportError
from lrensemble.export.cascade import Balance, measure
from lrensemble.export.cascade import cascade as cascade_of
from lrensemble.export.distill import distill
from lrensemble.export.ensemble import Ensemble
from lrensemble.export.soup import Soup, soup
from lrensemble.models import MODELS
from lrensemble.pool import Pool
from lrensemble.registry import Call, Registry, known_paths_only, require_known_paths
from lrensemble.spec import SpecLike


@dataclass(frozen=True)
class Variant:
    """An ensemble, and what is known of it beside its team."""

    ensemble: Ensemble
    known: dict[str, object] = field(default_factory=dict)
    """Figures by name, ready for JSON: those of a split by the name of the split."""


VARIANTS: Registry[Variant] = Registry("variant", call=Call(("ensemble", "pool", "data")))
"""Functions of (ensemble, pool, data) that return a `Variant`: the team's ensemble, the pool that it was chosen from,
and the folder of the data set's files where one is given."""


@VARIANTS.register
def team(ensemble: Ensemble, pool: Pool, data: Path | None) -> Variant:  # noqa: ARG001
    """The whole team: every member predicts every row."""
    return Variant(ensemble)


@VARIANTS.register(cost=0.5)
def cascade(
    ensemble: Ensemble,
    pool: Pool,
    data: Path | None,  # noqa: ARG001
    *,
    accuracy: float | None = None,
    cost: float | None = None,
) -> Variant:
    """Members in order, each asked only for the rows that those before it are unsure of (Viola & Jones 2001).

    Args:
        ensemble: of the team.
        pool: that the team was chosen from.
        data: is not needed.
        accuracy: minimum validation accuracy of the cascade (fraction).
        cost: maximum cost of the cascade, as a share of the team's operations.

    Raises:
        ExportError: one member, both wishes at once, or a wish that no cascade of these members fulfils.
    """
    found = cascade_of(ensemble, pool, accuracy=accuracy, cost=cost)
    known: dict[str, object] = {"val": _figures(found.expected)}
    if "test" in pool.task.splits:
        measured = measure(found.ensemble, pool)
        known |= {"test": _figures(measured), "reaches_team": measured.reaches_team}
    return Variant(found.ensemble, known)


@VARIANTS.register("uniform-soup")
def uniform_soup(ensemble: Ensemble, pool: Pool, data: Path | None) -> Variant:
    """One network: the mean of the weights of all members that are connected with the best (Wortsman et al. 2022).

    Raises:
        ExportError: members of several architectures, fewer than two, or none that is connected with the best one.
        DataError: the data set cannot be read again, or is another one.
    """
    dataset, _ = _data_of(ensemble, pool, data)
    return _of_soup(soup(ensemble, dataset, kind="uniform"))


@VARIANTS.register("greedy-soup")
def greedy_soup(ensemble: Ensemble, pool: Pool, data: Path | None) -> Variant:
    """One network: the mean of the weights of those members that do not lower its accuracy (Wortsman et al. 2022).

    Raises:
        ExportError: members of several architectures, fewer than two, or none that is connected with the best one.
        DataError: the data set cannot be read again, or is another one.
    """
    dataset, _ = _data_of(ensemble, pool, data)
    return _of_soup(soup(ensemble, dataset, kind="greedy"))


@VARIANTS.register
def student(ensemble: Ensemble, pool: Pool, data: Path | None) -> Variant:
    """One network, trained to say what the team says (Hinton et al. 2015).

    Raises:
        ExportError: no member of the team has a recipe.
        DataError: the data set cannot be read again, or is another one.
    """
    dataset, recipe = _data_of(ensemble, pool, data)
    made = distill(ensemble, dataset, recipe)
    return Variant(made.ensemble, {"val": {"accuracy": made.accuracy, "team_accuracy": made.team_accuracy}})


def best_recipe(pool: Pool, ensemble: Ensemble) -> Recipe:
    """The recipe of the ensemble's member that is most accurate on `val`: it stands for the team in one network.

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
    specs: list[SpecLike] = [recipe.model, recipe.policy, recipe.data.name, recipe.train.optimizer]
    specs += recipe.train.augment
    require_known_paths(source, *specs, trust_code=pool.trust_code)
    with known_paths_only(source, trust_code=pool.trust_code):
        MODELS.check(recipe.model)
        SOURCES.check(recipe.data)
    return recipe


def _data_of(ensemble: Ensemble, pool: Pool, folder: Path | None) -> tuple[Dataset, Recipe]:
    """The data set that the members were trained on, and the recipe that stands for them."""
    recipe = best_recipe(pool, ensemble)
    return of_recipe(recipe, folder, trust_code=pool.trust_code), recipe


def _figures(balance: Balance) -> dict[str, float]:
    return {name: float(value) for name, value in vars(balance).items()}


def _of_soup(made: Soup) -> Variant:
    val = {"accuracy": made.accuracy, "team_accuracy": made.team_accuracy}
    return Variant(made.ensemble, {"val": val, "ingredients": list(made.ingredients), "barriers": made.barriers})
