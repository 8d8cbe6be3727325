"""What is chosen from each pool on `val`, and what it scores on test: the records of replicates and of selectors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lrensemble.errors import LREnsembleError
from lrensemble.evaluate.looks import described, write_look
from lrensemble.evaluate.predictors import Predictor
from lrensemble.evaluate.study.difference import Difference
from lrensemble.evaluate.study.findings.cost import Spent, as_record, beside_part
from lrensemble.evaluate.study.findings.differences import Paired, differences
from lrensemble.evaluate.study.findings.reader import Aim, Measured, PoolReader
from lrensemble.evaluate.study.findings.sizes import policy_of
from lrensemble.evaluate.study.record import TEMPERED, Chosen, Replicate, SelectorResult
from lrensemble.evaluate.teams import why_not_chosen
from lrensemble.evaluate.temperatures import FITTED_CELLS, value_of
from lrensemble.metrics.significance.influence import Rows
from lrensemble.pool import Pool
from lrensemble.spec import SpecLike, to_spec

BESIDE = "not taken"
"""What became of members of a whole that are not in its part."""


@dataclass(frozen=True, eq=False)
class Opened:
    """One pool of one replicate, with its choices measured on test."""

    pool: Pool
    whole: Pool | None
    """Pool that it is a part of."""
    spent: Spent
    reader: PoolReader | None
    """None where no member can be chosen."""
    teams: dict[str, Predictor]
    """`single`, `team`, and a team for each selector by its text."""
    measured: dict[str, Measured]
    """The same, measured on test row by row."""
    reasons: dict[str, str]
    """Reason why a selector has no team."""
    looks: int
    """Number of looks at test, this one included."""


def opened(pool: Pool, aim: Aim, methods: Sequence[SpecLike], whole: Pool | None = None) -> Opened:
    """Choose the best single model, the default team and a team by each selector, and measure them."""
    teams, reasons, spent = dict[str, Predictor](), dict[str, str](), Spent.on(pool, whole)
    if not pool.members():
        return Opened(pool, whole, spent, None, teams, {}, reasons, looks=0)
    reader = PoolReader(pool, aim)
    wanted: dict[str, SpecLike] = {"single": "best", "team": reader.aim.method}
    wanted |= {str(to_spec(method)): method for method in methods}
    for key, method in wanted.items():
        try:
            teams[key] = reader.chosen(method)
        except Exception as error:  # a method of the user's own may raise anything; the others go on
            if key in ("single", "team") and isinstance(error, LREnsembleError):
                raise
            reasons[key] = why_not_chosen(method, error)
    lines = [described(key, reader.aim.metric, str(team.consensus), team.members) for key, team in teams.items()]
    looks = write_look(pool, lines, [reader.test_set])[reader.test_set]
    measured = reader.measure(teams, rows=True, cells=FITTED_CELLS)
    return Opened(pool, whole, spent, reader, teams, measured, reasons, looks)


def replicate(one: Opened) -> Replicate:
    """Record of a pool of one replicate."""
    everyone, members = one.pool.members(include_diverged=True), one.pool.members()
    lost = Counter[str](member.status for member in everyone if member.status != "finished")
    lost[BESIDE] = len(beside_part(one.pool, one.whole))
    lost["failed"] = len(one.pool.failures())
    if one.reader is not None:
        lost["learned nothing"] += len(members) - len(one.reader.useful)
    return Replicate(
        folder=str(one.pool.folder),
        members=len(members),
        lost={status: count for status, count in lost.items() if count},
        policies=len({policy_of(member) for member in members}),
        cost=as_record(one.spent.total),
        single=_chosen(one, "single", "best"),
        team=_chosen(one, "team", "" if one.reader is None else one.reader.aim.method),
        reason="" if members else "no member can be chosen",
    )


def selectors(
    pools: Mapping[str, Sequence[Opened]], methods: Sequence[SpecLike], measures: Sequence[str], rows: Rows
) -> dict[str, dict[str, SelectorResult]]:
    """What each selector makes of the pools of each name, by method and name."""
    texts = [str(to_spec(method)) for method in methods]
    pairs = {
        (text, name): Paired(
            [one.measured.get(text, NOBODY) for one in replicates],
            [one.measured.get("single", NOBODY) for one in replicates],
        )
        for text in texts
        for name, replicates in pools.items()
    }
    gains = {measure: differences(measure, pairs, rows) for measure in measures}
    return {
        text: {
            name: _selector(
                text, replicates, {m: found[text, name] for m, found in gains.items() if (text, name) in found}
            )
            for name, replicates in pools.items()
        }
        for text in texts
    }


NOBODY = Measured({})
"""Who has no score."""


def _selector(text: str, replicates: Sequence[Opened], gain: dict[str, Difference]) -> SelectorResult:
    found = [one for one in replicates if text in one.teams]
    reasons = [one.reasons.get(text, "no member can be chosen") for one in replicates if text not in one.teams]
    measures = [
        m for m in (found[0].measured[text].scores if found else ()) if all(m in o.measured[text].scores for o in found)
    ]
    return SelectorResult(
        scores={m: float(np.mean([one.measured[text].scores[m] for one in found])) for m in measures},
        size=float(np.mean([len(one.teams[text].members) for one in found])) if found else 0.0,
        gain=gain,
        reason=reasons[0] if reasons else "",
    )


def _chosen(one: Opened, key: str, method: SpecLike) -> Chosen | None:
    if one.reader is None:
        return None
    team = one.teams[key]
    tempered = one.reader.tempered(team) if TEMPERED in one.reader.aim.measures else None
    return Chosen(
        method=str(to_spec(method)),
        consensus=str(team.consensus),
        members=team.members,
        weights=team.weights,
        val=one.reader.scores(team, "val"),
        test=one.reader.scores(team, one.reader.test_set),
        temperature=None if tempered is None or tempered.consensus is None else value_of(tempered.consensus),
        tempered=None if tempered is None else one.reader.scores(tempered, one.reader.test_set),
    )
