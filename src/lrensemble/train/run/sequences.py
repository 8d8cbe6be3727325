"""A language model as a trainee: an adapter, or all of a small model, that learns the answers of sequences."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from lrensemble.config import TrainSettings
from lrensemble.errors import PredictionsError, TrainingError
from lrensemble.language.adapters import adapter_config, adapter_weights, is_adapter
from lrensemble.language.batches import Batches
from lrensemble.language.dataset import SequenceDataset
from lrensemble.language.tokens import token_likelihoods
from lrensemble.targets.heads import Head
from lrensemble.train.run.arithmetic.average import WeightAverage
from lrensemble.train.run.arithmetic.groups import freeze
from lrensemble.train.run.arithmetic.numerics import arithmetic, autocast
from lrensemble.train.run.arithmetic.randomness import randomness
from lrensemble.train.run.arithmetic.scaled import ScaledOptimizer
from lrensemble.train.run.loop import Momenta
from lrensemble.train.run.progress.state import by_kind, require_same
from lrensemble.train.run.sharded.share import WHOLE, Share

NOTHING: Mapping[str, Tensor] = MappingProxyType({})

PACKED_TOLERANCE = 0.02
"""Part by which the likelihood of packed sequences may differ from that of the same alone, in 16 bits."""


class SequenceTrainee:
    """A `Trainee` of one language model on its sequences. Its state is what is trained, not the shared base."""

    def __init__(
        self, model: nn.Module, dataset: SequenceDataset, settings: TrainSettings, *, share: Share = WHOLE
    ) -> None:
        """Make the optimizer of a recipe for the parameters of a model that are trained.

        Args:
            model: causal model of `transformers`, or one that `peft` has put an adapter into.
            dataset: sequences in its tokens.
            settings: batch size, accumulation, seed, optimizer and what it takes, clipping, precision, groups.
            share: part of each batch that is computed here, where other processes compute the rest.

        Raises:
            UnknownNameError, TrainingError: as `ScaledOptimizer`.
        """
        self.model, self._dataset, self._settings, self.head = model, dataset, settings, dataset.head(None)
        self._share = share
        freeze(model, [group for group in settings.group if group.rate == 0])
        self._trained = {name: each for name, each in model.named_parameters() if each.requires_grad}
        self.optimizer = ScaledOptimizer(self._trained, settings, dataset.device)
        self._average = WeightAverage(self._trained, settings.ema) if settings.ema else None
        self._batches = Batches(dataset.sequences["train"].lengths, settings)
        if dataset.packing:
            check_packing(model, dataset)

    head: Head

    @property
    def adapter(self) -> Mapping[str, Any] | None:
        """What `peft` writes as `adapter_config.json`; None where all weights are trained."""
        return adapter_config(self.model) if is_adapter(self.model) else None

    def step(self, step: int, rates: Sequence[float], momenta: Momenta = None) -> tuple[Tensor, Tensor]:
        """One update of what is trained; the mean loss of the batch's answer tokens before it and the norm of its
        gradient, [1] each.
        """
        self.optimizer.begin(rates, momenta)
        self.model.train()
        settings, device = self._settings, self._dataset.device
        losses = []
        with randomness(self._share.seed(settings.seed), step, device), arithmetic(device, settings):
            for part in self._losses(self._batches.rows(step)):
                self.optimizer.scaler.scale(part).backward()  # type: ignore[no-untyped-call]
                losses.append(part.detach())
        loss = torch.stack(losses).sum() if len(losses) > 1 else losses[0]
        self._share.add_up([loss, *self.optimizer.gradients])
        norm = self.optimizer.update(rates[0])
        if self._average is not None and math.isfinite(rates[0]):
            self._average.update()
        return loss[None], norm[None]

    def _losses(self, batch: NDArray[np.int64]) -> Iterator[Tensor]:
        """The losses of a batch, part after part, which add up to the mean over the answer tokens of all of it."""
        tokens = int(self._dataset.sequences["train"].answer[batch].sum())
        rows = torch.from_numpy(self._share.rows(batch))
        for part in torch.split(rows, math.ceil(len(rows) / self._settings.accumulate)):
            ids, answer, beside = self._inputs(part)
            with autocast(ids.device, self._settings):
                logits = answer_logits(self.model, ids, answer, beside)
            exact = logits.to(torch.promote_types(logits.dtype, torch.float32))
            yield cross_entropy(exact, ids[answer], reduction="sum") / tokens

    def _inputs(self, part: Tensor) -> tuple[Tensor, Tensor, Mapping[str, Tensor]]:
        """Tokens and answers [row, length] of training sequences, and what the model is given beside the tokens."""
        if not self._dataset.packing:
            return *self._dataset.batch(part), {}
        return packed_inputs(self._dataset, part, self._computed_in)

    @property
    def _computed_in(self) -> torch.dtype:
        """Type of the attention's scores."""
        if self._settings.precision in ("float32", "tf32"):
            return next(self.model.parameters()).dtype
        found: torch.dtype = getattr(torch, self._settings.precision)
        return found

    def predict(self, split: str) -> Tensor:
        """Log-probabilities of the answer tokens of a split, [1, token, 1] on the CPU; NaN where the model has
        diverged.
        """
        try:
            with self._evaluated():
                said = token_likelihoods(self.model, self._dataset.sequences[split]).main
        except PredictionsError:
            said = np.full(len(self._dataset.tokens[split].truth), np.nan, dtype=np.float32)
        return torch.from_numpy(np.ascontiguousarray(said))[None, :, None]

    def weights(self, member: int = 0) -> Mapping[str, Tensor]:
        """What is trained, by name; of an adapter by the names that `peft` saves it under."""
        del member  # there is one
        with self._evaluated():
            if is_adapter(self.model):
                return adapter_weights(self.model)
            return {name: each.detach() for name, each in self._trained.items()}

    def _evaluated(self) -> AbstractContextManager[None]:
        """The context in which the model is what is scored and becomes the member: the average, where there is one."""
        return nullcontext() if self._average is None else self._average.in_place()

    def state(self) -> dict[str, Tensor]:
        """Every tensor that it takes to go on beside the base, by name: for a file."""
        tensors = {f"model/{name}": each.detach() for name, each in self._trained.items()}
        tensors |= self.optimizer.state()
        if self._average is not None:
            tensors |= {f"average/{name}": tensor for name, tensor in self._average.tensors.items()}
        return tensors

    @torch.no_grad()
    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over what `state` gave; nothing is touched unless all of it fits.

        Raises:
            ValueError, KeyError: it is that of another model or recipe.
        """
        parts = by_kind(tensors, "model", "optimizer", "average", "scaler")
        averaged = set(parts["average"])  # there is none before the first step
        fits = not averaged or (self._average is not None and averaged == set(self._trained))
        require_same(parts["model"], self._trained)
        if bool(parts["scaler"]) != self.optimizer.scaler.is_enabled() or not fits:
            raise ValueError("its weights are those of another model")
        self.optimizer.load(parts["optimizer"], parts["scaler"])
        for name, parameter in self._trained.items():
            parameter.copy_(parts["model"][name])
        if self._average is not None:
            self._average.load(parts["average"])


def answer_logits(model: nn.Module, ids: Tensor, answer: Tensor, beside: Mapping[str, Tensor] = NOTHING) -> Tensor:
    """Logits [token, vocabulary] for the answer tokens of sequences, each given all before it.

    Sequences are padded on the right, where no token of theirs looks: no mask is needed, but where they are packed.

    Args:
        model: the model.
        ids: [sequence, length]
        answer: [sequence, length] which tokens are answers; none is the first.
        beside: what else the model is given, for packed ones `position_ids` and `attention_mask`.
    """
    logits: Tensor = model(ids, **beside, use_cache=False).logits
    return logits[:, :-1][answer[:, 1:]]


def packed_inputs(
    dataset: SequenceDataset, rows: Tensor, dtype: torch.dtype
) -> tuple[Tensor, Tensor, Mapping[str, Tensor]]:
    """Tokens and answers [row, length] of training sequences that are packed, and what tells them apart.

    Args:
        dataset: the sequences.
        rows: places [batch] of some.
        dtype: that attention is computed in.
    """
    packed = dataset.packed(rows)
    inputs = packed.inputs(np.arange(len(packed.rows)), dtype, dataset.device)
    answer = torch.from_numpy(packed.rows.answer).to(dataset.device)
    return inputs.pop("input_ids"), answer, inputs


@torch.no_grad()
def check_packing(model: nn.Module, dataset: SequenceDataset) -> None:
    """Refuse to pack where a model does not keep the sequences of a row apart; two short ones are tried.

    Raises:
        TrainingError: it takes no positions or mask, or says something else of packed sequences than of the same alone.
    """
    rows = torch.from_numpy(np.argsort(dataset.sequences["train"].lengths, kind="stable")[:2])
    model.eval()
    ids, answer = dataset.batch(rows)
    alone = answer_logits(model, ids, answer).float().log_softmax(-1)[:, ids[answer]].diagonal()
    try:
        ids, answer, beside = packed_inputs(dataset, rows, next(model.parameters()).dtype)
        packed = answer_logits(model, ids, answer, beside).float().log_softmax(-1)[:, ids[answer]].diagonal()
        is_same = torch.allclose(alone.sum(), packed.sum(), rtol=PACKED_TOLERANCE)
    except (TypeError, RuntimeError, ValueError):  # an argument that it does not take, or a mask of another shape
        is_same = False
    if not is_same:
        raise TrainingError(
            f"data.packing = true is refused: {dataset.base.path} does not keep the sequences of a row apart; leave it "
            "out, and give train.sampler = 'by_length' for little padding"
        )
