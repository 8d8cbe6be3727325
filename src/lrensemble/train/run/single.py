"""One network as a trainee: with its optimizer, the scale of its losses and the moving average of its weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from lrensemble import models
from lrensemble.config import Recipe, TrainSettings
from lrensemble.data import Dataset, Learnable, Mixing, loss_of
from lrensemble.targets.heads import batch_weight, mixed_loss
from lrensemble.train.run.arithmetic.groups import freeze
from lrensemble.train.run.arithmetic.numerics import arithmetic, autocast, compiled
from lrensemble.train.run.arithmetic.randomness import may_draw, randomness
from lrensemble.train.run.arithmetic.scaled import ScaledOptimizer
from lrensemble.train.run.loader import BatchLoader
from lrensemble.train.run.loop import Momenta
from lrensemble.train.run.predictions import checked_outputs, predict
from lrensemble.train.run.progress.state import by_kind, require_same


class SingleTrainee:
    """A `Trainee` of one network on its data, with all that is updated beside it."""

    adapter = None
    """None: the weights are those of whole networks."""

    def __init__(self, model: nn.Module, dataset: Dataset, settings: TrainSettings) -> None:
        """Make the optimizer of a recipe for a network, and lay its weights out as the recipe asks.

        Args:
            model: on the device of the data set; trained in place.
            dataset: where the training rows are.
            settings: batch size, seed, augmentation, sampler, optimizer and what it takes, loss, label smoothing
                (Szegedy et al. 2016, section 7), gradient clipping by the norm over all parameters (Pascanu et al.
                2013, algorithm 1), precision, `channels_last`, `compile`, `ema`, and the parts that a batch is computed
                in.

        Raises:
            UnknownNameError, TrainingError: as `ScaledOptimizer`.
            SpecError: an augmentation that does not suit the inputs.
        """
        self.model, self._dataset, self._settings = model, dataset, settings
        self.head, self._loss = dataset.head(settings.form), loss_of(dataset, settings)
        self._memory_format = torch.contiguous_format
        if settings.channels_last and any(parameter.ndim == 4 for parameter in model.parameters()):
            self._memory_format = torch.channels_last
            model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._draws = may_draw(model)
        freeze(model, settings.group)
        trained = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
        self.optimizer = ScaledOptimizer(trained, settings, next(model.parameters()).device)
        self._forward: Callable[[Tensor], Tensor] = compiled(model) if settings.compile else model
        self._average: AveragedModel | None = None
        if settings.ema:
            rule = get_ema_multi_avg_fn(settings.ema)  # type: ignore[no-untyped-call]
            self._average = AveragedModel(self.model, multi_avg_fn=rule, use_buffers=True)
        self._loader = BatchLoader(dataset, [settings])

    @property
    def evaluated(self) -> nn.Module:
        """The network that is scored, predicts and becomes the member: the average where there is one."""
        return self.model if self._average is None else self._average.module

    def step(self, step: int, rates: Sequence[float], momenta: Momenta = None) -> tuple[Tensor, Tensor]:
        """One update of the weights; the loss before it and the norm of its gradient, [1] each."""
        inputs, truth, mixing = self._loader.load(step)
        self.optimizer.begin(rates, momenta)
        inputs = inputs.to(memory_format=self._memory_format) if inputs.ndim == 4 else inputs
        if not self.model.training:  # as after a prediction
            self.model.train()
        own = randomness(self._settings.seed, step, inputs.device) if self._draws else nullcontext()
        losses = []
        with own, arithmetic(inputs.device, self._settings):
            for loss in self._losses(inputs, truth, mixing):
                self.optimizer.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
                losses.append(loss.detach())
        norm = self.optimizer.update(rates[0])
        if self._average is not None and math.isfinite(rates[0]):
            self._average.update_parameters(self.model)
        return (torch.stack(losses).sum() if len(losses) > 1 else losses[0]).view(1), norm.view(1)

    def _losses(self, inputs: Tensor, truth: Tensor, mixing: Mixing | None) -> Iterator[Tensor]:
        """The losses of a batch, part after part, which add up to the mean over it."""
        other, share = (None, None) if mixing is None else (truth[mixing.partner], mixing.share)
        if self._settings.accumulate == 1:
            yield self._mean_loss(inputs, truth, other, share)
            return
        size, whole = math.ceil(len(truth) / self._settings.accumulate), batch_weight(self._loss, truth, other, share)
        for start in range(0, len(truth), size):
            rows = slice(start, start + size)
            own = truth[rows], other if other is None else other[rows], share if share is None else share[rows]
            yield self._mean_loss(inputs[rows], *own) * (batch_weight(self._loss, *own) / whole)

    def _mean_loss(self, inputs: Tensor, truth: Tensor, other: Tensor | None, share: Tensor | None) -> Tensor:
        """Mean loss of some rows, as `mixed_loss`, by what the network says of their inputs."""
        with autocast(inputs.device, self._settings):
            outputs = checked_outputs(self._forward(inputs), truth.shape[0], self.head)
        exact = outputs.to(torch.promote_types(outputs.dtype, torch.float32))
        return mixed_loss(self._loss, exact, truth, other, share, self._settings.label_smoothing)

    def predict(self, split: str) -> Tensor:
        """What the network says on a split, [1, sample, column]."""
        return predict(self.evaluated, self.head, self._dataset, split)[None]

    def weights(self, member: int = 0) -> Mapping[str, Tensor]:  # noqa: ARG002 – there is one
        """Parameters and buffers of the evaluated network, by name."""
        state: dict[str, Tensor] = self.evaluated.state_dict()
        return state

    def state(self) -> dict[str, Tensor]:
        """`model/…`, `average/…` where there is one, and those of the optimizer."""
        parts = {"model": self.model} | ({} if self._average is None else {"average": self._average})
        tensors = {f"{kind}/{name}": each for kind, part in parts.items() for name, each in part.state_dict().items()}
        return tensors | self.optimizer.state()

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over what `state` gave; nothing is touched unless all of it fits."""
        parts = by_kind(tensors, "model", "optimizer", "average", "scaler")
        # What an optimizer keeps is not there before its first step, so it has nothing to be compared with.
        require_same(
            *(
                {name: tensor for name, tensor in side.items() if not name.startswith("optimizer/")}
                for side in (tensors, self.state())
            )
        )
        self.model.load_state_dict(parts["model"])
        channels_last = self._memory_format == torch.channels_last
        self.optimizer.load(parts["optimizer"], parts["scaler"], channels_last=channels_last)
        if self._average is not None:
            self._average.load_state_dict(parts["average"])


def initial_network(recipe: Recipe, dataset: Learnable) -> nn.Module:
    """The network of a recipe before its first step, on the device of the data set.

    Raises:
        SpecError: the model does not suit the data.
    """
    outputs = dataset.head(recipe.train.form).outputs
    network = models.build(recipe.model, dataset.shape, outputs, recipe.train.seed_of_weights)
    return network.to(dataset.device)
