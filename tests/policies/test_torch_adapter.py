"""Policies drive torch optimizers, and torch's curves come back as policies."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch.optim.lr_scheduler import LambdaLR, ReduceLROnPlateau, SequentialLR

from lrensemble.errors import SpecError
from lrensemble.policies import build, cosine, linear
from lrensemble.policies.torch_adapter import PolicyLR, policy_of

TOTAL = 12


def optimizer_of(kind: type[torch.optim.Optimizer], groups: int = 1) -> torch.optim.Optimizer:
    parameters = [{"params": [torch.zeros(2, requires_grad=True)]} for _ in range(groups)]
    return kind(parameters, lr=99.0)  # type: ignore[call-arg]


def read(optimizer: torch.optim.Optimizer, scheduler: PolicyLR, steps: int, group: int = 0) -> list[float]:
    rates = []
    for _ in range(steps):
        rates.append(float(optimizer.param_groups[group]["lr"]))
        optimizer.step()
        scheduler.step()
    return rates


@pytest.mark.parametrize("kind", [torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW, torch.optim.RMSprop])
def test_any_optimizer_follows_the_policy(kind: type[torch.optim.Optimizer]) -> None:
    policy = cosine(TOTAL, peak=0.2)
    optimizer = optimizer_of(kind)
    scheduler = PolicyLR(optimizer, policy)
    assert read(optimizer, scheduler, TOTAL) == policy.curve()
    assert scheduler.get_last_lr() == [0.0]


def test_groups_share_a_policy_scaled_or_have_their_own() -> None:
    policy = linear(TOTAL, peak=0.2)
    optimizer = optimizer_of(torch.optim.SGD, groups=2)
    optimizer.param_groups[1]["lr_scale"] = 0.5
    assert read(optimizer, PolicyLR(optimizer, policy), 5, group=1) == [0.5 * policy(step) for step in range(5)]
    own = [cosine(TOTAL, peak=0.1), linear(TOTAL, peak=0.3)]
    other = optimizer_of(torch.optim.SGD, groups=2)
    assert read(other, PolicyLR(other, own), 5, group=1) == own[1].curve()[:5]
    with pytest.raises(SpecError, match="3 policies do not fit 2 parameter groups; give one, or 2"):
        PolicyLR(optimizer_of(torch.optim.SGD, groups=2), [policy] * 3)


def test_a_run_resumes_at_any_step() -> None:
    policy = build("one_cycle(peak=0.1)", TOTAL)
    optimizer = optimizer_of(torch.optim.SGD)
    scheduler = PolicyLR(optimizer, policy)
    read(optimizer, scheduler, 5)
    resumed = optimizer_of(torch.optim.SGD)
    again = PolicyLR(resumed, policy)
    again.load_state_dict(scheduler.state_dict())
    assert read(resumed, again, 7) == policy.curve()[5:]


def test_a_new_optimizer_resumes_after_any_step() -> None:
    policy = build("one_cycle(peak=0.1)", TOTAL)
    optimizer = optimizer_of(torch.optim.SGD, groups=2)
    scheduler = PolicyLR(optimizer, policy, last_epoch=4)
    assert read(optimizer, scheduler, 7) == policy.curve()[5:]


def train(steps: int, weight: torch.Tensor, optimizer: torch.optim.Optimizer, scheduler: PolicyLR) -> None:
    for _ in range(steps):
        optimizer.zero_grad()
        torch.autograd.backward(((weight - torch.tensor([1.0, 2.0, 3.0])) ** 4).sum())
        optimizer.step()
        scheduler.step()


def test_a_checkpoint_resumes_training_to_the_bit(tmp_path: Path) -> None:
    policy = build("one_cycle(peak=0.01)", TOTAL)

    def make() -> tuple[torch.Tensor, torch.optim.Optimizer, PolicyLR]:
        weight = torch.zeros(3, requires_grad=True)
        optimizer = torch.optim.Adam([weight], lr=99.0)
        return weight, optimizer, PolicyLR(optimizer, policy)

    whole, optimizer, scheduler = make()
    train(TOTAL, whole, optimizer, scheduler)
    first, optimizer, scheduler = make()
    train(5, first, optimizer, scheduler)
    torch.save([first, optimizer.state_dict(), scheduler.state_dict()], tmp_path / "state")
    saved, optimizer_state, scheduler_state = torch.load(tmp_path / "state", weights_only=True)
    second, optimizer, scheduler = make()
    second.data.copy_(saved)
    optimizer.load_state_dict(optimizer_state)
    scheduler.load_state_dict(scheduler_state)
    train(TOTAL - 5, second, optimizer, scheduler)
    assert torch.equal(second, whole)


def test_a_rate_that_is_a_tensor_stays_the_same_tensor() -> None:
    policy = linear(TOTAL, peak=0.25)
    optimizer = torch.optim.Adam([torch.zeros(2, requires_grad=True)], lr=torch.tensor(99.0))
    rate = optimizer.param_groups[0]["lr"]
    scheduler = PolicyLR(optimizer, policy)
    assert read(optimizer, scheduler, 3) == pytest.approx(policy.curve()[:3])
    scheduler.load_state_dict({"last_epoch": 6})
    assert optimizer.param_groups[0]["lr"] is rate
    assert float(rate) == pytest.approx(policy(6))


def test_it_can_be_one_of_torchs_sequence() -> None:
    first, second = linear(TOTAL, peak=0.2), cosine(TOTAL, peak=0.1)
    back = policy_of(
        lambda optimizer: SequentialLR(optimizer, [PolicyLR(optimizer, first), PolicyLR(optimizer, second)], [5]), TOTAL
    )
    assert back.curve() == first.curve()[:5] + second.curve()[: TOTAL - 5]


def test_there_and_back() -> None:
    policy = build("triangular(peak=0.3, half_period=3)", TOTAL)
    back = policy_of(lambda optimizer: PolicyLR(optimizer, policy), TOTAL)
    assert back.curve() == policy.curve()
    assert build(str(back.spec), TOTAL).curve() == policy.curve()
    halved = policy_of(lambda optimizer: LambdaLR(optimizer, lambda step: 0.5**step), 4, peak=0.8)
    assert halved.curve() == pytest.approx([0.8, 0.4, 0.2, 0.1])


def test_a_scheduler_that_waits_for_a_metric_has_no_curve() -> None:
    with pytest.raises(SpecError, match="ReduceLROnPlateau follows a metric"):
        policy_of(lambda optimizer: ReduceLROnPlateau(optimizer), TOTAL)
    with pytest.raises(SpecError, match=r"rates\[3\] = -0.1.* is refused"):
        policy_of(lambda optimizer: LambdaLR(optimizer, lambda step: 2 - step), TOTAL)


def test_policies_themselves_never_import_torch() -> None:
    script = "import sys, lrensemble.policies; print('torch' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"
