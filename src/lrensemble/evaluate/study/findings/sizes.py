"""How scores grow with the size of a team, and with the size of a pool."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import numpy as np

from lrensemble.evaluate.predictors import Floats, Predictor
from lrensemble.evaluate.study.findings.cost import Spent, as_record
from lrensemble.evaluate.study.findings.reader import Measured, PoolReader
from lrensemble.evaluate.study.findings.subsets import drawn, sizes_up_to, smaller_pools
from lrensemble.evaluate.study.record import Drawing, PoolSize, Range, TeamSize
from lrensemble.pool import Member

Choice = Literal["greedy", "top_k", "drawn"]
CHOICES: tuple[Choice, ...] = ("greedy", "top_k", "drawn")


def by_team_size(name: str, readers: Sequence[PoolReader], draws: int, seed: int) -> list[TeamSize]:
    """Scores of teams of every size, mean over replicates; only sizes that all replicates have.

    Args:
        name: name of the pools.
        readers: one for each replicate with members.
        draws: number of teams that are drawn of each size.
        seed: of the draws.
    """
    most = min(len(reader.useful) for reader in readers)
    found = defaultdict[tuple[Choice, int], list[list[Measured]]](list)
    for place, reader in enumerate(readers):
        teams = dict(_teams(reader, most, draws, seed + place))
        measured = reader.measure(teams)
        for way in CHOICES:
            for size in sizes_up_to(most):
                own = [measured[key] for key in teams if key[:2] == (way, size)]
                found[way, size].append(own)
    return [
        TeamSize(pool=name, way=way, size=size, draws=max(map(len, own)), scores=_means(own))
        for (way, size), own in found.items()
    ]


def by_pool_size(
    name: str,
    readers: Sequence[PoolReader],
    spent: Sequence[Spent],
    draws: int,
    seed: int,
    further: Sequence[int] = (),
) -> list[PoolSize]:
    """Scores of the default team and of the best single model of smaller pools, chosen anew in each.

    Args:
        name: name of the pools.
        readers: one for each replicate with members.
        spent: what each of them cost.
        draws: number of smaller pools of each size.
        seed: of the draws.
        further: sizes beside the usual ones.
    """
    most = min(len(reader.members) for reader in readers)
    found = []
    for size in sizes_up_to(most, further):
        drawings = defaultdict[Drawing, list[tuple[list[Measured], list[Measured], Floats]]](list)
        for place, (reader, own) in enumerate(zip(readers, spent, strict=True)):
            kinds = [policy_of(member) for member in reader.members]
            for drawing, subsets in smaller_pools(kinds, size, draws, seed + place):
                teams, singles = _chosen(reader, subsets)
                share = own.of(subsets[0]) if drawing == "in order" else own.share(size)
                drawings[drawing].append((teams, singles, share))
        found += [_pool_size(name, drawing, size, replicates) for drawing, replicates in drawings.items()]
    return found


def policy_of(member: Member) -> str:
    """Policy of a member as text; empty where it has no recipe."""
    policy = (member.recipe or {}).get("policy")
    return json.dumps(policy, sort_keys=True) if policy else ""


def _teams(reader: PoolReader, most: int, draws: int, seed: int) -> Iterator[tuple[tuple[Choice, int, int], Predictor]]:
    for size in sizes_up_to(most):
        yield ("greedy", size, 0), reader.chosen(f"greedy(bootstrap=0, max_members={size})")
        yield ("top_k", size, 0), reader.chosen(f"top_k(k={size})")
        for place, team in enumerate(drawn(reader.useful, size, draws, seed)):
            yield ("drawn", size, place), reader.equal(team)


def _chosen(reader: PoolReader, subsets: Sequence[tuple[int, ...]]) -> tuple[list[Measured], list[Measured]]:
    """Default team and best single model of each smaller pool."""
    asked = {
        (who, place): reader.equal(subset) if len(subset) == 1 else reader.chosen(method, subset)
        for who, method in (("team", reader.aim.method), ("single", "best"))
        for place, subset in enumerate(subsets)
    }
    found = reader.measure(asked)
    places = range(len(subsets))
    return [found["team", place] for place in places], [found["single", place] for place in places]


def _pool_size(
    name: str, drawing: Drawing, size: int, replicates: Sequence[tuple[list[Measured], list[Measured], Floats]]
) -> PoolSize:
    teams, singles, spent = zip(*replicates, strict=True)
    return PoolSize(
        pool=name,
        drawing=drawing,
        size=size,
        draws=max(map(len, teams)),
        cost=as_record(np.mean(spent, axis=0)),
        team=_ranges(teams),
        single=_ranges(singles),
        replicates={
            measure: tuple(float(np.mean([each.scores[measure] for each in own])) for own in teams)
            for measure in _measures(teams)
        },
    )


def _measures(replicates: Sequence[Sequence[Measured]]) -> list[str]:
    """Measures that everybody has a score by."""
    everyone = [each.scores for own in replicates for each in own]
    return [measure for measure in everyone[0] if all(measure in scores for scores in everyone)]


def _means(replicates: Sequence[Sequence[Measured]]) -> dict[str, float]:
    """Mean over replicates of the mean over draws, by measure."""
    return {
        measure: float(np.mean([np.mean([each.scores[measure] for each in own]) for own in replicates]))
        for measure in _measures(replicates)
    }


def _ranges(replicates: Sequence[Sequence[Measured]]) -> dict[str, Range]:
    found: Mapping[str, float] = _means(replicates)
    every = {measure: [each.scores[measure] for own in replicates for each in own] for measure in found}
    ends = {measure: np.quantile(values, (0.025, 0.975)) for measure, values in every.items()}
    return {
        measure: Range(mean=mean, low=float(ends[measure][0]), high=float(ends[measure][1]))
        for measure, mean in found.items()
    }
