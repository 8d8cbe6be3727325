"""`lrensemble range-test`: a line that can be pasted into an experiment, or the whole record."""

import tomllib

from tests.cli.command import Command

from lrensemble.train import RangeTest


def test_it_proposes_peaks_that_toml_can_read(command: Command) -> None:
    status, out, err = command("range-test", "digits", "--count", 3, "--steps", 60)
    assert (status, err) == (0, "")
    peaks = tomllib.loads(out.splitlines()[-1])["peak"]
    assert len(peaks) == 3
    assert peaks == sorted(peaks)
    outcome = command("range-test", "digits", "--count", 3, "--steps", 60, "--json")
    seen = RangeTest.model_validate(outcome.record)
    assert list(seen.peaks) == peaks
    assert f"between the rates {seen.floor:g} and {seen.peak:g}" in out


def test_rates_that_contradict_each_other_are_refused(command: Command) -> None:
    status, _, err = command("range-test", "digits", "--low", 3, "--high", 2)
    assert status == 2
    assert err.strip() == (
        "lrensemble: low = 3.0 and high = 2.0 contradict each other; low must be below high, both finite"
    )
