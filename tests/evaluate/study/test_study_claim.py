"""The claim says what its intervals carry, and no more."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.evaluate.pools import SMALL
from tests.evaluate.study.studies import settings_of, skilled_pool

from lrensemble.evaluate import Gain
from lrensemble.evaluate.study import Comparison as Study
from lrensemble.evaluate.study import compare
from lrensemble.evaluate.study.claim import claim_of, notes_of
from lrensemble.evaluate.study.difference import Difference, OverReplicates
from lrensemble.evaluate.study.findings.differences import over_both
from lrensemble.evaluate.study.record import StudyCost
from lrensemble.metrics.significance import Comparison

Ends = tuple[float, float] | None


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Study:
    folder = tmp_path_factory.mktemp("claim")
    pools = {
        name: [skilled_pool(folder / f"{name}{r}", [1.0, 1.1], policies=("a", "b"), replicate=r) for r in range(3)]
        for name in ("base", "one", "two", "three")
    }
    return compare(pools, settings_of(list(pools)))


def difference(value: float, rows: tuple[float, float], replicates: Ends) -> Difference:
    """Difference whose adjusted intervals are given; those alone are narrower and do not count."""
    middle = (rows[0] + rows[1]) / 2
    gain = Gain(
        value=value,
        low=middle,
        high=middle,
        p_value=0.001,
        adjusted_low=rows[0],
        adjusted_high=rows[1],
        adjusted_p=0.01 if rows[0] * rows[1] > 0 else 0.4,
        rows=230,
    )
    over = None
    if replicates is not None:
        low, high = replicates
        p_value = 0.01 if low * high > 0 else 0.4
        over = OverReplicates(
            count=3, low=low, high=high, p_value=0.001, adjusted_low=low, adjusted_high=high, adjusted_p=p_value
        )
    ends = over_both(Comparison(value, *rows, 0.01), over)
    least, most = (None if end is None else round(end, 12) for end in ends)
    return Difference(value=value, by_replicate=(value,) * 3, rows=gain, replicates=over, low=least, high=most)


def with_differences(found: Study, **differences: Difference) -> str:
    tables = {"accuracy": differences}
    return claim_of(found.model_copy(update={"over_reference": tables, "over_single": tables}))


def test_what_is_reliable_over_both_and_what_is_not_stand_apart(found: Study) -> None:
    claim = with_differences(
        found,
        one=difference(0.05, (0.02, 0.08), (0.01, 0.09)),  # 5 ± √(3² + 4²): the interval over both begins at zero
        two=difference(-0.03, (-0.04, -0.02), (-0.05, -0.01)),
        three=difference(0.06, (0.03, 0.09), (0.02, 0.10)),
    )
    assert (
        "In test accuracy, reliably, over rows and replicates together, better than 'base': three (+6.00 points, over "
        "rows +3.00 to +9.00; over replicates +2.00 to +10.00; over both +1.00 to +11.00); reliably, over rows and "
        "replicates together, worse than 'base': two (-3.00 points, over rows -4.00 to -2.00; over replicates -5.00 to "
        "-1.00; over both -5.24 to -0.76); no difference from 'base' that is reliable over rows and replicates "
        "together: one (+5.00, +0.00 to +10.00) (95 % intervals, adjusted for 3 comparisons)."
    ) in claim
    assert "The team reliably beats its pool's own best single model in three over rows and replicates." in claim


def test_an_interval_alone_is_no_claim(found: Study) -> None:
    claim = with_differences(found, one=difference(0.02, (-0.01, 0.05), (0.01, 0.03)))
    assert "reliably, over rows" not in claim
    assert "no difference from 'base' that is reliable" in claim
    assert "No pool's team is reliably better" in claim


def test_rows_alone_are_said_to_be_alone(found: Study) -> None:
    claim = with_differences(found, one=difference(0.02, (0.01, 0.03), None))
    assert "for these trained pools (over rows alone) better than 'base': one" in claim
    assert "in one over rows alone" in claim


def test_its_limits_are_said(found: Study) -> None:
    assert found.claim.startswith(f"hand, 230 test rows, 3 replicates, 4 pools of 2 members, teams by {SMALL}:")
    assert found.claim.endswith("rest on 3 base seeds; nothing is said of other data, networks or budgets.")


def test_notes_say_how_wide_intervals_of_few_replicates_are(found: Study) -> None:
    (note,) = [note for note in found.notes if "standard deviations" in note]
    assert note == (
        "With 3 replicates and 3 comparisons, an interval over replicates reaches 4.4 standard deviations of a "
        "difference to either side; with 6 it would be 1.4."
    )


@pytest.mark.parametrize(
    ("samples", "note"),
    [
        (1200.0, None),
        (1210.0, None),
        (2400.0, "Not at equal cost: cost in training rows seen, times that of base: two 2.00."),
        (None, "Not at equal cost: cost unknown: two."),
    ],
)
def test_unequal_costs_are_said(found: Study, samples: float | None, note: str | None) -> None:
    cost = StudyCost(epochs=None, samples=samples, seconds=None)
    own = tuple(one.model_copy(update={"cost": cost}) for one in found.pools["two"])
    notes = notes_of(found.model_copy(update={"pools": found.pools | {"two": own}}))
    assert [each for each in notes if each.startswith("Not at")] == ([] if note is None else [note])


def test_without_members_that_differ_by_seed_alone_there_is_no_equivalent(tmp_path: Path) -> None:
    own = {"one": [skilled_pool(tmp_path, [1.0, 1.1], policies=("a", "b"))]}
    found = compare(own, settings_of(["one"]))
    assert "No deep-ensemble equivalents: no pool has two members that differ by seed alone." in found.notes
