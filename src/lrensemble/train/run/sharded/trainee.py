"""An adapter whose base is spread over several processes, as a trainee."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

from lrensemble import models
from lrensemble.config import Recipe
from lrensemble.errors import LREnsembleError, TrainingError
from lrensemble.language.adapters import is_adapter
from lrensemble.language.dataset import SequenceDataset
from lrensemble.language.shared import forget
from lrensemble.train.run.loop import Momenta
from lrensemble.train.run.sequences import SequenceTrainee
from lrensemble.train.run.sharded.processes import Processes


class ShardedTrainee:
    """One adapter in the process that leads. What it does, it tells the others, who do the same on their part.

    The adapter and its optimizer are whole in each process, and equal: only what is computed is shared, and the base.
    """

    def __init__(self, recipe: Recipe, dataset: SequenceDataset, processes: Processes) -> None:
        """Begin in all processes. Raises as `sharded`."""
        check_sharded(recipe, processes)
        self._processes = processes
        processes.tell(do="begin", recipe=recipe.model_dump(mode="json"))
        with self._together():
            self._own = sharded(recipe, dataset, processes)
        self.head = self._own.head

    @property
    def model(self) -> nn.Module:
        """The network, its base in parts."""
        return self._own.model

    @property
    def adapter(self) -> Mapping[str, Any] | None:
        """As of an adapter in one process."""
        return self._own.adapter

    def step(self, step: int, rates: Sequence[float], momenta: Momenta = None) -> tuple[Tensor, Tensor]:
        """One update in all processes, as of an adapter in one of them."""
        self._processes.tell(do="step", step=step, rates=list(rates), momenta=momenta and list(momenta))
        with self._together():
            return self._own.step(step, rates, momenta)

    def predict(self, split: str) -> Tensor:
        """As of an adapter in one process; each computes all of it, since each has a part of the base."""
        self._processes.tell(do="predict", split=split)
        with self._together():
            return self._own.predict(split)

    def weights(self, member: int = 0) -> Mapping[str, Tensor]:
        """Weights of the adapter."""
        return self._own.weights(member)

    def state(self) -> dict[str, Tensor]:
        """State of the adapter, which is that of one in one process."""
        return self._own.state()

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take a state over, in all processes."""
        self._own.load(tensors)
        self._processes.tell(do="load")
        self._processes.give(self._own.state())

    @contextmanager
    def _together(self) -> Iterator[None]:
        """Block of what all do at once: where it fails here, the others wait for what does not come.

        Raises:
            TrainingError: the sweep must end.
        """
        try:
            yield
        except BaseException as error:
            self._processes.in_step = False
            if isinstance(error, LREnsembleError) or not isinstance(error, Exception):
                raise
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            raise TrainingError(f"the processes that train together are out of step ({reason}); start again") from error


def check_sharded(recipe: Recipe, processes: Processes) -> None:
    """Refuse a batch that cannot be divided evenly.

    Raises:
        TrainingError: with what to do.
    """
    train, count = recipe.train, processes.share.of
    if train.batch_size % count or not train.drop_last:
        raise TrainingError(
            f"train.batch_size = {train.batch_size} with drop_last = {str(train.drop_last).lower()} cannot be divided "
            f"evenly among {count} processes; give a multiple of {count}, and drop_last = true"
        )


def sharded(recipe: Recipe, dataset: SequenceDataset, processes: Processes) -> SequenceTrainee:
    """A trainee of this process, its base in parts; called in all at once.

    Raises:
        TrainingError: the model is no adapter.
        SpecError, TrainingError: as `SequenceTrainee`.
    """
    from torch.distributed.fsdp import fully_shard  # late: it is large, and few ask for it

    network: Any = models.build(recipe.model, dataset.shape, 1, recipe.train.seed_of_weights)
    if not is_adapter(network):
        raise TrainingError(f"execution sharded is for adapters, and model is {recipe.model.name!r}; choose lora")
    forget()  # or the weights would stay whole, for whoever asks next
    trained = {each for each in network.parameters() if each.requires_grad}
    for each in trained:
        each.data = each.data.to(dataset.device)
    blocks = set(getattr(network.get_base_model(), "_no_split_modules", None) or ())
    for module in list(network.modules()):
        if type(module).__name__ in blocks:
            fully_shard(module, mesh=processes.mesh, ignored_params=trained)
    fully_shard(network, mesh=processes.mesh, ignored_params=trained)
    return SequenceTrainee(network, dataset, recipe.train, share=processes.share)
