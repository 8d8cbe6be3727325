"""Compare pools: every figure of a study, from pools on disk. Test truth chooses nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence

from lrensemble.config.study import StudySettings
from lrensemble.environment import environment
from lrensemble.errors import PoolError
from lrensemble.evaluate.measurements import headline_of
from lrensemble.evaluate.study.claim import claim_of, notes_of
from lrensemble.evaluate.study.difference import Difference, Pair
from lrensemble.evaluate.study.findings.chosen import NOBODY, Opened, opened, replicate, selectors
from lrensemble.evaluate.study.findings.cost import costs_to_scores
from lrensemble.evaluate.study.findings.differences import Paired, differences
from lrensemble.evaluate.study.findings.diverse import diverse
from lrensemble.evaluate.study.findings.equivalent import deep_ensemble, equivalents, largest_of_seeds
from lrensemble.evaluate.study.findings.reader import Aim, PoolReader
from lrensemble.evaluate.study.findings.sizes import by_pool_size, by_team_size
from lrensemble.evaluate.study.findings.soups import Averager, soup
from lrensemble.evaluate.study.record import TEMPERED, Averaged, Comparison, DeepEnsemble, Equivalent, PoolSize
from lrensemble.evaluate.teams import methods_of
from lrensemble.metrics.significance.influence import Rows
from lrensemble.pool import Pool
from lrensemble.targets import served_by_all

METHOD = "greedy"
"""Method of the default teams."""

DRAWS = 5
"""Number of teams, and of smaller pools, that are drawn of each size unless the settings say otherwise."""

Pools = Mapping[str, Sequence[Pool]]
OpenedPools = Mapping[str, Sequence[Opened]]


def compare(pools: Pools, settings: StudySettings, *, averager: Averager | None = None) -> Comparison:
    """Compare the pools of a study.

    Args:
        pools: pools by name, one for each replicate, in the same order of base seeds; all over the same rows. The first
            name is the reference.
        settings: selectors, aim, and sizes of smaller pools.
        averager: how weights of members are averaged; without it there are no soups.

    Raises:
        PoolError: pools over other rows, without test rows, or no pool with a member that can be chosen.
        StorageError: a pool cannot be written to: every look at test is noted there.
    """
    start = time.perf_counter()
    first = _checked(pools)
    aim, methods = _aim(pools, settings), methods_of(settings.select, first)
    every = {
        name: [opened(pool, aim, methods, _whole(pools, settings, name, place)) for place, pool in enumerate(own)]
        for name, own in pools.items()
    }
    test = first.task.test_sets[0]
    rows = Rows(first.truth(test), first.weights(test), first.groups(test))
    reference = next(iter(pools))
    pool_sizes = list(_pool_sizes(every, settings))
    ensembles, of_teams = _deep_ensembles(every, aim, settings.select.seed)
    found = Comparison(
        task=first.task.name,
        test=test,
        rows={name: split.size for name, split in first.task.splits.items()},
        measures=aim.measures,
        metric=aim.metric,
        consensus=aim.consensus,
        method=str(aim.method),
        reference=reference,
        pools={name: tuple(map(replicate, own)) for name, own in every.items()},
        over_reference=_over_reference(every, reference, aim, rows),
        over_single=_over_single(every, aim, rows),
        pairs=_pairs(every, aim, rows),
        team_sizes=tuple(
            size
            for name, own in every.items()
            if (readers := _readers(own))
            for size in by_team_size(name, readers, DRAWS, settings.select.seed)
        ),
        pool_sizes=tuple(pool_sizes),
        costs=tuple(costs_to_scores(pool_sizes, reference, aim.measures)),
        deep_ensembles=ensembles,
        equivalents=of_teams,
        diversity=tuple(
            spread
            for name, own in every.items()
            if (spread := diverse(name, _readers(own), [one.teams["team"].members for one in own if one.reader]))
        ),
        selectors=selectors(every, methods, aim.measures, rows),
        soups=tuple(_soups(every, averager)),
        claim="",
        notes=(),
        looks={name: max(one.looks for one in own) for name, own in every.items()},
        seconds=time.perf_counter() - start,
        environment=environment(),
    )
    found = found.model_copy(update={"notes": notes_of(found)})
    return found.model_copy(update={"claim": claim_of(found), "seconds": time.perf_counter() - start})


def _checked(pools: Pools) -> Pool:
    """The first pool, where all are over the same rows and one has members."""
    every = [pool for own in pools.values() for pool in own]
    if not every or not any(pool.members() for pool in every):
        raise PoolError("no pool of the study has a member that can be chosen; train or collect some first")
    first = every[0]
    for pool in every[1:]:
        if difference := first.task.difference(pool.task):
            raise PoolError(
                f"{pool.folder} cannot be compared with {first.folder}: {difference}; pools of a study are over the "
                "same rows"
            )
    if not first.task.test_sets:
        raise PoolError(f"{first.folder} has no test rows, and pools are compared on test; give the data a test split")
    return first


def _aim(pools: Pools, settings: StudySettings) -> Aim:
    """What teams are chosen for, and what scores are given by: what the members of all pools can serve."""
    members = [member for own in pools.values() for pool in own for member in pool.members()]
    target = next(iter(pools.values()))[0].task.target
    served = served_by_all(member.predictions("val") for member in members)
    metric = str(settings.select.metric or target.default_metric(served))
    consensus = str(settings.select.consensus or target.default_consensus(served))
    measures = [headline_of(target, served), metric]
    if "probabilities" in served:
        measures += ["nll", TEMPERED]
    return Aim(metric, consensus, METHOD, tuple(dict.fromkeys(measures)), settings.select.seed)


def _whole(pools: Pools, settings: StudySettings, name: str, place: int) -> Pool | None:
    """The pool that one is a part of, in the same replicate; None where it is whole itself."""
    own = settings.pools.get(name)
    wholes = pools.get(own.from_, ()) if own is not None and own.from_ is not None else ()
    return wholes[place] if place < len(wholes) else None


def _readers(replicates: Sequence[Opened]) -> list[PoolReader]:
    return [one.reader for one in replicates if one.reader is not None]


def _over_reference(every: OpenedPools, reference: str, aim: Aim, rows: Rows) -> dict[str, dict[str, Difference]]:
    pairs = {name: _paired(every, name, reference) for name in every if name != reference}
    return {measure: found for measure in aim.measures if (found := differences(measure, pairs, rows))}


def _over_single(every: OpenedPools, aim: Aim, rows: Rows) -> dict[str, dict[str, Difference]]:
    pairs = {name: _paired(every, name, name, "single") for name in every}
    return {measure: found for measure in aim.measures if (found := differences(measure, pairs, rows))}


def _pairs(every: OpenedPools, aim: Aim, rows: Rows) -> dict[str, tuple[Pair, ...]]:
    names = list(every)
    pairs = {
        (one, other): _paired(every, one, other) for place, one in enumerate(names) for other in names[place + 1 :]
    }
    found = {}
    for measure in aim.measures:
        own = differences(measure, pairs, rows)
        found[measure] = tuple(Pair(first=one, second=other, difference=own[one, other]) for one, other in own)
    return found


def _paired(every: OpenedPools, first: str, second: str, who: str = "team") -> Paired:
    """Default teams of one pool beside the teams or single models of another, replicate by replicate."""
    return Paired(
        [one.measured.get("team", NOBODY) for one in every[first]],
        [one.measured.get(who, NOBODY) for one in every[second]],
    )


def _pool_sizes(every: OpenedPools, settings: StudySettings) -> Iterator[PoolSize]:
    """Smaller pools of every pool; of the one that is scaled also those of the sizes asked for, with as many draws."""
    scaling, seed = settings.scaling, settings.select.seed
    sizes = {name: min((len(reader.members) for reader in _readers(own)), default=0) for name, own in every.items()}
    scaled = None if scaling is None else scaling.of or max(sizes, key=lambda name: sizes[name])
    for name, own in every.items():
        spent = [one.spent for one in own if one.reader is not None]
        if not spent:
            continue
        draws, further = (scaling.draws, scaling.pool) if scaling is not None and name == scaled else (DRAWS, ())
        yield from by_pool_size(name, _readers(own), spent, draws, seed, further)


def _deep_ensembles(every: OpenedPools, aim: Aim, seed: int) -> tuple[tuple[DeepEnsemble, ...], tuple[Equivalent, ...]]:
    """In each replicate, the largest deep ensemble and what teams amount to by it."""
    ensembles, of_teams = list[DeepEnsemble](), list[Equivalent]()
    if TEMPERED not in aim.measures:
        return (), ()
    for place in range(max(map(len, every.values()))):
        here = {name: own[place] for name, own in every.items() if place < len(own) and own[place].reader}
        readers = {name: one.reader for name, one in here.items() if one.reader is not None}
        group = largest_of_seeds(readers)
        if group is None:
            continue
        name, members = group
        ensembles.append(deep_ensemble(name, place, readers[name], members, DRAWS, seed))
        measured = {name: one.measured["team"] for name, one in here.items()}
        sizes = {name: len(one.teams["team"].members) for name, one in here.items()}
        of_teams += equivalents(ensembles[-1], measured, sizes)
    return tuple(ensembles), tuple(of_teams)


def _soups(every: OpenedPools, averager: Averager | None) -> Iterator[Averaged]:
    for name, own in every.items():
        for place, one in enumerate(own):
            if (found := soup(name, place, one, averager)) is not None:
                yield found
