"""Every variant of a team beside the team and the best single model: made, measured on test rows, and timed."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import torch

from lrensemble.data import Dataset
from lrensemble.environment import environment
from lrensemble.errors import ExportError, LREnsembleError, PoolError
from lrensemble.evaluate import Team, judged, load
from lrensemble.evaluate.looks import described, write_look
from lrensemble.evaluate.measurements import headline_of
from lrensemble.evaluate.teams import validation_of
from lrensemble.evaluate.variants.measured import VariantScores, measured
from lrensemble.evaluate.variants.record import SINGLE, TEAM, Latency, VariantComparison, write_variants
from lrensemble.export.chosen import chosen_team
from lrensemble.export.compared.latency import ROWS, latencies
from lrensemble.export.compared.making import Tell, models, say, variant_of
from lrensemble.export.compared.row import Row
from lrensemble.export.exporting import kind_of
from lrensemble.export.formats import KINDS
from lrensemble.export.variants import VARIANTS, data_of
from lrensemble.pool import Pool
from lrensemble.spec import SpecLike

logger = logging.getLogger(__name__)


def default_variants() -> tuple[str, ...]:
    """Variants that are compared unless some are named: those for which nothing is trained."""
    return tuple(name for name in VARIANTS if name != TEAM and not VARIANTS.facts(name).trains)


def compare(
    pool: Pool,
    variants: Sequence[SpecLike] | None = None,
    *,
    method: str | None = None,
    data: Path | None = None,
    tell: Tell = logger.info,
) -> VariantComparison:
    """Make variants of a team, measure them on test beside the team and the best single model, and store the table.

    All are chosen and fitted on `val` before test is looked at, once, for all of them. A variant that cannot be made
    is a row that says why. Those with weights of their own are kept in the pool, and are not made again.

    Args:
        pool: with chosen teams and test rows.
        variants: by name, with arguments; those for which nothing is trained unless given.
        method: that chose the team; the judged team unless given.
        data: folder of the data set's files, for sets that lie in one.
        tell: told in a line before a network is trained.

    Raises:
        SpecError: a variant that is not known.
        ExportError: no chosen team, or one of language models.
        PoolError: no test rows.
        StorageError: the pool cannot be written to.
    """
    specs = [VARIANTS.check(each) for each in (default_variants() if variants is None else variants)]
    team, single = _chosen(pool, method)
    rows = models(pool, single, team)
    made = [variant_of(pool, team, spec, rows[1], data, tell) for spec in dict.fromkeys(specs) if spec.name != TEAM]
    rows += made
    split = pool.task.test_sets[0]
    dataset = _dataset(pool, rows, data)
    for row in made:
        say(row, pool, split, dataset)
    able = [row for row in rows if not row.not_made]
    looks = write_look(pool, [described(row.what, team.metric, team.consensus, team.team) for row in able], [split])
    known = {row.name: row.predictor for row in able if row.predictor is not None}
    scores = measured(pool, split, team.metric, known, {row.name: row.said for row in able if row.said is not None})
    comparison = _record(pool, team, rows, dataset, scores, looks[split])
    write_variants(pool, comparison)
    return comparison


def _chosen(pool: Pool, method: str | None) -> tuple[Team, Team]:
    """The team, and the best single model by the metric that it aims at.

    Raises:
        ExportError: no chosen team, or one of language models.
        PoolError: no test rows.
    """
    if not pool.task.test_sets:
        raise PoolError(f"{pool.folder} has no test rows, and what a variant is worth would be a guess; set rows aside")
    team = chosen_team(pool, method)
    if (kind := kind_of(pool, team)) != "networks":
        raise ExportError(f"variants are compared for teams of {KINDS['networks']}; this team is of {KINDS[kind]}")
    return team, next(each.single for each in judged(pool, load(pool)) if each.metric == team.metric)


def _record(
    pool: Pool,
    team: Team,
    rows: Sequence[Row],
    dataset: Dataset | None,
    scores: dict[str, VariantScores],
    looks: int,
) -> VariantComparison:
    """The whole table; latencies are measured for it."""
    split = pool.task.test_sets[0]
    inputs, source = _batch(rows, dataset)
    times = _timed([row for row in rows if not row.not_made], inputs, source)
    single = rows[0].ensemble
    return VariantComparison(
        task=pool.task.name,
        split=split,
        rows=pool.task.splits[split].size,
        looks=looks,
        method=team.method,
        metric=team.metric,
        headline=headline_of(pool.task.target, validation_of(pool).served),
        batch=0 if inputs is None else len(inputs),
        inputs=source,
        device="cpu" if single is None else str(single.mean.device),
        threads=torch.get_num_threads(),
        variants=tuple(row.result(pool, scores.get(row.name), times.get(row.name)) for row in rows),
        members=tuple(member.id for member in pool.members()),
        fingerprints={name: each.fingerprints() for name, each in pool.task.splits.items()},
        environment=environment(),
    )


def _dataset(pool: Pool, rows: Sequence[Row], data: Path | None) -> Dataset | None:
    """Data set of the team's members; None where it cannot be read again."""
    ensemble = rows[1].ensemble or rows[0].ensemble
    try:
        return None if ensemble is None else data_of(ensemble, pool, data)[0]
    except LREnsembleError as error:
        logger.info("the data are not read again: %s", error)
        return None


def _batch(rows: Sequence[Row], dataset: Dataset | None) -> tuple[torch.Tensor | None, Literal["val", "random"] | None]:
    """Raw inputs that are timed on: rows of `val`, or random ones where nobody has them."""
    ensemble = rows[0].ensemble
    if ensemble is None:
        return None, None
    if dataset is not None:
        return dataset.raw(dataset.rows["val"][:ROWS]), "val"
    inputs, generator = ensemble.description.inputs, torch.Generator().manual_seed(0)
    drawn = torch.randn(ROWS, *inputs.shape, generator=generator)
    return drawn * ensemble.std.cpu() + ensemble.mean.cpu(), "random"


def _timed(rows: Sequence[Row], inputs: torch.Tensor | None, source: str | None) -> dict[str, Latency]:
    """Time of a batch by name; not of a cascade on random rows, of which it would be sure or unsure by chance."""
    if inputs is None:
        return {}
    known = {
        row.name: row.ensemble
        for row in rows
        if row.ensemble is not None and (source == "val" or row.ensemble.description.stages is None)
    }
    return latencies(known, inputs, SINGLE)
