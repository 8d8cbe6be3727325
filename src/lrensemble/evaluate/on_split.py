"""What was measured on one split: scores of everybody, and gains of teams over a model."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Literal

from lrensemble.evaluate.comparison import gains_in_table, gains_of_rows, is_mean
from lrensemble.evaluate.predictors import Predictor
from lrensemble.evaluate.result import Gain, Scores
from lrensemble.evaluate.scores import record_of
from lrensemble.evaluate.streaming import Asked, SplitReader

Key = tuple[Literal["member", "team", "tempered", "trivial"], str]
"""Who is measured: a member or a tempered one by id, a team by its key."""


class OnSplit:
    """All measurements on one split."""

    def __init__(
        self,
        reader: SplitReader,
        predictors: Mapping[Key, Predictor],
        metrics: Iterable[str],
        compared: Collection[Key] = (),
    ) -> None:
        """Measure everybody in one pass.

        Args:
            reader: rows of the split.
            predictors: everybody, by key.
            metrics: that all are measured by who serve them.
            compared: keys of models that teams are compared with; none on rows of the selection.
        """
        self._reader, self._predictors = reader, predictors
        asked = dict[Key, Asked[Key]]()
        for key, predictor in predictors.items():
            served = tuple(metric for metric in metrics if reader.voices.serves(predictor, metric))
            others = tuple(compared) if key[0] == "team" else () if key in compared else None
            asked[key] = Asked(predictor, served, others if compared else None)
        self._found = reader.measure(asked)

    def scores(self, key: Key) -> Scores:
        """Scores of somebody."""
        return record_of(self._found[key].scores)

    def gains(self, metric: str, teams: Iterable[str], reference: Key) -> dict[str, Gain]:
        """Gain of each team over a reference by one metric, adjusted for all of them, by key.

        Teams that do not serve the metric have none, and nobody where the reference does not.
        """
        rows, serves = self._reader, self._reader.voices.serves
        able = [key for key in teams if serves(self._predictors["team", key], metric)]
        if not able or not serves(self._predictors[reference], metric):
            return {}
        if not is_mean(metric):
            said = {key: rows.whole(self._predictors["team", key]) for key in able}
            single = rows.whole(self._predictors[reference])
            return gains_in_table(metric, said, single, rows.truth, weights=rows.weights, groups=rows.groups)
        known = self._found[reference].values
        values = {key: own[metric] for key in able if metric in (own := self._found["team", key].values)}
        if metric not in known or not values:
            return {}
        itself = self.same(values, reference)
        return gains_of_rows(metric, values, known[metric], itself, weights=rows.weights, groups=rows.groups)

    def same(self, teams: Iterable[str], reference: Key) -> set[str]:
        """Teams with exactly the predictions of a reference."""
        return {key for key in teams if reference in self._found["team", key].same}
