"""A policy may give the momentum beside the rate: equal to torch's, and handed on by policies made of others."""

from typing import Any

import numpy as np
import pytest
import torch
from tests.pairwise import pairwise
from torch.optim import lr_scheduler as reference

from lrensemble.errors import SpecError
from lrensemble.policies import Policy, build
from lrensemble.policies.torch_adapter import PolicyLR, policy_of

TOTAL = 97
CYCLED = "one_cycle(peak=0.3, cycle_momentum=true)"


def momenta(policy: Policy) -> list[float | None]:
    return [policy.momentum(step) for step in range(policy.total)]


@pairwise(
    {
        "total": (5, 11, 97),
        "warmup, three_phase": ((0.3, False), (0.3, True), (0.0, False), (0.5, True)),
        "anneal": ("cos", "linear"),
        "base, most": ((0.85, 0.95), (0.0, 0.7)),
    }
)
def test_one_cycle_has_torchs_momentum(
    total: int, warmup: float, three_phase: bool, anneal: Any, base: float, most: float
) -> None:
    def make(optimizer: torch.optim.Optimizer) -> reference.LRScheduler:
        return reference.OneCycleLR(
            optimizer,
            0.3,
            total_steps=total,
            pct_start=warmup,
            anneal_strategy=anneal,
            three_phase=three_phase,
            base_momentum=base,
            max_momentum=most,
        )

    options = f"warmup={warmup}, three_phase={three_phase}, anneal='{anneal}'"
    bounds = f"cycle_momentum=True, base_momentum={base}, max_momentum={most}"
    ours, torchs = build(f"one_cycle(peak=0.3, {options}, {bounds})", total), policy_of(make, total)
    np.testing.assert_allclose(ours.curve(), torchs.curve(), rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(momenta(ours), momenta(torchs), rtol=1e-9, atol=1e-15)  # type: ignore[arg-type]


def test_who_gives_none_leaves_the_optimizers_own() -> None:
    for text in ("one_cycle(peak=0.3)", "cosine(peak=0.1)", "join(pieces=[cosine(peak=0.1)], boundaries=[])"):
        policy = build(text, TOTAL)
        assert set(momenta(policy)) == {None}
        assert not policy.gives_momentum


def test_policies_of_policies_hand_it_on() -> None:
    inner = build(CYCLED, 40)
    joined = build(f"join(pieces=[{CYCLED}, cosine(peak=0.1)], boundaries=[40])", TOTAL)
    assert momenta(joined) == momenta(inner) + [None] * (TOTAL - 40)
    warmed = build(f"warmup(policy={CYCLED}, steps=10)", 50)
    assert momenta(warmed) == [0.95] * 10 + momenta(inner)
    assert momenta(build(f"repeat(policy={CYCLED}, times=2)", 80)) == momenta(inner) * 2
    assert joined.gives_momentum


@pytest.mark.parametrize("kind", [torch.optim.SGD, torch.optim.AdamW, torch.optim.RMSprop])
def test_a_scheduler_sets_it_and_gives_the_optimizer_its_own_back(kind: Any) -> None:
    policy = build(f"join(pieces=[{CYCLED}, cosine(peak=0.1)], boundaries=[5])", 8)
    own = {} if kind is torch.optim.AdamW else {"momentum": 0.5}
    optimizer = kind([torch.zeros(2, requires_grad=True)], lr=9.0, **own)
    scheduler = PolicyLR(optimizer, policy)
    seen = []
    for _ in range(8):
        group = optimizer.param_groups[0]
        seen.append(group["betas"][0] if "betas" in group else group["momentum"])
        optimizer.step()
        scheduler.step()
    assert seen == momenta(build(CYCLED, 5)) + [own.get("momentum", 0.9)] * 3


def test_there_and_back() -> None:
    policy = build(CYCLED, TOTAL)
    back = policy_of(lambda optimizer: PolicyLR(optimizer, policy), TOTAL)
    assert momenta(back) == momenta(policy)
    assert momenta(build(str(back.spec), TOTAL)) == momenta(policy)
    assert "momenta" not in str(policy_of(lambda optimizer: reference.StepLR(optimizer, 3), TOTAL).spec)


def test_an_optimizer_without_momentum_is_refused() -> None:
    optimizer = torch.optim.Adagrad([torch.zeros(2, requires_grad=True)])
    with pytest.raises(SpecError, match=r"one_cycle\(.* gives a momentum, and Adagrad takes none"):
        PolicyLR(optimizer, build(CYCLED, TOTAL))
