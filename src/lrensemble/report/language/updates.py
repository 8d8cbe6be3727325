"""What adapters change in the weights of their base, compared without ever forming a change as a whole.

An adapter adds s BA to the weights of a layer, with B [out, rank] and A [rank, in]. The scalar product of two such
changes is that of two small Gram matrices,

    ⟨s₁ B₁A₁, s₂ B₂A₂⟩ = s₁ s₂ tr(A₁ᵀ B₁ᵀ B₂ A₂) = s₁ s₂ Σ (B₁ᵀB₂) ∘ (A₁A₂ᵀ),

rank × rank numbers each, however large the layer is. A and B alone say nothing: BA is the same for (BR)(R⁻¹A).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np
import safetensors

from lrensemble.files import tensor_errors
from lrensemble.pool import Member
from lrensemble.report.parameters import Floats, Products

A, B = ".lora_A.weight", ".lora_B.weight"


def update_products(members: Sequence[Member]) -> Products | None:
    """Scalar products of the weight updates of all pairs of adapters, layer by layer.

    An adapter that leaves a layer alone changes it by zero. None where a member is no adapter, its weights were not
    kept, its settings scale some layers otherwise (`alpha_pattern`), or it learns lengths apart (DoRA), so that its
    change is no product of two matrices.

    Raises:
        PoolError: a file is damaged.
        StorageError: a file cannot be read.
    """
    if not members or not all(member.has_weights and _is_product(member.adapter) for member in members):
        return None
    with ExitStack() as stack:
        files = [stack.enter_context(_opened(member)) for member in members]
        layers = sorted({key.removesuffix(A) for file in files for key in file.keys() if key.endswith(A)})  # noqa: SIM118 – no mapping
        by_layer = np.zeros((len(layers), len(files), len(files)))
        for place, layer in enumerate(layers):
            factors = [_factors(file, layer) for file in files]
            scales = [_scale(member.adapter or {}, own) for member, own in zip(members, factors, strict=True)]
            by_layer[place] = _products(factors, scales)
        return Products(tuple(map(_in_short, layers)), by_layer)


Factors = tuple[Floats, Floats] | None
"""A [rank, in] and B [out, rank] of one layer; None where an adapter leaves it alone."""


def _products(factors: Sequence[Factors], scales: Sequence[float]) -> Floats:
    found = np.zeros((len(factors), len(factors)))
    for one, first in enumerate(factors):
        for other, second in enumerate(factors[: one + 1]):
            if first is not None and second is not None:
                gram = (first[1].T @ second[1]) * (first[0] @ second[0].T)  # [rank, rank]
                found[one, other] = found[other, one] = scales[one] * scales[other] * gram.sum()
    return found


def _is_product(adapter: Mapping[str, Any] | None) -> bool:
    return adapter is not None and not adapter.get("use_dora") and not adapter.get("alpha_pattern")


def _opened(member: Member) -> Any:
    path = member.weights_file()
    with tensor_errors(path):
        return safetensors.safe_open(path, "pt")


def _factors(file: Any, layer: str) -> Factors:
    names = layer + A, layer + B
    if any(name not in file.keys() for name in names):  # noqa: SIM118 – no mapping
        return None
    first, second = (np.asarray(file.get_tensor(name).double().numpy()) for name in names)
    return first, second


def _scale(adapter: Mapping[str, Any], factors: Factors) -> float:
    """Scale s = alpha / rank, or alpha / sqrt(rank) of rsLoRA."""
    if factors is None:
        return 0.0
    rank = len(factors[0])
    return float(adapter["lora_alpha"]) / (math.sqrt(rank) if adapter.get("use_rslora") else rank)


def _in_short(layer: str) -> str:
    """The layer's name in its base."""
    return layer.removeprefix("base_model.model.")
