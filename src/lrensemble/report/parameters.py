"""How alike the parameters of members are, read file by file."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lrensemble.errors import PoolError
from lrensemble.pool import Member
from lrensemble.report.facts import Floats


def cosine_similarities(members: Sequence[Member]) -> Floats | None:
    """[member, member] cosine similarity of all floating-point parameters and buffers, laid end to end.

    Two members are held at a time. None where a member has no weights, or they differ in names or shapes.
    """
    products = np.empty((len(members), len(members)))
    for place, member in enumerate(members):
        own = _flat(member)
        if own is None:
            return None
        for other_place in range(place + 1):
            other = own if other_place == place else _flat(members[other_place])
            if other is None or other[0] != own[0]:
                return None
            products[place, other_place] = products[other_place, place] = float(own[1] @ other[1])
    norms = np.sqrt(products.diagonal())
    return np.asarray(products / np.maximum(norms[:, None] * norms, np.finfo(np.float64).tiny))


def _flat(member: Member) -> tuple[list[tuple[str, tuple[int, ...]]], Floats] | None:
    """Names with shapes, and all numbers in one vector."""
    try:
        tensors = member.weights()
    except PoolError:
        return None
    floating = {name: tensor for name, tensor in sorted(tensors.items()) if tensor.is_floating_point()}
    shapes = [(name, tuple(tensor.shape)) for name, tensor in floating.items()]
    return shapes, np.concatenate([tensor.double().flatten().numpy() for tensor in floating.values()])
