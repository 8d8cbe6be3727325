"""Callback for the Trainer of Hugging Face: every run of a search becomes a member when it ends."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from lrensemble.adopt.callbacks import Keeper, derived
from lrensemble.adopt.found import Asked, Found
from lrensemble.adopt.hf.folders import Run
from lrensemble.adopt.hf.networks import built, found_in_folder, found_of
from lrensemble.adopt.hf.trainer_state import training_of
from lrensemble.adopt.into_pool import AdoptedMember
from lrensemble.config import Gives
from lrensemble.models import hugging_face


class Keep:
    """Keeps the network of every run of a Trainer in a pool, also of `hyperparameter_search`, which returns one alone.

    ```python
    Trainer(…, callbacks=[Keep("pool", data={"x_val": ids, "y_val": y})]).hyperparameter_search(…)
    ```
    """

    def __new__(cls, *given: Any, **keywords: Any) -> Keep:  # noqa: ARG004
        """A callback of transformers, which is imported now and not with this module.

        Raises:
            MissingExtraError: it is not installed.
        """
        hugging_face.transformers()
        base = import_module("transformers.trainer_callback").TrainerCallback
        made: Keep = object.__new__(cls if issubclass(cls, base) else derived(cls, base))
        return made

    def __init__(
        self,
        pool: Any,
        *,
        data: Any = None,
        builder: Any = None,
        weights: Literal["best", "last"] = "best",
        mask: bool | None = None,
        gives: Gives | None = None,
        mean: float | Sequence[float] | None = None,
        std: float | Sequence[float] | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        """A callback for a Trainer.

        Args:
            pool: a pool or its folder, which is made where there is none.
            data: rows to predict that no network is trained on, as of `lrensemble.adopt`: token ids [sample, place], or
                images.
            builder: function of (shape, outputs), where the network is none of transformers.
            weights: `best` by the Trainer's metric, where it notes one (`save_strategy="best"`, or
                `load_best_model_at_end`), or else the last; or `last`, those that the Trainer ends with.
            mask: whether tokens equal to `pad_token_id` are out of the network's sight; where the training rows have
                no `attention_mask` they are in it, unless given.
            gives: what the network gives for each row, where it is not clear.
            mean: by which raw inputs are normalised, as of `lrensemble.adopt`.
            std: likewise.
            facts: what is known of all runs.
        """
        self.weights, self.mask = weights, mask
        said = {"data": data, "builder": builder, "gives": gives, "mean": mean, "std": std, "facts": facts}
        self.keeper = Keeper(pool, said)
        self._again = functools.partial(Keep, pool, weights=weights, mask=mask, **said)

    def __reduce__(self) -> tuple[Any, ...]:
        """For searches that send it to other processes."""
        return self._again, ()

    @property
    def members(self) -> list[AdoptedMember]:
        """What became of each run in this process."""
        return self.keeper.members

    def on_train_begin(self, args: Any, state: Any, control: Any, *, model: Any = None, **_given: Any) -> None:  # noqa: ARG002
        """Refuse now what could not be kept at the end."""
        if state.is_world_process_zero:
            _, asked = self.keeper.prepared()
            self.keeper.require_fit(self._found(model, asked, "the network", self.mask))

    def on_train_end(self, args: Any, state: Any, control: Any, *, model: Any = None, **given: Any) -> None:  # noqa: ARG002
        """Adopt the network."""
        if not state.is_world_process_zero:
            return
        _, asked = self.keeper.prepared()
        said = {**vars(state)}
        searched = ", ".join(f"{key}={each}" for key, each in (state.trial_params or {}).items())[:120]
        name = str(state.trial_name or searched or Path(args.output_dir).name)
        mask = self.mask if self.mask is not None else _mask_of(given.get("train_dataloader"))
        best = Path(state.best_model_checkpoint) if state.best_model_checkpoint and self.weights == "best" else None
        if best is not None and best.is_dir():
            run = Run(name, best, f"{best.name}, the best by the Trainer's metric", said, state.best_global_step)
            found = found_in_folder(run, asked, mask)
        else:
            loaded = state.best_model_checkpoint and args.load_best_model_at_end
            step = state.best_global_step if loaded else state.global_step
            found = self._found(model, asked, name, mask, said, step, "the best" if loaded else "the last")
        extra = {"learning_rate": args.learning_rate, "schedule": str(getattr(args.lr_scheduler_type, "value", ""))}
        facts = {**found.facts, **extra, "seed": args.seed, "weight_decay": args.weight_decay}
        self.keeper.add(Found(**{**vars(found), "facts": facts}))

    def _found(
        self,
        model: Any,
        asked: Asked,
        name: str,
        mask: bool | None,
        state: Mapping[str, Any] | None = None,
        step: int | None = None,
        taken: str = "",
    ) -> Found:
        """The network in memory."""
        network = getattr(model, "module", model)
        training = training_of(state or {}, step, weights=taken)
        if asked.builder is None:
            return found_of(network, asked, name=name, mask=mask, training=training)
        kept = {key: each.detach().cpu().clone() for key, each in network.state_dict().items()}
        return built(kept, asked, name, training)


def _mask_of(loader: Any) -> bool | None:
    """Whether rows of a loader say which tokens are padding; None where that cannot be seen."""
    try:
        row = loader.dataset[0]
    except Exception:  # a stream, or a data set of somebody's
        return None
    return ("attention_mask" in row) if isinstance(row, Mapping) and "input_ids" in row else None
