"""What the callbacks of all tools share: how they come into a pool, and how they are one of their tool's own class."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lrensemble.adopt.found import Asked, Found
from lrensemble.adopt.into_pool import AdoptedMember, AdoptResult, add_all, require_fit
from lrensemble.adopt.rows import Rows
from lrensemble.config import Inputs

logger = logging.getLogger(__name__)

_DERIVED: dict[tuple[type, ...], type] = {}


class Keeper:
    """A pool into which a callback adopts the networks of training runs, each at its end."""

    def __init__(self, pool: Any, said: Mapping[str, Any]) -> None:
        self.pool = pool
        self.said = dict(said)
        """What the user says of rows and networks: keywords of `lrensemble.adopt`."""
        self.members: list[AdoptedMember] = []
        """What became of each network."""
        self._prepared: tuple[Rows, Asked] | None = None

    def prepared(self) -> tuple[Rows, Asked]:
        """Rows to predict, and what is known of networks; the pool is made where there is none.

        Raises:
            AdoptError, DataError, PoolError, SpecError: as of `lrensemble.adopt`.
        """
        if self._prepared is None:
            # The front door stands above this part; whoever uses a callback comes in by it.
            self._prepared = import_module("lrensemble.front.adopted").prepared(self.pool, **self.said)
        return self._prepared

    def require_fit(self, found: Found) -> None:
        """Refuse at the start of a training what could not be kept at its end."""
        require_fit(self.prepared()[0], found)

    def add(self, found: Found) -> AdoptResult:
        """Adopt a network."""
        rows, asked = self.prepared()
        result = add_all(rows, [asked.completed(found)])
        self.members += result.members
        for member in result.members:
            logger.info("%s: kept as member %s of %s", member.name, member.id, rows.pool.folder)
        return result


def normalised(raw: NDArray[Any], inputs: Inputs) -> torch.Tensor:
    """Raw inputs [sample, *shape] as networks are given them in their tools: (input - mean) / std."""
    axes = (1, -1, *[1] * (len(inputs.shape) - 1))
    given = torch.from_numpy(np.ascontiguousarray(raw)).float()
    return (given - torch.tensor(inputs.mean).view(axes)) / torch.tensor(inputs.std).view(axes)


def derived(own: type, *bases: type) -> type:
    """A class that is of a tool's own classes as well: a tool asks for those, and is not imported before it is used."""
    if (own, *bases) not in _DERIVED:
        _DERIVED[own, *bases] = type(
            own.__name__, (own, *bases), {"__module__": own.__module__, "__doc__": own.__doc__}
        )
    return _DERIVED[own, *bases]
