"""The rows of a table of variants: the best single model, the team, and what is made of it, or why it is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lrensemble.data import Dataset
from lrensemble.errors import DataError, LREnsembleError
from lrensemble.evaluate import Team, why_not_chosen
from lrensemble.evaluate.predictors import Predictor
from lrensemble.evaluate.teams import predictor_of
from lrensemble.evaluate.variants.record import SINGLE, TEAM
from lrensemble.evaluate.verdict import in_print
from lrensemble.export.cascade import staged
from lrensemble.export.compared.kept import is_kept, kept_or_made, place_of_variant
from lrensemble.export.compared.row import Row
from lrensemble.export.ensemble import Ensemble
from lrensemble.export.team import ensemble_of
from lrensemble.export.variants import VARIANTS, Variant, best_recipe, most_accurate
from lrensemble.pool import Pool
from lrensemble.spec import Spec
from lrensemble.text import time_in_words
from lrensemble.text.counted import counted

Tell = Callable[[str], object]


def models(pool: Pool, single: Team, team: Team) -> list[Row]:
    """The best single model and the team, with their networks where they are there."""
    name = next(member.name for member in pool.members() if member.id == single.team[0])
    best = f"{name}, the best single model by {in_print(team.metric)} on val"
    rows = [
        Row(SINGLE, best, predictor=Predictor(single.team)),
        Row(TEAM, f"a team of {len(team.team)} by {team.method}", predictor=predictor_of(team)),
    ]
    if len(team.team) == 1:
        rows[1].not_made = "no team beats the best single model on val"
    for row, own in zip(rows, (single, team), strict=True):
        try:
            row.ensemble = ensemble_of(pool, own)
        except LREnsembleError as error:
            row.no_networks = str(error)
    return rows


def variant_of(pool: Pool, team: Team, spec: Spec, whole: Row, data: Path | None, tell: Tell) -> Row:
    """A variant, or the reason why there is none."""
    row = Row(str(spec), str(spec))
    if whole.not_made or whole.ensemble is None:
        row.not_made = whole.not_made or whole.no_networks
        return row
    ensemble = whole.ensemble

    def make() -> Variant:
        return VARIANTS.call(spec, ensemble, pool, data)

    try:
        if VARIANTS.facts(spec).trains and not is_kept(place_of_variant(pool, team, spec)):
            tell(_bound(pool, ensemble, spec))
        made, row.folder = kept_or_made(pool, team, spec, make)
    except Exception as error:  # a row, and not the end
        row.not_made = why_not_chosen(spec, error)
        return row
    row.ensemble, row.what = made.ensemble, made.what or str(spec)
    description = made.ensemble.description
    ids = tuple(part.id for part in description.parts)
    ingredients = made.figures.get("ingredients")
    if isinstance(ingredients, list) and len(ingredients) == 1:  # the very member, and not its weights once more
        row.predictor = Predictor((str(ingredients[0]),))
    elif set(ids) <= set(team.team) and description.stages is None:
        row.predictor = Predictor(ids, description.weights, str(description.consensus))
    return row


def _bound(pool: Pool, ensemble: Ensemble, spec: Spec) -> str:
    """What training a network may cost."""
    member, recipe = most_accurate(pool, ensemble), best_recipe(pool, ensemble)
    given = spec.arguments.get("epochs")
    epochs = given if isinstance(given, int) else recipe.train.epochs
    seconds = None if member.seconds is None else member.seconds * epochs / recipe.train.epochs
    about = "" if seconds is None else f", about {time_in_words(seconds)} by the time of that member"
    most = f"{counted(epochs, 'epoch')} at most"
    return f"{spec}: one network is trained as member {member.name} was, {most}{about}"


def say(row: Row, pool: Pool, split: str, dataset: Dataset | None) -> None:
    """Have a variant that is no member of the pool predict the test rows, without their truth."""
    if row.not_made or row.predictor is not None or row.ensemble is None:
        return
    try:
        if row.ensemble.description.stages is not None:
            row.said, used = staged(row.ensemble, pool, split)
            row.runs = float(used.mean())
            return
        if dataset is None or split not in dataset.rows:
            raise DataError(f"the inputs of {split} are not there to predict; give --data FOLDER of the data set")
        row.said = row.ensemble.in_blocks(dataset.raw(dataset.rows[split]))
        if len(row.said) != pool.task.splits[split].size:
            raise DataError(f"{split} of the data set has {len(row.said)} rows, and that of the pool has others")
    except LREnsembleError as error:
        row.said, row.not_made = None, str(error)
