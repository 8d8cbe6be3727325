"""A wrong argument is refused when the policy is built, with its name, its value and what is allowed."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from lrensemble.errors import SpecError
from lrensemble.policies import POLICIES, build, cosine, one_cycle, sawtooth, triangular

TOTAL = 97


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cosin(peak=0.1)", "no policy named 'cosin'; did you mean 'cosine'"),
        ("cosine", "policy 'cosine' needs peak: e.g. cosine"),
        ("cosine(peek=0.1)", "has no argument 'peek'; did you mean 'peak'"),
        ("cosine(peak='high')", "peak = 'high' is refused: input should be a valid number"),
        ("cosine(peak=-0.1)", "peak = -0.1 is refused: a peak is a positive number"),
        ("cosine(peak=0.0)", "peak = 0.0 is refused"),
        ("cosine(peak=1e999)", "peak = inf is refused"),
        (f"cosine(peak=1{'0' * 400})", "peak = an integer of 1329 bits is refused; give one between"),
        ("cosine(peak=linear(peak=0.1))", "peak = .*linear.* is refused: input should be a valid number"),
        ("cosine(peak=0.1, floor=0.2)", r"floor = 0.2 is refused: a floor lies between 0 and the peak \(0.1\)"),
        ("cosine(peak=0.1, floor=-0.2)", "floor = -0.2 is refused"),
        ("multi_step(peak=0.1, milestones=[0.6, 0.3])", r"milestones = \[0.6, 0.3\] is refused: each must be later"),
        ("multi_step(peak=0.1, milestones=[30, 30])", "each must be later than the one before"),
        ("multi_step(peak=0.1, milestones=[50, 0.3])", "each must be later than the one before"),
        ("multi_step(peak=0.1, milestones=[])", "give at least one"),
        ("multi_step(peak=0.1, milestones=[1.5])", "milestones = 1.5 is refused: give steps as an integer"),
        ("multi_step(peak=0.1, milestones=[0])", "milestones = 0 is refused"),
        ("multi_step(peak=0.1, gamma=0.0)", "gamma = 0.0 is refused: give a factor above 0 and up to 1"),
        ("step(peak=0.1, every=-3)", "every = -3 is refused"),
        ("step(peak=0.1, every=10.0)", "every = 10.0 is refused: give steps as an integer from 1, or a fraction"),
        ("step(peak=0.1, gamma=2.0)", "gamma = 2.0 is refused: give a factor above 0 and up to 1"),
        ("exponential(peak=0.1)", "gamma = None, floor = None is refused: give either gamma or floor"),
        ("exponential(peak=0.1, gamma=1.5)", "gamma = 1.5 is refused"),
        ("exponential(peak=0.1, floor=0.0)", "floor = 0.0 is refused"),
        ("polynomial(peak=0.1, power=0.0)", "power = 0.0 is refused"),
        ("one_cycle(peak=0.1, warmup=1.2)", "warmup = 1.2 is refused"),
        (
            "one_cycle(peak=0.1, warmup=0.7, three_phase=True)",
            "warmup = 0.7 is refused: give a fraction of the run from 0 to 0.5",
        ),
        ("one_cycle(peak=0.1, anneal='square')", "anneal = 'square' is refused: input should be 'cos' or 'linear'"),
        ("one_cycle(peak=0.1, start_divisor=0.0)", "start_divisor = 0.0 is refused: give a positive number"),
        ("one_cycle(peak=0.1, start_divisor=0.5)", "start_divisor = 0.5 is refused: the start may not lie above"),
        ("one_cycle(peak=0.1, start_divisor=4, end_divisor=0.2)", "end_divisor = 0.2 is refused: .* 0.25 or more"),
        ("cosine_restarts(peak=0.1, growth=0)", "growth = 0 is refused"),
        ("trapezoidal(peak=0.1, warmup=0.7, decay=0.7)", "together they must fit into the run of 97 steps"),
        ("triangular(peak=0.1, damping='exponential')", "exponential damping needs a gamma"),
        ("triangular(peak=0.1, gamma=0.9)", "only exponential damping takes a gamma"),
        ("warmup(policy=cosine(peak=0.1), steps=97)", "steps = 97 is refused: the warm-up must end before"),
        ("warmup(policy=cosine(peak=0.1), start=2.0)", "start = 2.0 is refused"),
        ("warmup(policy=cosin(peak=0.1))", "policy 'warmup': no policy named 'cosin'"),
        ("warmup(policy=3)", "policy 'warmup': cannot read 3 as a name with arguments"),
        ("join(pieces=[cosine(peak=0.1)], boundaries=[0.5])", "1 pieces need one boundary fewer"),
        ("join(pieces=[cosine(peak=0.1), linear(peak=-1)], boundaries=[0.5])", "'join': policy 'linear': peak = -1 is"),
        ("join(pieces=cosine(peak=0.1), boundaries=[])", "pieces = .* is refused: input should be a valid array"),
        ("join(pieces=[cosine(peak=0.1), cosine(peak=0.1)], boundaries=[97])", "the last piece must begin before"),
        ("table(rates=[0.1, -0.1])", r"rates\[1\] = -0.1 is refused"),
        ("table(rates=[0.1, 0.1], momenta=[0.9])", "momenta = 1 is refused: give as many as rates, 2"),
        ("table(rates=[0.1], momenta=[1.0])", r"momenta\[0\] = 1.0 is refused: a momentum is 0 or more and below 1"),
        (
            "one_cycle(peak=0.1, max_momentum=0.8)",
            "base_momentum = 0.85, max_momentum = 0.8 is refused: give 0 <=",
        ),
        ("trapezoidal(peak=0.1, start=2)", "start = 2 is refused: give a fraction from 0 to 1"),
        ("step(peak=0.1, every='3 epoch')", "every = '3 epoch' is refused: how many steps an epoch has is not known"),
        ("step(peak=0.1, every='3 times')", "every = '3 times' is refused: give .*, or epochs as in '5 epochs'"),
    ],
)
def test_a_wrong_argument_is_refused_when_the_policy_is_built(text: str, message: str) -> None:
    with pytest.raises(SpecError, match=message) as caught:
        build(text, TOTAL)
    assert "\n" not in str(caught.value)
    assert text.partition("(")[0] in str(caught.value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize(
    ("name", "argument"),
    [
        ("cosine", "peak"),
        ("cosine", "floor"),
        ("step", "every"),
        ("step", "gamma"),
        ("inverse", "power"),
        ("sigmoid", "steepness"),
        ("exponential", "floor"),
        ("one_cycle", "warmup"),
        ("one_cycle", "end_divisor"),
        ("warmup_cosine", "start"),
        ("trapezoidal", "decay"),
    ],
)
def test_numbers_are_finite(name: str, argument: str, value: float) -> None:
    with pytest.raises(SpecError, match=f"^{name}: {argument} = {value} is refused; give a finite number"):
        build({**POLICIES.example(name).to_json(), argument: value}, TOTAL)


@pytest.mark.parametrize(
    ("make", "arguments", "message"),
    [
        (cosine, {"peak": "high"}, "policy 'cosine': peak = 'high' is refused: input should be a valid number"),
        (cosine, {"peak": 0.1, "flor": 0.0}, "policy 'cosine' has no argument 'flor'; did you mean 'floor'"),
        (one_cycle, {"peak": 0.1, "anneal": "cosine"}, "anneal = 'cosine' is refused: .* 'cos' or 'linear'"),
        (triangular, {"peak": 0.1, "damping": "half"}, "damping = 'half' is refused: .* 'none', 'halving' or"),
        (sawtooth, {"peak": 0.1, "shape": "square"}, "shape = 'square' is refused: .* 'linear', 'sine' or 'cosine'"),
    ],
)
def test_a_function_that_is_called_is_as_particular(make: Any, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        make(TOTAL, **arguments)


def upwards(total: int, *, peak: float = 0.1) -> Callable[[int], float]:
    return lambda step: peak * (1 - 2 * step / total)


def silent(total: int, *, peak: float = 0.1) -> Callable[[int], float | None]:  # noqa: ARG001
    return lambda step: None  # noqa: ARG005


def counting(total: int, *, peak: float = 0.1) -> Callable[[int], float]:  # noqa: ARG001
    calls = itertools.count(1)
    return lambda step: peak / next(calls)  # noqa: ARG005


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("upwards", r"step = 9, rate = -0\.08.* is refused: a rate is never negative"),
        ("silent", r"step = 0, rate = None is refused: the rate of a step is a number"),
        ("counting", r"again = \[.*\] is refused: a policy has no state"),
    ],
)
def test_rates_of_a_policy_of_ones_own(name: str, message: str) -> None:
    with pytest.raises(SpecError, match=rf"policy '{__name__}:{name}': .*{message}"):
        build(f"{__name__}:{name}", 10)
