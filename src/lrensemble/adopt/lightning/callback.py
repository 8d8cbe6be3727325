"""Callback for the Trainer of PyTorch Lightning: the network of every run becomes a member when the run ends."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from lrensemble.adopt.callbacks import Keeper, derived, normalised
from lrensemble.adopt.found import Found
from lrensemble.adopt.into_pool import AdoptedMember
from lrensemble.adopt.lightning.checkpoints import Checkpoint, read
from lrensemble.adopt.lightning.networks import found_of, required_builder
from lrensemble.adopt.prefixes import prefix_of
from lrensemble.config import Gives, Inputs
from lrensemble.errors import MissingExtraError

PACKAGES = ("lightning.pytorch", "pytorch_lightning")
"""Names under which Lightning is installed; their classes are not the same."""


class Keep:
    """Keeps the network of every run of a Trainer in a pool.

    ```python
    Trainer(…, callbacks=[Keep("pool", data={"x_val": x, "y_val": y}, builder=build)]).fit(…)
    ```
    """

    def __new__(cls, *given: Any, **keywords: Any) -> Keep:  # noqa: ARG004
        """A callback of Lightning, of whichever of its packages is in use; none is imported with this module.

        Raises:
            MissingExtraError: none is installed.
        """
        bases = _bases()
        made: Keep = object.__new__(cls if issubclass(cls, bases) else derived(cls, *bases))
        return made

    def __init__(
        self,
        pool: Any,
        *,
        data: Any = None,
        builder: Any = None,
        weights: Literal["best", "last"] = "best",
        prefix: str | None = None,
        name: str | None = None,
        gives: Gives | None = None,
        mean: float | Sequence[float] | None = None,
        std: float | Sequence[float] | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        """A callback for a Trainer.

        Args:
            pool: a pool or its folder, which is made where there is none.
            data: rows to predict that no network is trained on, as of `lrensemble.adopt`.
            builder: function of (shape, outputs) that gives the module, or the network in it, untrained.
            weights: `best`, those of the checkpoint that is best by the metric that `ModelCheckpoint` watches, or else
                the last; or `last`.
            prefix: of the names of the network's weights in the module, `net.`; found unless given.
            name: of the member; what its hyper-parameters are unless given.
            gives: what the network gives for each row, where it is not clear.
            mean: by which raw inputs are normalised, as of `lrensemble.adopt`.
            std: likewise.
            facts: what is known of all runs.
        """
        self.weights, self.prefix, self.name = weights, prefix, name
        said = {"data": data, "builder": builder, "gives": gives, "mean": mean, "std": std, "facts": facts}
        self.keeper = Keeper(pool, said)
        self._again = functools.partial(Keep, pool, weights=weights, prefix=prefix, name=name, **said)

    def __reduce__(self) -> tuple[Any, ...]:
        """For strategies that send it to other processes."""
        return self._again, ()

    @property
    def members(self) -> list[AdoptedMember]:
        """What became of each run in this process."""
        return self.keeper.members

    def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
        """Refuse now what could not be kept at the end."""
        if trainer.is_global_zero:
            _, asked = self.keeper.prepared()
            self.keeper.require_fit(found_of(pl_module.state_dict(), asked, name="the module", prefix=self.prefix))

    def on_fit_end(self, trainer: Any, pl_module: Any) -> None:
        """Adopt the network."""
        if not trainer.is_global_zero:
            return
        rows, asked = self.keeper.prepared()
        hyper_parameters = dict(pl_module.hparams)
        best = _best(trainer) if self.weights == "best" else None
        name = self.name or _name_of(hyper_parameters) or type(pl_module).__name__
        facts = {"epochs": trainer.current_epoch, "step": trainer.global_step, **hyper_parameters}
        if best is None:
            logged = {key: float(each) for key, each in trainer.callback_metrics.items()}
            logged = {key: each for key, each in logged.items() if not key.startswith("train")}
            facts |= {"weights": "the last"}
            found = found_of(pl_module.state_dict(), asked, name=name, prefix=self.prefix, facts=facts, logged=logged)
            prefix = self.prefix
            if prefix is None:
                prefix = prefix_of(pl_module.state_dict(), required_builder(asked, name), asked)
            own = _own(pl_module.get_submodule(prefix.rstrip(".")), asked.inputs, rows.raw["val"][:2])
            found = Found(**{**vars(found), "own": own})
        else:
            facts |= {"weights": f"{best.path.name}, the best by the watched metric", "step": best.step}
            found = found_of(
                best.weights,
                asked,
                name=name,
                prefix=self.prefix,
                facts=facts,
                logged=best.logged,
                history=best.history,
            )
        self.keeper.add(found)


def _bases() -> tuple[type, ...]:
    """Classes of callbacks of the packages that are imported, or else of one that can be."""
    loaded = [name for name in PACKAGES if sys.modules.get(name) is not None]
    for name in PACKAGES if not loaded else ():
        try:
            import_module(name)
        except ImportError:
            continue
        loaded = [name]
        break
    if not loaded:
        raise MissingExtraError("this callback needs PyTorch Lightning: pip install 'lrensemble[lightning]'")
    return tuple(import_module(name).Callback for name in loaded)


def _best(trainer: Any) -> Checkpoint | None:
    """The checkpoint that is best by the metric that is watched; None where none is, or it was not written."""
    watcher = trainer.checkpoint_callback
    path = Path(getattr(watcher, "best_model_path", "") or "")
    if getattr(watcher, "monitor", None) is None or not path.is_file():
        return None
    return read(path, path.stem, path.name)


def _name_of(hyper_parameters: Mapping[str, Any]) -> str:
    """`lr=0.1, width=16` of plain values."""
    plain = {key: each for key, each in hyper_parameters.items() if isinstance(each, int | float | str)}
    return ", ".join(f"{key}={each}" for key, each in plain.items())[:120]


def _own(module: Any, inputs: Inputs, few: NDArray[Any]) -> Callable[[NDArray[Any]], NDArray[Any]] | None:
    """What the network gives in its module for raw inputs; None where calling it gives nothing of that kind.

    Args:
        module: the network that the builder makes anew, be it the module or a part of it.
        inputs: how raw inputs are normalised.
        few: some of them, to try.
    """

    @torch.no_grad()
    def own(raw: NDArray[Any]) -> NDArray[Any]:
        was, device = module.training, next(module.parameters()).device
        module.eval()
        try:
            return np.asarray(module(normalised(raw, inputs).to(device)).float().cpu())
        finally:
            module.train(was)

    try:
        found = own(few)
    except Exception:  # no forward, or one that takes something else: a matter of the user's
        return None
    return own if found.ndim == 2 and len(found) == len(few) else None
