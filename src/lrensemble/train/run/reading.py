"""The data that runs learn, read by name: arrays, or texts in the tokens of the model that learns them."""

from __future__ import annotations

from pathlib import Path

from lrensemble.config import Base, DataSettings, Recipe, SplitSettings
from lrensemble.data import SOURCES, Learnable, load, of_recipe
from lrensemble.data.dataset import require_inside
from lrensemble.errors import ConfigError, DataError
from lrensemble.language.base import base_of
from lrensemble.language.source import TEXTS
from lrensemble.models import MODELS
from lrensemble.registry import known_paths_only, require_known_paths
from lrensemble.spec import Spec


def check_source(source: Spec) -> None:
    """Refuse a data set that is unknown, or an argument that it does not take.

    Raises:
        UnknownNameError, SpecError: with what is known.
    """
    (TEXTS if source.name in TEXTS else SOURCES).check(source)


def read(settings: DataSettings, split: SplitSettings, model: Spec) -> Learnable:
    """Read a data set by name and divide its rows.

    Args:
        settings: its name, its arguments, and where its files lie.
        split: how its rows are divided.
        model: what learns it; texts are read in the tokens of its base.

    Raises:
        SpecError: an unknown name or argument, or a base that cannot be used.
        ConfigError: texts, and a model that has no base.
        DataError: a file is missing, damaged or does not fit to another, or there are too few rows.
    """
    if settings.source.name not in TEXTS:
        return load(settings, split)
    return TEXTS.call(settings.source, settings.folder, _base(model), split)


def read_of_recipe(recipe: Recipe, folder: Path | None, *, trust_code: bool = False) -> Learnable:
    """The data set that a member was trained on, read again and recognised. As `lrensemble.data.of_recipe`."""
    if recipe.data.name not in TEXTS:
        return of_recipe(recipe, folder, trust_code=trust_code)
    source = f"the recipe of a member on {recipe.data.name}"
    require_known_paths(source, recipe.data.name, recipe.policy, *recipe.train.names, trust_code=trust_code)
    if not trust_code:
        require_inside(source, recipe.data)
    with known_paths_only(source, trust_code=trust_code):
        dataset = read(DataSettings(source=recipe.data, folder=folder), recipe.split, recipe.model)
    if dataset.fingerprint != recipe.fingerprint:
        raise DataError(
            f"{recipe.data}: these are not the texts, or this is not the base, that the member was trained on; give "
            "its own"
        )
    return dataset


def _base(model: Spec) -> Base:
    """The base that a model names.

    Raises:
        ConfigError: it is no language model, or names none.
    """
    facts = MODELS.facts(model)
    base, revision = model.arguments.get("base"), model.arguments.get("revision")
    if not facts.sequences or not isinstance(base, str):
        able = ", ".join(name for name in MODELS if MODELS.facts(name).sequences)
        raise ConfigError(
            f"model = {model} does not say in whose tokens the texts are to be read; choose from {able}, and give base "
            "in [model]"
        )
    return base_of(base, None if revision is None else str(revision))
