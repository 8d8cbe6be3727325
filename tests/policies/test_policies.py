"""Every policy: a pure function of the step, equal to its reference, and particular about its arguments."""

import itertools
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim import lr_scheduler as reference

from lrensemble.errors import SpecError
from lrensemble.policies import POLICIES, build, composite, cosine, one_cycle, paper_grid
from lrensemble.policies.torch_adapter import policy_of

TOTAL = 97


@pytest.mark.parametrize("name", list(POLICIES))
class TestContract:
    def test_reading_in_any_order_gives_the_same(self, name: str) -> None:
        policy = build(POLICIES.example(name), TOTAL)
        curve = policy.curve()
        order = np.random.default_rng(0).permutation(TOTAL).tolist()
        assert [policy(step) for step in order] == [curve[step] for step in order]
        assert policy.curve() == curve
        assert build(POLICIES.example(name), TOTAL).curve() == curve

    def test_rates_are_finite_and_not_negative_beyond_the_run_too(self, name: str) -> None:
        for total in (1, 2, 3, 10, TOTAL):
            try:
                policy = build(POLICIES.example(name), total)
            except SpecError:
                assert total < 10, "only runs of a few steps are too short"
                continue
            rates = [policy(step) for step in range(3 * total + 2)]
            assert all(math.isfinite(rate) and rate >= 0 for rate in rates)
            assert all(isinstance(rate, float) for rate in rates)

    def test_text_and_json_build_the_same_curve(self, name: str) -> None:
        policy = build(POLICIES.example(name), TOTAL)
        again = json.loads(json.dumps(policy.spec.to_json()))
        assert build(str(policy.spec), TOTAL).curve() == build(again, TOTAL).curve() == policy.curve()
        assert build(policy.spec, TOTAL) == policy

    def test_it_says_what_it_is(self, name: str) -> None:
        assert POLICIES.summary(name).endswith((".", ")"))

    def test_a_run_has_steps(self, name: str) -> None:
        for total in (0, -3, 2.5):
            with pytest.raises(SpecError, match=r"total = .* is refused: give the steps of the run"):
                build(POLICIES.example(name), total)  # type: ignore[arg-type]


def torch_curve(make: Any, total: int = TOTAL, peak: float = 0.3) -> list[float]:
    return policy_of(make, total, peak=peak).curve()


PAIRS: list[tuple[str, Any]] = [
    ("multi_step(peak=0.3, milestones=[20, 50, 51], gamma=0.3)", lambda o: reference.MultiStepLR(o, [20, 50, 51], 0.3)),
    ("multi_step(peak=0.3, milestones=[0.5], gamma=0.1)", lambda o: reference.MultiStepLR(o, [48], 0.1)),
    ("step(peak=0.3, every=17, gamma=0.7)", lambda o: reference.StepLR(o, 17, 0.7)),
    ("exponential(peak=0.3, gamma=0.97)", lambda o: reference.ExponentialLR(o, 0.97)),
    ("polynomial(peak=0.3, power=1.7)", lambda o: reference.PolynomialLR(o, TOTAL, 1.7)),
    ("polynomial(peak=0.3, decay=40)", lambda o: reference.PolynomialLR(o, 40, 1.0)),
    ("cosine(peak=0.3, floor=0.01)", lambda o: reference.CosineAnnealingLR(o, TOTAL, 0.01)),
    (
        "cosine_restarts(peak=0.3, period=13, floor=0.02)",
        lambda o: reference.CosineAnnealingWarmRestarts(o, 13, 1, 0.02),
    ),
    ("cosine_restarts(peak=0.3, period=5, growth=2)", lambda o: reference.CosineAnnealingWarmRestarts(o, 5, 2)),
    ("cosine_restarts(peak=0.3, period=4, growth=3)", lambda o: reference.CosineAnnealingWarmRestarts(o, 4, 3)),
    (
        "warmup_cosine(peak=0.3, warmup=10, start=0.1, floor=0.002)",
        lambda o: reference.SequentialLR(
            o,
            [reference.LinearLR(o, 0.1, 1.0, 10), reference.CosineAnnealingLR(o, TOTAL - 10, 0.002)],
            [10],
        ),
    ),
    (
        "warmup(policy=exponential(peak=0.3, gamma=0.9), steps=8, start=0.25)",
        lambda o: reference.SequentialLR(
            o, [reference.LinearLR(o, 0.25, 1.0, 8), reference.ExponentialLR(o, 0.9)], [8]
        ),
    ),
    (
        "triangular(peak=0.3, floor=0.05, half_period=9)",
        lambda o: reference.CyclicLR(o, 0.05, 0.3, 9, cycle_momentum=False),
    ),
    (
        "triangular(peak=0.3, floor=0.05, half_period=9, damping='halving')",
        lambda o: reference.CyclicLR(o, 0.05, 0.3, 9, mode="triangular2", cycle_momentum=False),
    ),
    (
        "triangular(peak=0.3, floor=0.05, half_period=9, damping='exponential', gamma=0.98)",
        lambda o: reference.CyclicLR(o, 0.05, 0.3, 9, mode="exp_range", gamma=0.98, cycle_momentum=False),
    ),
]


@pytest.mark.parametrize(("text", "make"), PAIRS, ids=[text for text, _ in PAIRS])
def test_equal_to_torch_at_every_step(text: str, make: Any) -> None:
    np.testing.assert_allclose(build(text, TOTAL).curve(), torch_curve(make), rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("three_phase", [False, True])
@pytest.mark.parametrize("anneal", ["cos", "linear"])
@pytest.mark.parametrize("warmup", [0.1, 0.3, 0.5])
@pytest.mark.parametrize(("start", "end"), [(25.0, 1e4), (7.0, 30.0)])
@pytest.mark.parametrize("total", [11, 60, 97])
def test_one_cycle_equals_torch_in_all_its_options(
    three_phase: bool, anneal: Any, warmup: float, start: float, end: float, total: int
) -> None:
    def make(optimizer: torch.optim.Optimizer) -> reference.LRScheduler:
        return reference.OneCycleLR(
            optimizer,
            0.3,
            total_steps=total,
            pct_start=warmup,
            anneal_strategy=anneal,
            div_factor=start,
            final_div_factor=end,
            three_phase=three_phase,
            cycle_momentum=False,
        )

    ours = one_cycle(
        total, peak=0.3, warmup=warmup, anneal=anneal, start_divisor=start, end_divisor=end, three_phase=three_phase
    )
    np.testing.assert_allclose(ours.curve(), torch_curve(make, total), rtol=1e-9, atol=1e-15)


def test_all_34_policies_of_lrbench(shared_golden: Path) -> None:
    golden = json.loads((shared_golden / "lrbench_policies.json").read_text())
    assert len({entry["policy"] for entry in golden["single"]}) == 34
    for entry in golden["single"]:
        ours = build({"name": entry["policy"], **entry["params"]}, 200)
        # Read backwards, so that a state would show.
        for step, rate in reversed(list(zip(entry["t"], entry["lr"], strict=True))):
            assert ours(step) == pytest.approx(rate, abs=1e-12, rel=1e-12), (entry["policy"], step)


def test_composed_policies_of_lrbench(shared_golden: Path) -> None:
    for entry in json.loads((shared_golden / "lrbench_policies.json").read_text())["piecewise"]:
        pieces = [{"name": p["lrPolicy"], **{k: v for k, v in p.items() if k != "lrPolicy"}} for p in entry["pieces"]]
        ours = build({"name": "join", "pieces": pieces, "boundaries": entry["boundaries"]}, 100)
        np.testing.assert_allclose([ours(t) for t in entry["t"]], entry["lr"], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("shape", ["linear", "sine", "cosine"])
def test_saw_teeth_fall_from_peak_to_floor_and_restart(shape: str) -> None:
    ours = build(f"sawtooth(peak=0.3, floor=0.1, period=10, shape='{shape}')", 30)
    curve = ours.curve()
    assert [curve[i] for i in (0, 10, 20)] == [0.3, 0.3, 0.3]
    assert all(a > b for a, b in itertools.pairwise(curve[:10]))
    middle = {"linear": 0.2, "sine": 0.1 + 0.2 * math.sqrt(0.5), "cosine": 0.2}[shape]
    assert curve[5] == pytest.approx(middle)
    halved = build(f"sawtooth(peak=0.3, floor=0.1, period=10, shape='{shape}', damping='halving')", 30)
    assert halved(20) == pytest.approx(0.1 + 0.2 / 4)


def test_a_few_values_by_hand() -> None:
    assert cosine(8, peak=0.4, floor=0.2)(4) == pytest.approx(0.3)
    assert cosine(8, peak=0.4)(8) == cosine(8, peak=0.4)(80) == 0.0
    assert build("linear(peak=0.4)", 8)(2) == pytest.approx(0.3)
    assert build("exponential(peak=0.1, floor=0.001)", 10)(5) == pytest.approx(0.01)
    assert build("sigmoid(peak=0.1)", 100)(50) == 0.05
    assert build("inverse(peak=0.1, gamma=0.5)", 9)(2) == pytest.approx(0.05)
    assert build("table(rates=[0.1, 0.2])", 9)(5) == 0.2
    trapezoid = build("trapezoidal(peak=0.4, floor=0.2, warmup=4, decay=2)", 10)
    assert trapezoid.curve() == pytest.approx([0.2, 0.25, 0.3, 0.35, 0.4, 0.4, 0.4, 0.4, 0.4, 0.3])
    assert build("warmup(policy=constant(peak=0.4), steps=4)", 9).curve()[:6] == pytest.approx(
        [0.0, 0.1, 0.2, 0.3, 0.4, 0.4]
    )


def test_the_clock_starts_again_at_every_boundary() -> None:
    joined = build("join(pieces=[linear(peak=0.4), cosine(peak=0.2), 'constant(peak=0.1)'], boundaries=[0.25, 40])", 80)
    first, second = build("linear(peak=0.4)", 20), build("cosine(peak=0.2)", 20)
    assert joined.curve()[:20] == first.curve()
    assert joined.curve()[20:40] == second.curve()
    assert set(joined.curve()[40:]) == {0.1}


def test_the_papers_grid_has_sixteen_policies() -> None:
    grid = paper_grid()
    assert len(set(grid)) == 16
    assert {spec.name for spec in grid} == {"multi_step", "one_cycle", "warmup_cosine", "composite"}
    for spec in grid:
        peak = float(str(spec.arguments["peak"]))
        assert max(build(spec, 480).curve()) == pytest.approx(peak)
    assert len(paper_grid([0.1])) == 4
    assert composite(2, peak=0.1).curve()[0] > 0


@given(st.integers(1, 400), st.sampled_from(paper_grid([0.1])))
def test_the_papers_policies_fit_any_run(total: int, spec: Any) -> None:
    assert max(build(spec, total).curve()) <= 0.1 * (1 + 1e-12)


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
        ("cosine(peak=0.1, floor=0.2)", r"floor = 0.2 is refused: a floor lies between 0 and the peak \(0.1\)"),
        ("cosine(peak=0.1, floor=-0.2)", "floor = -0.2 is refused"),
        ("multi_step(peak=0.1, milestones=[0.6, 0.3])", r"milestones = \[0.6, 0.3\] is refused: each must be later"),
        ("multi_step(peak=0.1, milestones=[30, 30])", "each must be later than the one before"),
        ("multi_step(peak=0.1, milestones=[50, 0.3])", "each must be later than the one before"),
        ("multi_step(peak=0.1, milestones=[])", "give at least one"),
        ("multi_step(peak=0.1, milestones=[1.5])", "milestones = 1.5 is refused: give steps as an integer"),
        ("multi_step(peak=0.1, milestones=[0])", "milestones = 0 is refused"),
        ("multi_step(peak=0.1, gamma=0.0)", "gamma = 0.0 is refused: give a positive number"),
        ("step(peak=0.1, every=-3)", "every = -3 is refused"),
        ("exponential(peak=0.1)", "gamma = None, floor = None is refused: give either gamma or floor"),
        ("exponential(peak=0.1, gamma=1.5)", "gamma = 1.5 is refused"),
        ("exponential(peak=0.1, floor=0.0)", "floor = 0.0 is refused"),
        ("polynomial(peak=0.1, power=0.0)", "power = 0.0 is refused"),
        ("one_cycle(peak=0.1, warmup=1.2)", "warmup = 1.2 is refused"),
        ("one_cycle(peak=0.1, warmup=0.7, three_phase=True)", "above 0 and up to 0.5"),
        ("one_cycle(peak=0.1, anneal='square')", "anneal = 'square' is refused: input should be 'cos' or 'linear'"),
        ("one_cycle(peak=0.1, start_divisor=0.0)", "start_divisor = 0.0 is refused"),
        ("cosine_restarts(peak=0.1, growth=0)", "growth = 0 is refused"),
        ("trapezoidal(peak=0.1, warmup=0.7, decay=0.7)", "together they must fit into the run of 97 steps"),
        ("triangular(peak=0.1, damping='exponential')", "exponential damping needs a gamma"),
        ("triangular(peak=0.1, gamma=0.9)", "only exponential damping takes a gamma"),
        ("warmup(policy=cosine(peak=0.1), steps=97)", "steps = 97 is refused: the warm-up must end before"),
        ("warmup(policy=cosine(peak=0.1), start=2.0)", "start = 2.0 is refused"),
        ("warmup(policy=cosin(peak=0.1))", "no policy named 'cosin'"),
        ("join(pieces=[cosine(peak=0.1)], boundaries=[0.5])", "1 pieces need one boundary fewer"),
        ("join(pieces=[cosine(peak=0.1), cosine(peak=-1)], boundaries=[0.5])", "peak = -1 is refused"),
        ("join(pieces=[cosine(peak=0.1), cosine(peak=0.1)], boundaries=[97])", "the last piece must begin before"),
        ("table(rates=[0.1, -0.1])", r"rates\[1\] = -0.1 is refused"),
        ("TRI(k0=0.5, k1=0.1, l=10)", "floor = 0.5 is refused"),
        ("RSW(k0=0.1, k1=0.5, l=0)", "l = 0 is refused"),
    ],
)
def test_a_wrong_argument_is_refused_when_the_policy_is_built(text: str, message: str) -> None:
    with pytest.raises(SpecError, match=message) as caught:
        build(text, TOTAL)
    assert "\n" not in str(caught.value)
