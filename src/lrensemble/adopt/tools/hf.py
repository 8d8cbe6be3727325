"""Adopter of classifiers of transformers: a network, its Trainer, or the folders that they save."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from lrensemble.adopt.found import ADOPTERS, Asked, Found
from lrensemble.adopt.hf.folders import Which, is_of_trainer, runs_in
from lrensemble.adopt.hf.networks import found_in_folder, found_of
from lrensemble.adopt.hf.trainer_state import training_of
from lrensemble.adopt.paths import is_made_by
from lrensemble.errors import AdoptError
from lrensemble.models import hugging_face


def _takes(given: Any) -> bool:
    if isinstance(given, str | os.PathLike):
        return is_of_trainer(Path(given))
    return is_made_by(given, "transformers")


@ADOPTERS.register(takes=_takes, where="FOLDER of a model, a checkpoint, a run or a sweep", module="transformers")
def hf(given: Any, asked: Asked, *, checkpoint: Which = "best", mask: bool | None = None) -> list[Found]:
    """A classifier of transformers, its Trainer, or the folder of a saved model, a checkpoint, a run or a sweep.

    Rows are token ids [sample, place] or images [sample, channel, height, width] of the size that it takes. Nothing is
    asked of the hub, and code that a folder brings is never run.

    Args:
        given: the network, the Trainer, or the path of a folder; all runs in it are taken, as `trial-3/checkpoint-12`.
        asked: what is known of it; a builder where the network is none of transformers.
        checkpoint: `best`, which the Trainer noted (with `load_best_model_at_end`), or else the last; `last`; or `all`
            of a run.
        mask: whether tokens equal to `pad_token_id` are out of its sight, as in batches of a tokenizer.

    Raises:
        AdoptError: a folder without a model, or no classifier of these rows.
        MissingExtraError: transformers is not installed.
    """
    if isinstance(given, str | os.PathLike):
        folder = Path(given)
        runs = list(runs_in(folder, checkpoint))
        if not runs:
            what = "holds no model of transformers" if folder.is_dir() else "is no folder"
            raise AdoptError(f"{folder} {what}; name one with config.json and model.safetensors, or with checkpoint-*")
        found = [found_in_folder(run, asked, mask) for run in runs]
        return [Found(**{**vars(found[0]), "name": asked.name})] if asked.name and len(found) == 1 else found
    hugging_face.transformers()
    state = vars(given.state) if hasattr(given, "state") and hasattr(given, "model") else {}
    network = given.model if state else given
    step = state.get("global_step")
    return [
        found_of(
            getattr(network, "module", network),
            asked,
            name=asked.name or state.get("trial_name") or type(network).__name__,
            mask=mask,
            training=training_of(state, step),
        )
    ]
