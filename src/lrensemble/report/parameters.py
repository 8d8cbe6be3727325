"""Similarities and distances between the parameters of members, layer by layer, read slice by slice of the files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
from numpy.typing import NDArray

from lrensemble.files import tensor_errors
from lrensemble.pool import Member

Floats = NDArray[np.float64]

STATISTICS = ("running_mean", "running_var")
"""Suffixes of BatchNorm's statistics, which are no parameters."""

IN_MEMORY = 1 << 25
"""Maximum number of parameters of all members in memory at once; 256 MiB in float64."""


@dataclass(frozen=True)
class Products:
    """Scalar products of members' parameters."""

    layers: tuple[str, ...]
    by_layer: Floats
    """Products [layer, member, member] of the parameters of a layer."""

    @cached_property
    def whole(self) -> Floats:
        """Products [member, member] of all parameters, concatenated."""
        return np.asarray(self.by_layer.sum(axis=0))


def products_of(members: Sequence[Member]) -> Products | None:
    """Scalar products of all pairs of members in one pass over their files; None where parameters cannot be compared.

    They cannot where a member has no weights, or where names or shapes differ. The statistics of BatchNorm have no
    part. Memory is bounded by `IN_MEMORY` numbers, however large and many the members are.

    Raises:
        PoolError: a file is damaged.
        StorageError: a file cannot be read.
    """
    if not members or any(not member.has_weights for member in members):
        return None
    with ExitStack() as stack:
        files = [stack.enter_context(_opened(member.weights_file())) for member in members]
        shapes = [_shapes(file) for file in files]
        if any(each != shapes[0] for each in shapes):
            return None
        by_layer = np.zeros((len(shapes[0]), len(files), len(files)))
        for place, (name, shape) in enumerate(shapes[0].items()):
            for rows in _rows(files, name, shape):
                by_layer[place] += rows @ rows.T
        return Products(tuple(shapes[0]), by_layer)


def _opened(path: Path) -> Any:
    with tensor_errors(path):
        return safetensors.safe_open(path, "np")


def _shapes(file: Any) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the floating-point parameters, in the order of their names."""
    slices = {name: file.get_slice(name) for name in sorted(file.keys()) if not name.endswith(STATISTICS)}
    return {name: tuple(each.get_shape()) for name, each in slices.items() if each.get_dtype().startswith("F")}


def _rows(files: Sequence[Any], name: str, shape: tuple[int, ...]) -> Iterator[Floats]:
    """One tensor of all members, [member, number], a block of its first axis at a time."""
    if not shape:
        yield np.stack([file.get_tensor(name).reshape(1) for file in files]).astype(np.float64)
        return
    width = int(np.prod(shape[1:], dtype=np.int64))
    step = max(1, IN_MEMORY // max(1, len(files) * width))
    for start in range(0, shape[0], step):
        parts = [file.get_slice(name)[start : min(start + step, shape[0])] for file in files]
        yield np.stack([part.reshape(-1) for part in parts]).astype(np.float64)


def cosines(products: Floats) -> Floats:
    """Cosine similarities ⟨a, b⟩ / (‖a‖ ‖b‖) from scalar products […, member, member]; 0 where a vector is zero."""
    squares = np.diagonal(products, axis1=-2, axis2=-1)
    norms = np.sqrt(squares[..., :, None] * squares[..., None, :])
    return np.asarray(np.divide(products, norms, out=np.zeros_like(products), where=norms > 0))


def squared_distances(products: Floats) -> Floats:
    """Squared distances ‖a‖² + ‖b‖² − 2⟨a, b⟩ from scalar products […, member, member]."""
    squares = np.diagonal(products, axis1=-2, axis2=-1)
    return np.asarray(np.maximum(squares[..., :, None] + squares[..., None, :] - 2 * products, 0.0))
