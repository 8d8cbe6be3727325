"""Part of a pool as a pool of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lrensemble.errors import PoolError
from lrensemble.evaluate.baselines import without_seed
from lrensemble.evaluate.teams import default_metric
from lrensemble.metrics import higher_is_better
from lrensemble.pool import Member, MemberRecord, Pool, remove_members
from lrensemble.pool.task import ROW_ATTRIBUTES


def seeds_of_one_recipe(pool: Pool, folder: Path) -> Pool:
    """Pool of the members that share the recipe which has the most seeds: a deep ensemble.

    Of several recipes with as many seeds, it is the one with the best mean score on `val`. What the other members have
    cost is counted by whoever compares (`lrensemble.evaluate.study`).

    Args:
        pool: the whole.
        folder: of the part; what is there of an earlier one stays as far as it belongs to it.

    Raises:
        PoolError: the members have no recipes, since they were trained elsewhere.
        StorageError: the folder cannot be written.
    """
    part, kept = _empty_like(pool, folder), {member.id: member for member in _most_seeds(pool)}
    there = {member.id for member in part.members(include_diverged=True)}
    remove_members(part, sorted(there - set(kept)))
    for id_, member in kept.items():
        if id_ not in there:
            _add(part, member)
    return part


def _most_seeds(pool: Pool) -> Sequence[Member]:
    """Members of the recipe with the most seeds."""
    members = pool.members()
    by_recipe: dict[str, list[Member]] = {}
    for member in members:
        if member.recipe is None:
            raise PoolError(f"{pool.folder}: {member.name} has no recipe, so nobody knows which members differ by seed")
        by_recipe.setdefault(without_seed(member.recipe), []).append(member)
    if not members:
        return ()
    metric = default_metric(pool)
    sign = 1 if higher_is_better(metric) else -1

    def rank(same: Sequence[Member]) -> tuple[int, float]:
        scores = [sign * member.scores["val"][metric] for member in same]
        return len(same), sum(scores) / len(scores)

    return max(by_recipe.values(), key=rank)


def _empty_like(pool: Pool, folder: Path) -> Pool:
    """Pool of the same task, or the one that is there."""
    splits = pool.task.splits
    rows = {what: {split: getattr(pool, what)(split) for split in splits} for what in ROW_ATTRIBUTES}
    attributes = {
        what: {split: found for split, found in by_split.items() if found is not None}
        for what, by_split in rows.items()
    }
    return Pool.create(folder, pool.task, {split: pool.truth(split) for split in splits}, **attributes)


def _add(part: Pool, member: Member) -> None:
    part.add(
        MemberRecord(**{name: getattr(member, name) for name in MemberRecord.model_fields}),
        {split: member.predictions(split) for split in part.task.splits},
        weights=member.weights() if member.has_weights else None,
        history=member.history() or None,
        network=member.network_file() if member.has_network_file else None,
    )
