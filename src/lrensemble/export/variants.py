"""Variants of a team that can be exported, by name: the whole team, a cascade, or one network in its place."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from lrensemble.config import Recipe, to_record
from lrensemble.data import SOURCES, Dataset, of_recipe
from lrensemble.errors import ExportError
from lrensemble.export.cascade import CascadeQuality
from lrensemble.export.cascade import cascade as cascade_of
from lrensemble.export.distill import distill
from lrensemble.export.ensemble import Ensemble
from lrensemble.export.formats import Kind
from lrensemble.export.pruned import pruned as pruned_of
from lrensemble.export.soup import Soup, soup
from lrensemble.limits import Count
from lrensemble.models import MODELS
from lrensemble.pool import Member, Pool
from lrensemble.registry import Call, Registry, known_paths_only, require_known_paths
from lrensemble.spec import SpecLike
from lrensemble.text.counted import counted


@dataclass(frozen=True)
class Variant:
    """An ensemble, and its figures beside those of its team."""

    ensemble: Ensemble
    figures: dict[str, object] = field(default_factory=dict)
    """Figures by name, ready for JSON: those of a split by the name of the split."""
    what: str = ""
    """What it is, for people: `a soup of 2 members`."""


@dataclass(frozen=True)
class VariantFacts:
    """A variant says what teams it can be made of."""

    of: tuple[Kind, ...] = ("networks",)
    """Teams that it is for."""
    trains: bool = False
    """Whether a network is trained for it, which takes as long as training a member."""


VARIANTS: Registry[Variant, VariantFacts] = Registry("variant", VariantFacts, call=Call(("ensemble", "pool", "data")))
"""Functions of (ensemble, pool, data) that return a `Variant`: the team's ensemble, the pool that it was chosen from,
and the folder of the data set's files where one is given."""


@VARIANTS.register(of=("networks", "adapters", "models"))
def team(ensemble: Ensemble, pool: Pool, data: Path | None) -> Variant:  # noqa: ARG001
    """The whole team: every member predicts every row."""
    return Variant(ensemble, what=_team(ensemble))


def require_averages(ensemble: Ensemble) -> None:
    """Refuse a soup of members whose weights cannot be averaged.

    Raises:
        ExportError: the first that another library runs, or that normalises its inputs in its own way.
    """
    for part in ensemble.description.parts:
        if part.file is not None or part.inputs is not None:
            raise ExportError(
                f"a soup averages weights of networks that were trained here, and member {part.id} ({part.name}) was "
                "trained elsewhere; write the whole team: --as team"
            )


def require_classes(ensemble: Ensemble, name: str) -> None:
    """Refuse a variant that is made by confidence or accuracy, where there is none.

    Raises:
        ExportError: values are predicted.
    """
    if ensemble.description.of_values:
        raise ExportError(
            f"a {name} goes by confidence or accuracy, and this team predicts values; write the whole team: --as team"
        )


@VARIANTS.register(cost=0.5)
def cascade(
    ensemble: Ensemble,
    pool: Pool,
    data: Path | None,  # noqa: ARG001
    *,
    accuracy: float | None = None,
    cost: float | None = None,
) -> Variant:
    """Members in order, each run only on the rows that those before it left undecided (Viola & Jones 2001).

    Args:
        ensemble: ensemble of the team.
        pool: pool that the team was chosen from.
        data: not needed.
        accuracy: minimum validation accuracy of the cascade (fraction).
        cost: maximum cost of the cascade, as a fraction of the team's operations.

    Raises:
        ExportError: one member, both limits at once, or a limit that no cascade of these members meets.
    """
    require_classes(ensemble, "cascade")
    found = cascade_of(ensemble, pool, accuracy=accuracy, cost=cost)
    return Variant(found.ensemble, {"val": figures_of(found.expected)}, f"a cascade of {_team(ensemble)}")


@VARIANTS.register
def pruned(
    ensemble: Ensemble,
    pool: Pool,
    data: Path | None,  # noqa: ARG001
    *,
    size: Count | None = None,
) -> Variant:
    """The team without the members that it misses least on `val` (Margineantu & Dietterich 1997).

    Args:
        ensemble: ensemble of the team.
        pool: pool that the team was chosen from.
        data: not needed.
        size: how many members stay; half of them, rounded up, unless given.

    Raises:
        ExportError: fewer than three members, or a size that is none of a smaller team.
    """
    made = pruned_of(ensemble, pool, size=size)
    kept = [part.id for part in made.description.parts]
    return Variant(made, {"members": kept}, f"{counted(len(kept), 'member')} of {_team(ensemble)}")


@VARIANTS.register("uniform-soup")
def uniform_soup(ensemble: Ensemble, pool: Pool, data: Path | None) -> Variant:
    """One network: the mean of the weights of all members that are connected with the best (Wortsman et al. 2022).

    Raises:
        ExportError: members of several architectures or of other tools, fewer than two, or none that is connected with
            the best one.
        DataError: the data set cannot be read again, or is another one.
    """
    require_classes(ensemble, "soup")
    require_averages(ensemble)
    dataset, _ = data_of(ensemble, pool, data)
    return _of_soup(soup(ensemble, dataset, kind="uniform"), "uniform")


@VARIANTS.register("greedy-soup")
def greedy_soup(ensemble: Ensemble, pool: Pool, data: Path | None) -> Variant:
    """One network: the mean of the weights of those members that do not lower its accuracy (Wortsman et al. 2022).

    Raises:
        ExportError: members of several architectures or of other tools, fewer than two, or none that is connected with
            the best one.
        DataError: the data set cannot be read again, or is another one.
    """
    require_classes(ensemble, "soup")
    require_averages(ensemble)
    dataset, _ = data_of(ensemble, pool, data)
    return _of_soup(soup(ensemble, dataset, kind="greedy"), "greedy")


@VARIANTS.register(trains=True)
def student(ensemble: Ensemble, pool: Pool, data: Path | None, *, epochs: Count | None = None) -> Variant:
    """One network, distilled from the team (Hinton et al. 2015), trained as its member that is most accurate on `val`.

    Args:
        ensemble: ensemble of the team.
        pool: pool that the team was chosen from.
        data: folder of the data set's files, for sets that lie in one.
        epochs: epochs of training; those of that member unless given.

    Raises:
        ExportError: no member of the team has a recipe.
        DataError: the data set cannot be read again, or is another one.
    """
    require_classes(ensemble, "student")
    dataset, recipe = data_of(ensemble, pool, data)
    if epochs is not None:
        recipe = recipe.model_copy(update={"train": recipe.train.model_copy(update={"epochs": epochs})})
    made = distill(ensemble, dataset, recipe)
    figures: dict[str, object] = {"val": {"accuracy": made.accuracy, "team_accuracy": made.team_accuracy}}
    return Variant(made.ensemble, figures, f"a student of {_team(ensemble)}")


def most_accurate(pool: Pool, ensemble: Ensemble) -> Member:
    """The ensemble's member with a recipe that is most accurate on `val`: the one network in place of the team is
    trained as it was.

    Raises:
        ExportError: none of its members has a recipe.
    """
    ids = {part.id for part in ensemble.description.parts}
    members = [member for member in pool.members() if member.id in ids and member.recipe is not None]
    if not members:
        raise ExportError(f"no member of the team in {pool.folder} has a recipe; use members that were trained here")
    return max(members, key=lambda member: member.scores.get("val", {}).get("accuracy", 0.0))


def best_recipe(pool: Pool, ensemble: Ensemble) -> Recipe:
    """Recipe of the ensemble's member that is most accurate on `val`.

    Raises:
        ExportError: none of its members has a recipe.
        UntrustedError: it names code, or a checkpoint of a hub, that is not trusted.
    """
    best = most_accurate(pool, ensemble)
    recipe = to_record(Recipe, best.recipe, f"member {best.id}")
    source = f"member {best.id} of {pool.folder}"
    specs: list[SpecLike] = [recipe.model, recipe.policy, recipe.data.name, *recipe.train.names]
    require_known_paths(source, *specs, trust_code=pool.trust_code)
    with known_paths_only(source, trust_code=pool.trust_code):
        MODELS.check(recipe.model)
        SOURCES.check(recipe.data)
    return recipe


def data_of(ensemble: Ensemble, pool: Pool, folder: Path | None) -> tuple[Dataset, Recipe]:
    """Data set that the members were trained on, and the recipe of the best one.

    Raises:
        ExportError, UntrustedError: as `best_recipe` does.
        DataError: the data set cannot be read again, or is another one.
    """
    recipe = best_recipe(pool, ensemble)
    return of_recipe(recipe, folder, trust_code=pool.trust_code), recipe


def figures_of(quality: CascadeQuality) -> dict[str, float]:
    """Figures of a cascade on a split, ready for JSON."""
    return {name: float(value) for name, value in vars(quality).items()}


def _of_soup(made: Soup, kind: str) -> Variant:
    count, val = len(made.ingredients), {"accuracy": made.accuracy, "team_accuracy": made.team_accuracy}
    figures: dict[str, object] = {"val": val, "ingredients": list(made.ingredients), "barriers": made.barriers}
    return Variant(made.ensemble, figures, f"a {kind} soup of {counted(count, 'member')}")


def _team(ensemble: Ensemble) -> str:
    return f"a team of {len(ensemble.description.parts)}"
