"""Smaller sets of members, drawn of larger ones by seed."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence

import numpy as np

from lrensemble.evaluate.study.record import Drawing

Subset = tuple[int, ...]


def sizes_up_to(most: int, further: Sequence[int] = ()) -> list[int]:
    """Powers of two and the sizes halfway between them (1, 2, 3, 4, 6, 8, 12, …) below `most`, then `most` itself and
    further sizes within it.
    """
    usual = itertools.chain.from_iterable((2**power, 3 * 2**power // 2) for power in range(most.bit_length()))
    return sorted({size for size in (*usual, *further, most) if 1 <= size <= most})


def drawn(members: Sequence[int], size: int, draws: int, seed: int) -> list[Subset]:
    """Different sets of so many members, at random: as many as asked for, or all that there are."""
    if math.comb(len(members), size) <= draws:
        return list(itertools.combinations(members, size))
    generator = np.random.default_rng([seed, size])
    return _distinct((generator.choice(members, size, replace=False) for _ in itertools.count()), draws)


def balanced(kinds: Sequence[Hashable], size: int, draws: int, seed: int) -> list[Subset]:
    """Sets with as many members of each kind as can be, at random: which kinds have one more, and who stands for each.

    Args:
        kinds: kind of each member: its policy.
        size: number of members of a set.
        draws: number of sets; fewer where the same ones come again and again.
        seed: of the draws.
    """
    generator, groups = np.random.default_rng([seed, size]), defaultdict[Hashable, list[int]](list)
    for member, kind in enumerate(kinds):
        groups[kind].append(member)

    def one() -> Iterator[int]:
        left = [list(generator.permutation(own)) for own in groups.values()]
        taken = 0
        while taken < size:
            for place in generator.permutation(len(left))[: size - taken].tolist():
                if left[place]:
                    yield int(left[place].pop())
                    taken += 1
            left = [own for own in left if own]

    return _distinct((np.array(list(one())) for _ in range(20 * draws)), draws)


def smaller_pools(
    kinds: Sequence[Hashable], size: int, draws: int, seed: int
) -> Iterator[tuple[Drawing, list[Subset]]]:
    """Members of smaller pools of one size, by each way of drawing that makes sense.

    Balanced sets are others than those at random only where several members share a kind and there are several kinds.
    The whole pool is drawn once.
    """
    everyone = range(len(kinds))
    yield "drawn", drawn(everyone, size, draws, seed)
    if 1 < len(set(kinds)) < len(kinds):
        yield "balanced", [tuple(everyone)] if size == len(kinds) else balanced(kinds, size, draws, seed)
    yield "in order", [tuple(range(size))]


def _distinct(found: Iterator[np.ndarray], draws: int) -> list[Subset]:
    kept = dict[Subset, None]()
    for each in found:
        kept[tuple(sorted(each.tolist()))] = None
        if len(kept) == draws:
            break
    return list(kept)
