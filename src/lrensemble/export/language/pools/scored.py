"""What one model in place of a team says of the rows that the team was chosen on: it is another model, scored anew."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from lrensemble.config import Base, Recipe, to_record
from lrensemble.errors import ExportError
from lrensemble.evaluate import Team
from lrensemble.export.language.adapters import CONFIG, read_adapter, with_adapters
from lrensemble.export.language.alone import dtype_of
from lrensemble.language.base import base_of, load_base
from lrensemble.language.dataset import SequenceDataset
from lrensemble.language.tokens import token_likelihoods
from lrensemble.pool import Pool
from lrensemble.spec import Spec
from lrensemble.train.run.reading import read_of_recipe


def nll_on_val(pool: Pool, team: Team, place: Path, data: Path, base: Base) -> dict[str, float]:
    """Mean NLL in nats a token on `val`: of the model at a place, of the team, and of the best single member.

    Args:
        pool: of answer tokens.
        team: chosen from it, which the model stands for.
        place: of an adapter of the pool's base, or of a whole model.
        data: folder of the texts that the members were trained on.
        base: their base, where it lies now.

    Raises:
        ExportError: no member of the team has a recipe.
        DataError: these are not the texts that it was trained on.
        SpecError, UntrustedError, StorageError: as `read_of_recipe` and `load_base` do.
    """
    recipe = next((pool[name].recipe for name in team.team if pool[name].recipe is not None), None)
    if recipe is None:
        raise ExportError(f"no member of the team in {pool.folder} has a recipe, which says what it learnt")
    learnt = _on_base(to_record(Recipe, recipe, "member"), base)
    dataset = read_of_recipe(learnt, data, trust_code=pool.trust_code)
    if not isinstance(dataset, SequenceDataset):
        raise ExportError(f"{pool.folder} is of no texts, and its models cannot be scored on them")
    is_adapter = (place / CONFIG).is_file()
    dtype = getattr(torch, dtype_of([pool[name] for name in team.team]))
    model = load_base(dataset.base if is_adapter else base_of(place), dtype=dtype).model
    model = with_adapters(model, ["merged"], [read_adapter(place)]) if is_adapter else model
    said = token_likelihoods(model, dataset.sequences["val"]).main
    own = {member.id: np.asarray(member.predictions("val").main, dtype=np.float64) for member in pool.members()}
    together = np.average([np.exp(own[name]) for name in team.team], axis=0, weights=team.weights)
    return {
        "nll": -float(said.mean(dtype=np.float64)),
        "team_nll": -float(np.log(together).mean()),
        "best_single_nll": min(-float(each.mean()) for each in own.values()),
    }


def _on_base(recipe: Recipe, base: Base) -> Recipe:
    """The recipe with its base where that lies now."""
    arguments = {name: given for name, given in recipe.model.arguments.items() if name not in ("base", "revision")}
    place = {"base": base.path} | ({} if base.revision is None else {"revision": base.revision})
    return recipe.model_copy(update={"model": Spec(recipe.model.name, {**arguments, **place})})
