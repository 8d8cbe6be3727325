"""Whoever predicts: a member as it is, or some members with weights and a fitted consensus."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.consensus import CONSENSUS, combine, is_linear
from lrensemble.metrics import METRICS
from lrensemble.spec import SpecLike
from lrensemble.targets import Need, Predictions, Target

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Predictor:
    """Members by id, their weights, and their fitted consensus; None of one member as it is."""

    members: tuple[str, ...]
    weights: tuple[float, ...] = (1.0,)
    consensus: SpecLike | None = None


@dataclass(frozen=True, eq=False)
class Said:
    """Predictions of a predictor on some rows, and the truth that they are compared with."""

    predictions: Floats
    """[sample, column]"""
    truth: NDArray[Any]


class Voices:
    """What members say on the rows of one split, in their own forms."""

    def __init__(self, target: Target, predictions: Mapping[str, Predictions]) -> None:
        self.target, self.predictions = target, predictions

    def serves(self, predictor: Predictor, metric: SpecLike) -> bool:
        """Whether a metric can be measured of what a predictor says."""
        facts = METRICS.facts(METRICS.check(metric))
        if self.target.kind not in facts.targets:
            return False
        need: Need = facts.needs
        if need == "likelihood" and not self._averages_probabilities(predictor):
            need = "probabilities"
        return need in self.served(predictor)

    def served(self, predictor: Predictor) -> frozenset[Need]:
        """Needs that all members of a predictor serve."""
        return frozenset.intersection(*(self.predictions[name].needs_served for name in predictor.members))

    def seen(self, name: str, rows: slice | NDArray[np.int64]) -> Floats:
        """What consensus functions see of a member on some rows, [sample, column].

        Of a member that says the likelihood of the truth alone, that is its one column.
        """
        said = self.predictions[name][rows]
        if self._likelihood_alone(name):
            return said.of_truth(np.empty(0, dtype=np.int64), self.target.width)[:, None]
        return self.target.seen(said)

    def combined(self, predictor: Predictor, seen: Mapping[str, Floats], truth: NDArray[Any]) -> Said:
        """What a predictor says on some rows.

        Args:
            predictor: whose members are among those seen.
            seen: of members, [sample, column].
            truth: of the rows.
        """
        alone = [self._likelihood_alone(name) for name in predictor.members]
        if any(alone):  # the truth is then the one class that is known of
            classes = np.arange(len(truth)), truth
            columns = [
                seen[name] if own else seen[name][classes][:, None]
                for name, own in zip(predictor.members, alone, strict=True)
            ]
            return Said(self._together(predictor, columns), np.zeros(len(truth), dtype=np.int64))
        columns = [seen[name] for name in predictor.members]
        width = min(own.shape[1] for own in columns)  # values beside distributions are served as values
        return Said(self._together(predictor, [own[:, :width] for own in columns]), truth)

    def _together(self, predictor: Predictor, columns: list[Floats]) -> Floats:
        if predictor.consensus is None:
            return columns[0]
        return np.asarray(combine(predictor.consensus, np.stack(columns), np.asarray(predictor.weights)))

    def _likelihood_alone(self, name: str) -> bool:
        return self.predictions[name].form == "likelihood"

    def _averages_probabilities(self, predictor: Predictor) -> bool:
        """Whether the truth is given the weighted mean of what members give it."""
        if predictor.consensus is None:
            return True
        consensus = CONSENSUS.check(predictor.consensus)
        return is_linear(consensus) and CONSENSUS.facts(consensus).averages == "probabilities"
