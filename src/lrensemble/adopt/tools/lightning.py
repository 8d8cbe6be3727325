"""Adopter of networks that PyTorch Lightning trained: a module, a checkpoint, or folders of those."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from lrensemble.adopt.found import ADOPTERS, Asked, Found
from lrensemble.adopt.lightning.checkpoints import Which, checkpoints_in, is_checkpoint, is_of_lightning, read
from lrensemble.adopt.lightning.networks import found_of
from lrensemble.adopt.paths import is_made_by
from lrensemble.errors import AdoptError


def _takes(given: Any) -> bool:
    if isinstance(given, str | os.PathLike):
        return is_checkpoint(Path(given)) or is_of_lightning(Path(given))
    return is_made_by(given, "lightning", "pytorch_lightning") and hasattr(given, "state_dict")


@ADOPTERS.register(takes=_takes, where="FILE.ckpt, or FOLDER such as lightning_logs", module="lightning")
def lightning(given: Any, asked: Asked, *, checkpoint: Which = "best", prefix: str | None = None) -> list[Found]:
    """A module of Lightning, a checkpoint of it, or a folder of one run or of several, as `version_0/checkpoints`.

    Checkpoints are read without running any code, and Lightning need not be installed for that.

    Args:
        given: the module, or path of the file or folder.
        asked: with the builder, a function of (shape, outputs) that gives the module or the network in it, untrained.
        checkpoint: of a run `best`, by the metric that `ModelCheckpoint` watched, or else the last; `last`; or `all`.
        prefix: of the names of the network's weights in the module, `net.`; found unless given.

    Raises:
        AdoptError: no builder, no checkpoint, or one that holds objects of somebody's classes.
    """
    if not isinstance(given, str | os.PathLike):
        name = asked.name or type(given).__name__
        return [found_of(given.state_dict(), asked, name=name, prefix=prefix, facts=dict(given.hparams))]
    path = Path(given)
    found = [read(path, path.stem, path.name)] if path.is_file() else list(checkpoints_in(path, checkpoint))
    if not found:
        what = "holds no checkpoint of Lightning" if path.is_dir() else "is no file or folder"
        raise AdoptError(f"{path} {what}; name FILE.ckpt, or a folder such as lightning_logs/version_0")
    return [
        found_of(
            each.weights,
            asked,
            name=asked.name if asked.name and len(found) == 1 else each.name,
            prefix=prefix,
            facts={"weights": each.taken, "epoch": each.epoch, "step": each.step, **each.hyper_parameters},
            history=each.history,
            logged=each.logged,
        )
        for each in found
    ]
