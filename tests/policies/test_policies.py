"""Every policy is a pure function of the step; a few values by hand; the paper's grid."""

import itertools
import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrensemble.errors import SpecError
from lrensemble.policies import POLICIES, build, composite, cosine, join, paper_grid

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
            rates = [policy(step) for step in [*range(3 * total + 2), 10**9, 10**15]]
            assert all(isinstance(rate, float) and math.isfinite(rate) and rate >= 0 for rate in rates)

    def test_no_rate_lies_above_the_peak(self, name: str) -> None:
        peak = POLICIES.example(name).arguments.get("peak")
        if isinstance(peak, float):
            assert max(build(POLICIES.example(name), TOTAL).curve()) <= peak * (1 + 1e-12)

    def test_text_and_json_build_the_same_curve(self, name: str) -> None:
        policy = build(POLICIES.example(name), TOTAL)
        again = json.loads(json.dumps(policy.spec.to_json()))
        assert build(str(policy.spec), TOTAL).curve() == build(again, TOTAL).curve() == policy.curve()
        assert build(policy.spec, TOTAL) == policy

    def test_it_says_what_it_is(self, name: str) -> None:
        assert POLICIES.summary(name).endswith((".", ")"))

    @pytest.mark.parametrize("total", [0, -3, 2.5, None])
    def test_a_run_has_steps(self, name: str, total: Any) -> None:
        with pytest.raises(SpecError, match=rf"total = {total} is refused: give the steps of the run"):
            build(POLICIES.example(name), total)


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
    falling = build("exponential(peak=0.1, floor=0.001)", 10)
    assert [falling(step) for step in (0, 5, 10, 50)] == pytest.approx([0.1, 0.01, 0.001, 0.001])
    assert [repr(rate) for rate in build("constant(peak=1)", 2).curve()] == ["1.0", "1.0"]
    assert build("sigmoid(peak=0.1)", 100)(50) == 0.05
    assert build("inverse(peak=0.1, gamma=0.5)", 9)(2) == pytest.approx(0.05)
    assert build("table(rates=[0.1, 0.2])", 9)(5) == 0.2
    trapezoid = build("trapezoidal(peak=0.4, floor=0.2, warmup=4, decay=2)", 10)
    assert trapezoid.curve() == pytest.approx([0.2, 0.25, 0.3, 0.35, 0.4, 0.4, 0.4, 0.4, 0.4, 0.3])
    flat_first = build("trapezoidal(peak=0.4, warmup=0, decay=4)", 8)
    assert flat_first.curve() == pytest.approx([0.4, 0.4, 0.4, 0.4, 0.4, 0.3, 0.2, 0.1])


def test_a_warm_up_begins_at_rate_zero_only_where_it_is_asked_to() -> None:
    warmed = build("warmup(policy=constant(peak=0.4), steps=4)", 9).curve()
    assert warmed[:6] == pytest.approx([0.1, 0.175, 0.25, 0.325, 0.4, 0.4])
    from_zero = build("warmup(policy=constant(peak=0.4), steps=4, start=0)", 9).curve()
    assert from_zero[:6] == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4, 0.4])
    risen = build("trapezoidal(peak=0.4, warmup=4, decay=2)", 10).curve()
    assert risen[:5] == pytest.approx([0.1, 0.175, 0.25, 0.325, 0.4])
    assert build("trapezoidal(peak=0.4, warmup=4, decay=2, start=0.5)", 10).curve()[:2] == pytest.approx([0.2, 0.25])
    assert build("trapezoidal(peak=0.4, warmup=4, decay=2, start=0)", 10).curve()[:2] == pytest.approx([0.0, 0.1])
    for short in ("warmup(policy=constant(peak=0.4), steps=1)", "warmup(policy=constant(peak=0.4), steps=0)"):
        assert set(build(short, 3).curve()) == {0.4}


def test_the_clock_starts_again_at_every_boundary() -> None:
    joined = build("join(pieces=[linear(peak=0.4), cosine(peak=0.2), 'constant(peak=0.1)'], boundaries=[0.25, 40])", 80)
    first, second = build("linear(peak=0.4)", 20), build("cosine(peak=0.2)", 20)
    assert joined.curve()[:20] == first.curve()
    assert joined.curve()[20:40] == second.curve()
    assert set(joined.curve()[40:]) == {0.1}


def test_a_policy_repeated_starts_anew_in_every_cycle() -> None:
    repeated = build("repeat(policy=linear(peak=0.4), times=3)", 10)
    assert repeated.curve() == pytest.approx([0.4, 0.3, 0.2, 0.1] * 2 + [0.4, 0.3]), "cycles of ten thirds, rounded up"
    restarts = build("cosine_restarts(peak=0.2, period=4)", 12)
    assert build("repeat(policy=cosine(peak=0.2), times=3)", 12).curve() == restarts.curve()
    with pytest.raises(SpecError, match="times = 11 is refused: a run of 10 steps has 1 to 10 cycles"):
        build("repeat(policy=cosine(peak=0.2), times=11)", 10)


def test_a_warm_up_gives_its_policy_the_rest_of_the_run() -> None:
    warmed = build("warmup(policy=linear(peak=0.4), steps=0.25, start=0.5)", 40)
    assert warmed.curve()[:10] == pytest.approx(np.linspace(0.2, 0.4, 10, endpoint=False))
    assert warmed.curve()[10:] == build("linear(peak=0.4)", 30).curve()
    nested = build("join(pieces=[warmup(policy=cosine(peak=0.1), steps=5), constant(peak=0.01)], boundaries=[20])", 30)
    assert nested.curve()[:20] == build("warmup(policy=cosine(peak=0.1), steps=5)", 20).curve()


def test_calling_a_policy_and_naming_it_are_the_same() -> None:
    called = cosine(30, peak=np.float64(0.1), floor=0.01)
    assert str(called.spec) == "cosine(peak=0.1, floor=0.01)"
    assert build(called.spec, 30) == called
    composed = join(30, pieces=[called.spec, "constant(peak=0.1)"], boundaries=(0.5,))
    assert build(str(composed.spec), 30).curve() == composed.curve()


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


def test_the_papers_composite_explores_settles_and_finishes() -> None:
    rates = composite(100, peak=0.4).curve()
    assert [rates[step] for step in (0, 10, 20, 30)] == pytest.approx([0.04, 0.4, 0.04, 0.4])
    assert [rates[step] for step in (39, 40, 59, 60, 79)] == pytest.approx([0.076, 0.2, 0.2, 0.04, 0.04])
    assert [rates[step] for step in (80, 90)] == pytest.approx([0.04, 0.02])
