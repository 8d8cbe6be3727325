"""A row of the table of variants, from what is made to its record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lrensemble.evaluate.costs import cost_of
from lrensemble.evaluate.predictors import Floats, Predictor
from lrensemble.evaluate.variants.measured import VariantScores
from lrensemble.evaluate.variants.record import Latency, VariantResult
from lrensemble.export.ensemble import Ensemble
from lrensemble.networks import Foreign
from lrensemble.pool import Pool


@dataclass(eq=False)
class Row:
    """What is known of a row of the table until it is measured."""

    name: str
    what: str
    ensemble: Ensemble | None = None
    predictor: Predictor | None = None
    """Members of the pool that say the same; None where its networks say it."""
    not_made: str = ""
    folder: Path | None = None
    said: Floats | None = None
    """Predictions [sample, column] on test rows, where they are not those of a predictor."""
    runs: float | None = None
    figures: Mapping[str, object] = field(default_factory=dict)

    def result(self, pool: Pool, scores: VariantScores | None, latency: Latency | None) -> VariantResult:
        """Record of the row."""
        if scores is None:
            return VariantResult(name=self.name, what=self.what, not_made=self.not_made)
        networks, parameters, size = self._size(pool)
        return VariantResult(
            name=self.name,
            what=self.what,
            test=scores.test,
            gain=scores.gain,
            gain_over_tempered=scores.over_tempered,
            gain_over_team=scores.over_team,
            kind=scores.kind,
            networks=networks,
            runs=self.runs,
            parameters=parameters,
            bytes=size,
            latency=latency,
            ensemble=None if self.folder is None else self.folder.relative_to(pool.folder).as_posix(),
        )

    def _size(self, pool: Pool) -> tuple[int, int | None, int | None]:
        """Networks, parameters, and bytes of weights, as far as they are known."""
        if self.ensemble is not None:
            members = list(self.ensemble.members)
            foreign = [each for each in members if isinstance(each, Foreign)]
            size = sum(each.nbytes for each in self.ensemble.state_dict().values())
            parameters = None if foreign else sum(each.numel() for each in self.ensemble.parameters())
            return len(members), parameters, size + sum(len(each.content) for each in foreign)
        names = () if self.predictor is None else self.predictor.members
        cost = cost_of([member for member in pool.members() if member.id in names])
        return cost.members, cost.parameters, None
