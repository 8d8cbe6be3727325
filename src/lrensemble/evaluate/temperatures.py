"""Temperatures of single models, fitted on `val`: how much of a gain of an ensemble is calibration alone."""

from __future__ import annotations

from collections.abc import Iterable

from lrensemble.consensus import CONSENSUS, fit
from lrensemble.consensus.temperature import at_limit
from lrensemble.evaluate.predictors import Predictor
from lrensemble.evaluate.streaming import SplitReader
from lrensemble.rows import sampled
from lrensemble.spec import Spec, SpecLike, to_spec

SOFTENED = ("nll", "brier")
"""Metrics of a single model that a temperature improves."""

FITTED_CELLS = 2**24
"""Probabilities that a temperature is fitted to, at most: beyond them a sample of the rows gives the same."""


class Temperatures:
    """The tempered models, by id of the member."""

    def __init__(self, val: SplitReader, members: Iterable[str]) -> None:
        """Fit the temperature of each member that gives probabilities."""
        self._fitted = dict[str, Spec]()
        self._rows = min(len(val), max(1, FITTED_CELLS // val.target.width))
        self._all = len(val)
        for name in dict.fromkeys(members):
            if self._can_be(val, name):
                self._fitted[name] = self._fit(val, name)
        self.predictors = {name: Predictor((name,), consensus=str(spec)) for name, spec in self._fitted.items()}

    def value(self, name: str) -> float:
        """Temperature of a member."""
        return value_of(self._fitted[name])

    def at_limit(self, name: str) -> bool:
        """Whether the fit ended at the border of the search."""
        return at_limit(self._fitted[name])

    def notes(self) -> list[str]:
        """What to know of the fits: nothing, where they are of all rows."""
        if not self._fitted or self._rows == self._all:
            return []
        return [f"Temperatures are fitted to a sample of {self._rows:,} of {self._all:,} val rows."]

    @staticmethod
    def _can_be(val: SplitReader, name: str) -> bool:
        kinds = CONSENSUS.facts("tempered").targets
        return val.target.kind in kinds and "probabilities" in val.voices.served(Predictor((name,)))

    def _fit(self, val: SplitReader, name: str) -> Spec:
        rows = sampled(self._all, self._rows)
        probs = val.target.seen(val.voices.predictions[name][rows])
        weights = None if val.weights is None else val.weights[rows]
        return fit("tempered", probs[None], val.truth[rows], counts=weights)


def value_of(fitted: SpecLike) -> float:
    """Temperature of a consensus that was fitted."""
    temperature = to_spec(fitted).arguments["temperature"]
    assert isinstance(temperature, float | int)
    return float(temperature)
