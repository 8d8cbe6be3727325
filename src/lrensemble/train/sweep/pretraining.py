"""The base that an experiment pre-trains: made, or found in the cache, before anything is read in its tokens."""

from __future__ import annotations

import logging
from pathlib import Path

from lrensemble.config import Experiment, PretrainSettings
from lrensemble.data.cache import cache_folder
from lrensemble.data.source import need_folder
from lrensemble.errors import ConfigError
from lrensemble.language.pretrain import is_kept, pretrained
from lrensemble.language.texts import TextFile, diet
from lrensemble.models import MODELS
from lrensemble.spec import Spec

logger = logging.getLogger(__name__)

PLACEHOLDER = "the pre-trained base"
"""Stands for the base while names and arguments are checked, before minutes are spent on it."""


def with_base(experiment: Experiment) -> Experiment:
    """The experiment with its pre-trained base as `model.base`; as it is where it has no `[pretrain]`.

    Raises:
        ConfigError: the model is no language model, or names a base as well.
        DataError: no folder of texts, or one that cannot be used.
        SpecError: settings that contradict each other.
        StorageError: a file cannot be read, or the cache not be written.
        TrainingError: the loss is not finite any more.
        MissingExtraError: `transformers` is not installed.
    """
    settings = experiment.pretrain
    if settings is None:
        return experiment
    with_placeholder(experiment)
    files = texts_of(settings, experiment.data.folder)
    if not is_kept(files, settings.settings):
        logger.warning(
            "the base is not in %s yet: it is pre-trained first, once, for %d steps on one thread",
            cache_folder(),
            settings.steps,
        )
    return _based(experiment, str(pretrained(files, settings.settings).folder))


def with_placeholder(experiment: Experiment) -> Experiment:
    """The same as long as the base is not there: for checks of names and arguments.

    Raises:
        ConfigError: as `with_base`.
    """
    if experiment.pretrain is None:
        return experiment
    model = experiment.model
    if not MODELS.facts(model).sequences:
        able = ", ".join(name for name in MODELS if MODELS.facts(name).sequences)
        raise ConfigError(f"[pretrain] makes the base of language models, and model = {model} is none; give {able}")
    if "base" in model.arguments:
        raise ConfigError(
            f"[pretrain] makes the base, and model.base = {model.arguments['base']!r} is another; leave one of them out"
        )
    return _based(experiment, PLACEHOLDER)


def texts_of(settings: PretrainSettings, folder: Path | None) -> tuple[TextFile, ...]:
    """What the base reads.

    Raises:
        DataError: no folder is given.
    """
    found = need_folder(folder, "pretrain", ", ".join(settings.texts) or "mcq/ and text-corpora/")
    return tuple(TextFile(found / name) for name in settings.texts) or diet(found)


def _based(experiment: Experiment, base: str) -> Experiment:
    model = Spec(experiment.model.name, {**experiment.model.arguments, "base": base})
    return experiment.model_copy(update={"model": model, "pretrain": None})
