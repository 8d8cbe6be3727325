"""Schedulers of torch, timm and transformers, and anything else with a `step`, read as policies."""

import functools
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.optim import lr_scheduler as torch_schedulers
from torch.optim.lr_scheduler import LambdaLR, OneCycleLR, SequentialLR, StepLR

from lrensemble.errors import SpecError
from lrensemble.policies import build, cosine, linear
from lrensemble.policies.torch_adapter import PolicyLR, policy_of

TOTAL = 12
Optimizer = torch.optim.Optimizer


class Cosine:
    """The protocol of timm: `step_update` after every update, `step` at the end of every epoch, both with a count."""

    def __init__(self, optimizer: Optimizer, t_initial: int, *, t_in_epochs: bool = True) -> None:
        self.optimizer, self.t_initial, self.t_in_epochs = optimizer, t_initial, t_in_epochs
        self.base_values = [group.setdefault("initial_lr", group["lr"]) for group in optimizer.param_groups]
        self._set(0)

    def step(self, epoch: int, metric: float | None = None) -> None:
        del metric
        if self.t_in_epochs:
            self._set(epoch)

    def step_update(self, num_updates: int, metric: float | None = None) -> None:
        del metric
        if not self.t_in_epochs:
            self._set(num_updates)

    def _set(self, t: int) -> None:
        for group, base in zip(self.optimizer.param_groups, self.base_values, strict=True):
            value = 0.5 * base * (1 + math.cos(math.pi * t / self.t_initial))
            group["lr"] = value * group.get("lr_scale", 1.0)


class Halving:
    """A scheduler of nobody's: it has a step, and that is all."""

    def __init__(self, optimizer: Optimizer) -> None:
        self.groups = optimizer.param_groups

    def step(self) -> None:
        for group in self.groups:
            group["lr"] /= 2


def optimizer_of(rate: float = 0.2, groups: int = 1, kind: Any = torch.optim.SGD, **more: Any) -> Optimizer:
    parameters = [{"params": [torch.ones(2, requires_grad=True)], **more} for _ in range(groups)]
    made: Optimizer = kind(parameters, lr=rate)
    return made


def stepped(optimizer: Optimizer, scheduler: Any, steps: int = TOTAL) -> list[float]:
    """Rates of a loop, as its author writes it."""
    rates = []
    for _ in range(steps):
        rates.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        scheduler.step()
    return rates


MAKERS: dict[str, Callable[[Optimizer], Any]] = {
    "StepLR": lambda optimizer: StepLR(optimizer, 3, 0.5),
    "CosineAnnealingLR": functools.partial(torch_schedulers.CosineAnnealingLR, T_max=TOTAL),
    "OneCycleLR": lambda optimizer: OneCycleLR(optimizer, 0.3, total_steps=TOTAL + 1),
    "CyclicLR": lambda optimizer: torch_schedulers.CyclicLR(optimizer, 0.01, 0.1, 4, cycle_momentum=False),
    "SequentialLR": lambda optimizer: SequentialLR(
        optimizer,
        [torch_schedulers.LinearLR(optimizer, 0.1, total_iters=4), torch_schedulers.ExponentialLR(optimizer, 0.9)],
        [4],
    ),
    "ChainedScheduler": lambda optimizer: torch_schedulers.ChainedScheduler(
        [torch_schedulers.ConstantLR(optimizer, 0.5, 4), torch_schedulers.ExponentialLR(optimizer, 0.9)]
    ),
    "PolicyLR": lambda optimizer: PolicyLR(optimizer, build("one_cycle(peak=0.1)", TOTAL)),
    "Halving": Halving,
}


@pytest.mark.parametrize("name", MAKERS)
def test_a_function_that_makes_a_scheduler_gives_the_rates_of_a_loop(name: str) -> None:
    optimizer = torch.optim.SGD([torch.ones(2, requires_grad=True)], lr=0.2, momentum=0.9)
    expected = stepped(optimizer, MAKERS[name](optimizer))
    assert policy_of(MAKERS[name], TOTAL, peak=0.2).curve() == expected


@pytest.mark.parametrize("kind", [torch.optim.SGD, torch.optim.AdamW])
@pytest.mark.parametrize("name", [name for name in MAKERS if name != "Halving"])
def test_a_scheduler_as_it_stands_is_read_from_there_and_left_alone(name: str, kind: Any) -> None:
    more: dict[str, Any] = {"momentum": 0.9} if kind is torch.optim.SGD else {}
    optimizer = optimizer_of(kind=kind, **more)
    scheduler = MAKERS[name](optimizer)
    stepped(optimizer, scheduler, 3)
    before = {key: value for key, value in optimizer.param_groups[0].items() if key != "params"}
    found = policy_of(scheduler, TOTAL - 3).curve()
    assert {key: value for key, value in optimizer.param_groups[0].items() if key != "params"} == before
    assert found == stepped(optimizer, scheduler, TOTAL - 3)


def test_momentum_is_read_of_betas_as_well() -> None:
    optimizer = optimizer_of(kind=torch.optim.Adam)
    found = policy_of(OneCycleLR(optimizer, 0.3, total_steps=TOTAL), TOTAL)
    assert found.momentum(0) == pytest.approx(0.95)
    assert min(found.momentum(step) or 0 for step in range(TOTAL)) == pytest.approx(0.85, abs=0.01)
    assert not policy_of(StepLR(optimizer, 3), TOTAL).gives_momentum


@pytest.mark.parametrize("kind", ["linear", "cosine", "polynomial", "constant_with_warmup", "inverse_sqrt"])
def test_transformers_schedulers(kind: str) -> None:
    transformers = pytest.importorskip("transformers")
    optimizer = optimizer_of(kind=torch.optim.AdamW)
    scheduler = transformers.get_scheduler(kind, optimizer, num_warmup_steps=3, num_training_steps=TOTAL)
    found = policy_of(scheduler, TOTAL).curve()
    assert found == stepped(optimizer, scheduler)
    assert found[:4] == pytest.approx([0.0, 0.2 / 3, 0.4 / 3, 0.2])


def test_timm_counts_updates_or_epochs() -> None:
    wave = [0.1 * (1 + math.cos(math.pi * step / TOTAL)) for step in range(TOTAL)]
    by_update = functools.partial(Cosine, t_initial=TOTAL, t_in_epochs=False)
    assert policy_of(by_update, TOTAL, peak=0.2).curve() == pytest.approx(wave)
    assert policy_of(by_update(optimizer_of(lr_scale=0.5)), TOTAL).curve() == pytest.approx(wave)
    by_epoch = Cosine(optimizer_of(), 3)
    stairs = [0.1 * (1 + math.cos(math.pi * (step // 4) / 3)) for step in range(TOTAL)]
    assert policy_of(by_epoch, TOTAL, epoch_steps=4).curve() == pytest.approx(stairs)
    with pytest.raises(SpecError, match="Cosine counts epochs; give epoch_steps, the steps of one"):
        policy_of(by_epoch, TOTAL)


def test_a_scheduler_of_torch_may_be_stepped_by_epoch_as_well() -> None:
    found = policy_of(lambda optimizer: StepLR(optimizer, 2, 0.1), TOTAL, epoch_steps=3)
    assert found.curve() == pytest.approx([0.1] * 6 + [0.01] * 6)


def test_a_group_may_be_named() -> None:
    optimizer = optimizer_of(groups=2)
    optimizer.param_groups[1]["lr"] = 0.4
    scheduler = StepLR(optimizer, 100)
    assert [policy_of(scheduler, TOTAL, group=group)(0) for group in (0, 1)] == [0.2, 0.4]
    with pytest.raises(SpecError, match=r"group = 2 is refused.*2 parameter groups"):
        policy_of(scheduler, TOTAL, group=2)


def test_factors_of_groups_are_no_part_of_the_policy() -> None:
    policy, optimizer = linear(TOTAL, peak=0.2), optimizer_of(groups=2, lr_scale=0.5)
    for scheduler in (PolicyLR(optimizer, policy), SequentialLR(optimizer, [PolicyLR(optimizer, policy)], [])):
        assert policy_of(scheduler, TOTAL).curve() == pytest.approx(policy.curve())
    assert policy_of(StepLR(optimizer_of(lr_scale=0.5), 100), TOTAL).curve() == [0.2] * TOTAL


def test_a_sequence_with_policies_resumes_on_a_fresh_optimizer() -> None:
    pieces = [linear(TOTAL, peak=0.2), cosine(TOTAL, peak=0.1), linear(TOTAL, peak=0.05)]

    def make() -> tuple[Optimizer, SequentialLR]:
        optimizer = optimizer_of()
        return optimizer, SequentialLR(optimizer, [PolicyLR(optimizer, each) for each in pieces], [3, 8])

    whole = stepped(*make(), TOTAL)
    assert whole == pieces[0].curve()[:3] + pieces[1].curve()[:5] + pieces[2].curve()[:4]
    for done in range(TOTAL):
        optimizer, scheduler = make()
        stepped(optimizer, scheduler, done)
        fresh, again = make()
        again.load_state_dict(scheduler.state_dict())
        assert stepped(fresh, again, TOTAL - done) == whole[done:], done


class Stuck:
    """A scheduler that cannot be copied, and refuses every step."""

    def __init__(self, optimizer: Optimizer) -> None:
        self.optimizer, self.here = optimizer, (each for each in "ab")

    def step(self) -> None:
        raise RuntimeError("no further")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            lambda optimizer: OneCycleLR(optimizer, 0.3, total_steps=5),
            "OneCycleLR has no rate for step 6 of 12: ValueE",
        ),
        (lambda _: None, "what was made for an optimizer is NoneType, without a step; give a scheduler, or"),
        (StepLR, "no scheduler can be made for an optimizer: TypeError: .*step_size"),
        ("StepLR", "no scheduler can be made for an optimizer: TypeError"),
        (Halving(optimizer_of()), "Halving has no optimizer whose rates it sets; give a function from an optimizer"),
        (Stuck(optimizer_of()), "Stuck cannot be copied: TypeError"),
        (Stuck, "Stuck has no rate for step 1 of 12: RuntimeError: no further"),
        (LambdaLR(optimizer_of(), lambda step: 2 - step), r"rates\[3\] = -0.2.* is refused"),
        (torch_schedulers.ReduceLROnPlateau(optimizer_of()), "ReduceLROnPlateau follows a metric"),
    ],
)
def test_every_refusal_is_one_line(given: Any, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        policy_of(given, TOTAL)


def test_steps_and_rates_that_cannot_be_are_refused() -> None:
    for more in ({"peak": -0.1}, {"epoch_steps": 0}):
        with pytest.raises(SpecError, match="is refused"):
            policy_of(lambda optimizer: StepLR(optimizer, 3), TOTAL, **more)
    with pytest.raises(SpecError):
        policy_of(lambda optimizer: StepLR(optimizer, 3), 0)


@pytest.mark.parametrize("name", ["StepLR(step_size=3)", "OneCycleLR(max_lr=0.3)"])
def test_a_scheduler_is_no_policy(name: str) -> None:
    """It takes what a policy does not know; the message says what does."""
    with pytest.raises(SpecError, match=r"LR' takes an optimizer, as schedulers do; .* use policy_of of lrensemble"):
        build(f"torch.optim.lr_scheduler:{name}", TOTAL)
