"""Moments of steps against numpy, over any number of members, saved at any step."""

import numpy as np
import pytest

from lrensemble.train.run.progress.moments import Moments

STEPS, MEMBERS = 23, 3


def test_moments_are_those_of_numpy_wherever_they_were_saved() -> None:
    generator = np.random.default_rng(5)
    rates, norms = generator.uniform(0, 0.1, (STEPS, MEMBERS)), generator.lognormal(2, 1, (STEPS, MEMBERS))
    moments = Moments(MEMBERS)
    for step in range(STEPS):
        for member in range(MEMBERS):
            moments.add(member, float(rates[step, member]), float(norms[step, member]))
        moments = Moments(MEMBERS, moments.saved())
    for member in range(MEMBERS):
        found = moments.statistics(member)
        assert found is not None
        assert found.count == STEPS
        for name, values in (("rate", rates), ("norm", norms), ("length", rates * norms)):
            assert getattr(found, f"{name}_mean") == pytest.approx(values[:, member].mean(), rel=1e-12)
            assert getattr(found, f"{name}_variance") == pytest.approx(values[:, member].var(), rel=1e-10)


def test_steps_that_are_not_finite_are_left_out() -> None:
    moments = Moments(2)
    for norm in (3.0, np.inf, np.nan, 5.0):
        moments.add(0, 0.5, norm)
        moments.add(1, 0.5, 1.0)
    first, second = moments.statistics(0), moments.statistics(1)
    assert first is not None
    assert second is not None
    assert (first.count, first.norm_mean, first.norm_variance) == (2, 4.0, 1.0)
    assert (second.count, second.length_mean) == (4, 0.5)
    assert Moments(1).statistics(0) is None
