"""Changes of weights, compared by small Gram matrices as if they had been formed."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.report.language.pools import BASE, config, matrices

from lrensemble.pool import Member, MemberRecord, Pool, Task
from lrensemble.report.language.tokens import distances
from lrensemble.report.language.updates import update_products
from lrensemble.report.parameters import cosines
from lrensemble.targets import Classes, Likelihood

Adapter = tuple[dict[str, Any] | None, dict[str, torch.Tensor] | None]

UP = {"up": (5, 7)}


def members(folder: Path, adapters: list[Adapter]) -> tuple[Member, ...]:
    truth = {split: np.zeros(3, dtype=np.int64) for split in ("val", "test")}
    rows = {split: np.arange(3) for split in truth}
    task = Task.of("tokens", Classes(names=("a", "b")), rows=rows, labels=truth, base=BASE)
    pool = Pool.create(folder / "a pool", task, truth)
    for place, (adapter, weights) in enumerate(adapters):
        said = {split: Likelihood(np.full(3, -1.0)) for split in truth}
        record = MemberRecord(id=f"m{place}", order=place, name=f"m{place}", form="likelihood", adapter=adapter)
        pool.add(record, said, weights=weights)
    return pool.members()


def whole(adapter: dict[str, Any], weights: dict[str, torch.Tensor], layer: str) -> torch.Tensor:
    """s BA [out, in], formed."""
    a, b = (weights.get(f"base_model.model.{layer}.lora_{name}.weight") for name in "AB")
    if a is None or b is None:
        return torch.zeros(1, dtype=torch.float64)
    rank = a.shape[0]
    scale = adapter["lora_alpha"] / (rank**0.5 if adapter["use_rslora"] else rank)
    found: torch.Tensor = scale * b.double() @ a.double()
    return found


def test_products_are_those_of_the_changes_themselves(tmp_path: Path) -> None:
    """Of any rank, scaled in either way, and of adapters that leave a layer alone."""
    given = [(config(3), 3, None), (config(2, use_rslora=True), 2, None), (config(1, lora_alpha=5), 1, UP)]
    adapters = [(own, matrices(seed, rank, layers)) for seed, (own, rank, layers) in enumerate(given)]
    found = update_products(members(tmp_path, [*adapters]))
    assert found is not None
    assert found.layers == ("down", "up")
    for place, layer in enumerate(found.layers):
        changes = [whole(own, weights, layer) for own, weights in adapters]
        expected = [[float((one * other).sum()) for other in changes] for one in changes]
        assert found.by_layer[place] == pytest.approx(np.array(expected))
    assert cosines(found.whole)[0, 0] == pytest.approx(1)


def test_the_same_change_by_other_matrices(tmp_path: Path) -> None:
    """(BR)(R⁻¹A) is BA, though neither factor is the same."""
    first = {key: tensor.double() for key, tensor in matrices(0, 2, UP).items()}
    turn = torch.tensor([[2.0, 1.0], [0.5, -3.0]], dtype=torch.float64)
    a, b = (first[f"base_model.model.up.lora_{name}.weight"] for name in "AB")
    second = {
        "base_model.model.up.lora_A.weight": torch.linalg.inv(turn) @ a,
        "base_model.model.up.lora_B.weight": b @ turn,
    }
    opposite = {key: -tensor if ".lora_B." in key else tensor for key, tensor in second.items()}
    found = update_products(members(tmp_path, [(config(2), each) for each in (first, second, opposite)]))
    assert found is not None
    assert cosines(found.whole)[0] == pytest.approx([1, 1, -1])


@pytest.mark.parametrize(
    "other",
    [
        (config(2, use_dora=True), matrices(1, 2)),
        (config(2, alpha_pattern={"up": 3}), matrices(1, 2)),
        (config(2), None),
        (None, matrices(1, 2)),
    ],
    ids=["lengths apart", "scales by layer", "dropped", "no adapter"],
)
def test_what_is_no_product_of_two_matrices_is_not_compared(tmp_path: Path, other: Adapter) -> None:
    assert update_products(members(tmp_path, [(config(2), matrices(0, 2)), other])) is None
    assert update_products(()) is None


def test_distances_in_tokens() -> None:
    said = np.random.default_rng(0).normal(size=(4, 9))
    slow = [[sum(abs(a - b) for a, b in zip(one, other, strict=True)) / 9 for other in said] for one in said]
    assert distances(said) == pytest.approx(np.array(slow))
