"""A model soup: the average of members' weights as one network, at the cost of one of them (Wortsman et al. 2022).

Weights can be averaged only between members that are linearly connected. That is tested first: the accuracy at the
midpoint of two members may be lower than the mean of theirs by `BARRIER` at most (Frankle et al. 2020).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lrensemble import models
from lrensemble.data import Dataset
from lrensemble.errors import ExportError
from lrensemble.export.batch_norm import has_batch_norm, reestimate
from lrensemble.export.description import Description
from lrensemble.export.ensemble import Ensemble
from lrensemble.metrics import METRICS
from lrensemble.spec import Spec
from lrensemble.train import predict

logger = logging.getLogger(__name__)

BARRIER = 0.02
"""Largest barrier of accuracy between two connected members, (a₁ + a₂)/2 − a₁₂, with a₁₂ at the midpoint of their
weights (Frankle et al. 2020, section 3)."""

State = Mapping[str, Tensor]
Statistics = Literal["averaged", "re-estimated", "none"]


@dataclass(frozen=True)
class Soup:
    """One network of averaged weights, and its accuracy."""

    ensemble: Ensemble
    """Ensemble of the one network."""
    ingredients: tuple[str, ...]
    """Ids of the members whose weights were averaged."""
    barriers: dict[str, float]
    """Barrier of accuracy on `val` between the best member and each other one, by id."""
    statistics: Statistics
    """Statistics of batch norm that are better on `val`; `none` where the network has no batch norm."""
    accuracy: float
    """Accuracy of the soup on `val`."""
    team_accuracy: float
    """Accuracy of the whole team on `val`."""


@dataclass(frozen=True, eq=False)
class _Average:
    network: nn.Module
    statistics: Statistics
    accuracy: float


def soup(ensemble: Ensemble, dataset: Dataset, *, kind: Literal["uniform", "greedy"] = "greedy") -> Soup:
    """Average the weights of an ensemble's members.

    The members that are connected with the best one take part. *Uniform* averages them all; *greedy* takes them in
    the order of their accuracy on `val` and keeps each that does not lower the accuracy of the average (Wortsman et
    al. 2022, recipe 1). Batch norm's statistics are averaged like weights, and estimated anew on training rows
    (Izmailov et al. 2018, section 3.2); what is better on `val` is kept.

    Args:
        ensemble: ensemble of members of one architecture.
        dataset: data set that they were trained on.
        kind: which members are averaged.

    Raises:
        ExportError: members of several architectures, fewer than two, or none that is connected with the best one.
    """
    description = ensemble.description
    if len({str(part.model) for part in description.parts}) > 1 or len(description.parts) < 2:
        given = ", ".join(str(part.model) for part in description.parts)
        raise ExportError(f"a soup needs two members or more of one architecture; the team has {given}")
    states = [{name: tensor.clone() for name, tensor in member.state_dict().items()} for member in ensemble.members]
    averaging = _Averaging(description.parts[0].model, dataset)
    accuracies = [averaging.accuracy(member) for member in ensemble.members]
    order = sorted(range(len(states)), key=lambda index: (-accuracies[index], index))
    best = order[0]
    barriers = {
        index: (accuracies[best] + accuracies[index]) / 2 - averaging.average([states[best], states[index]]).accuracy
        for index in order[1:]
    }
    connected = [best, *(index for index in order[1:] if barriers[index] <= BARRIER)]
    if len(connected) < 2:
        least = min(barriers.values())
        raise ExportError(
            f"no soup: half-way between the best member and any other, at least {100 * least:.1f} points of accuracy "
            f"on val are lost ({100 * BARRIER:g} are accepted); average members of one run: snapshots, fast_geometric"
        )
    taken = connected if kind == "uniform" else _greedy(averaging, states, connected, accuracies[best])
    averaged = averaging.average([states[index] for index in taken])
    ids = tuple(description.parts[index].id for index in taken)
    return Soup(
        ensemble=Ensemble([averaged.network], describe_single(description, f"{kind} soup of {', '.join(ids)}")),
        ingredients=ids,
        barriers={description.parts[index].id: barrier for index, barrier in barriers.items()},
        statistics=averaged.statistics,
        accuracy=averaged.accuracy,
        team_accuracy=averaging.scored(ensemble.predict_proba(dataset.raw(dataset.rows["val"]))),
    )


def describe_single(description: Description, name: str) -> Description:
    """Description of an ensemble of the one network that is made of a team."""
    part = description.parts[0].model_copy(update={"id": name.split(" ")[0], "name": name, "recipe": None})
    changes = {"parts": (part,), "weights": (1.0,), "consensus": Spec("mean"), "stages": None, "batched": False}
    return description.model_copy(update=changes)


def _greedy(averaging: _Averaging, states: Sequence[State], connected: Sequence[int], accuracy: float) -> list[int]:
    """Positions of the members that did not lower the accuracy of the average when they were added."""
    taken = [connected[0]]
    for index in connected[1:]:
        found = averaging.average([states[one] for one in (*taken, index)]).accuracy
        logger.info("soup of %d members: val accuracy %.4f, before %.4f", len(taken) + 1, found, accuracy)
        if found >= accuracy:
            taken, accuracy = [*taken, index], found
    return taken


@dataclass(frozen=True, eq=False)
class _Averaging:
    """Averages of weights of one model, scored on one data set."""

    model: Spec
    dataset: Dataset

    def average(self, states: Sequence[State]) -> _Average:
        """Network of the averaged weights, with the better statistics of batch norm on `val`."""
        network = models.build(self.model, self.dataset.shape, self.dataset.target.width, seed=0)
        network.to(self.dataset.device).load_state_dict(average(states))
        averaged = self.accuracy(network)
        if not has_batch_norm(network):
            return _Average(network, "none", averaged)
        kept = {name: tensor.clone() for name, tensor in network.state_dict().items()}
        reestimate(network, self.dataset)
        anew = self.accuracy(network)
        if anew > averaged:
            return _Average(network, "re-estimated", anew)
        network.load_state_dict(kept)
        return _Average(network, "averaged", averaged)

    def accuracy(self, network: nn.Module) -> float:
        """Accuracy of a network on `val`."""
        return self.scored(predict(network, self.dataset.head(None), self.dataset, "val").double().exp().numpy())

    def scored(self, probs: NDArray[np.float64]) -> float:
        """Accuracy of probabilities [sample, class] of `val`."""
        return METRICS.call("accuracy", probs, self.dataset.truth_of("val"))


def average(states: Sequence[State]) -> dict[str, Tensor]:
    """The mean of each tensor over members, summed in float64; whole numbers (counters) are the first member's."""
    first = states[0]
    return {
        name: torch.stack([state[name].double() for state in states]).mean(dim=0).to(tensor.dtype)
        if tensor.is_floating_point()
        else tensor.clone()
        for name, tensor in first.items()
    }
