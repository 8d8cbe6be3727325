"""Each sentence of the verdict, from gains made by hand."""

from __future__ import annotations

import math

import pytest

from lrensemble.evaluate import Cost, Gain, Reference, Scores, TeamResult
from lrensemble.evaluate.verdict import kind_of, p_clause, p_in_print, score_in_print, verdict

UP, DOWN, UNSURE = (0.02, 0.01, 0.03, 0.001), (-0.02, -0.03, -0.01, 0.001), (0.02, -0.01, 0.05, 0.3)
BARELY = (0.02, 0.001, 0.04, 0.04)


def gain(numbers: tuple[float, float, float, float]) -> Gain:
    value, low, high, p = numbers
    return Gain(value=value, low=low, high=high, p_value=p, rows=500)


def team(
    metric: str, tempered: dict[str, tuple[float, float, float, float]] | None = None, **gains: object
) -> TeamResult:
    return TeamResult(
        method="greedy",
        metric=metric,
        consensus="mean",
        team=(0, 2, 3),
        members=("a", "c", "d"),
        weights=(0.5, 0.25, 0.25),
        val=Scores(accuracy=0.9),
        cross_fitted=0.9,
        test=Scores(accuracy=0.9),
        gain={name: gain(numbers) for name, numbers in gains.items()},  # type: ignore[arg-type]
        gain_over_tempered={name: gain(numbers) for name, numbers in (tempered or {}).items()},
        cost=Cost(members=3, parameters=None, seconds=None, samples=None),
        tried=7,
    )


def reference(metric: str) -> Reference:
    scores = Scores(accuracy=0.88)
    return Reference(metric=metric, member="b", name="cosine", val=scores, test=scores, cross_fitted=0.8, tempered=None)


def text(found: TeamResult | None, metric: str = "accuracy", looks: int = 1) -> str:
    return verdict("greedy" if found else None, found, reference(metric), 500, looks).text


def test_better() -> None:
    assert text(team("accuracy", accuracy=UP)) == (
        "The ensemble is better: greedy, a team of 3, against the best single model by accuracy (cosine): gain in test "
        "accuracy +2.00 points (95 % interval +1.00 to +3.00, p = 0.001); 500 rows, first look at them."
    )


def test_worse() -> None:
    found = verdict("greedy", team("accuracy", accuracy=DOWN), reference("accuracy"), 500, 1)
    assert found.kind == "worse"
    assert found.reliable
    assert found.text.startswith("The ensemble is worse: greedy, a team of 3, ")


def test_no_reliable_difference() -> None:
    found = verdict("greedy", team("accuracy", accuracy=UNSURE), reference("accuracy"), 500, 1)
    assert (found.kind, found.reliable) == ("no reliable difference", False)
    assert found.text.startswith("No reliable difference: ")


def test_no_team() -> None:
    found = verdict(None, None, reference("nll"), 500, 1)
    assert (found.kind, found.reliable, found.method) == ("no team", False, None)
    assert found.text.startswith("No team beats cosine: ship that one. It is the best single model by NLL on val")
    assert found.text.endswith("and no team of two or more scores above it there, cross-fitted.")
    by_val = verdict(None, None, reference("nll").model_copy(update={"cross_fitted": None}), 500, 1)
    assert by_val.text.endswith("scores above it there.")


def test_the_number_of_looks_is_told() -> None:
    assert text(team("accuracy", accuracy=UP), looks=4).endswith("; 500 rows, look 4 at them.")


def test_of_nll_both_references_and_accuracy_are_told() -> None:
    found = text(team("nll", {"nll": UP}, nll=UP, accuracy=UNSURE), "nll")
    assert "gain in test NLL +0.0200 (95 % interval +0.0100 to +0.0300, p = 0.001)" in found
    assert "; +0.0200 (95 % interval +0.0100 to +0.0300, p = 0.001) where that model has a temperature" in found
    assert "; accuracy is undecided: +2.00 points (95 % interval -1.00 to +5.00, p = 0.3)" in found
    assert "; test accuracy is lost: -2.00 points" in text(team("nll", {"nll": UP}, nll=UP, accuracy=DOWN), "nll")
    assert "; gain in test accuracy +2.00 points" in text(team("nll", {"nll": UP}, nll=UP, accuracy=UP), "nll")


Numbers = tuple[float, float, float, float]


@pytest.mark.parametrize(
    ("raw", "tempered", "accuracy", "kind"),
    [
        (UP, UP, UNSURE, "better"),
        (UP, UNSURE, UP, "better"),
        (UP, UP, DOWN, "better"),
        (UP, BARELY, UNSURE, "no reliable difference"),  # one of two, at p = 0.04
        (UP, BARELY, BARELY, "better"),  # both of two
        (UP, UNSURE, UNSURE, "no reliable difference"),  # one temperature gives as much
        (UP, DOWN, UNSURE, "no reliable difference"),
        (UNSURE, UP, UP, "no reliable difference"),
        (DOWN, DOWN, UP, "worse"),
    ],
)
def test_a_gain_that_one_temperature_gives_is_none(
    raw: Numbers, tempered: Numbers, accuracy: Numbers, kind: str
) -> None:
    assert kind_of(team("nll", {"nll": tempered}, nll=raw, accuracy=accuracy)) == kind
    assert kind_of(team("brier", {"brier": tempered}, brier=raw, accuracy=accuracy)) == kind


def test_of_other_metrics_the_gain_in_them_decides() -> None:
    assert kind_of(team("f1", f1=UP, accuracy=DOWN)) == "better"
    assert kind_of(team("f1", f1=UNSURE, accuracy=UP)) == "no reliable difference"


@pytest.mark.parametrize(
    ("numbers", "reliable"),
    [
        ((0.02, 0.01, 0.03, 0.01), True),
        ((-0.02, -0.03, -0.01, 0.01), True),
        ((0.02, 0.01, 0.03, 0.06), False),  # the interval alone
        ((0.02, -0.01, 0.03, 0.01), False),  # the test alone
        ((0.02, 0.0, 0.03, 0.01), False),
        ((0.02, 0.01, 0.03, 0.05), False),
    ],
)
def test_reliable_is_what_interval_and_test_both_say(
    numbers: tuple[float, float, float, float], reliable: bool
) -> None:
    value, low, high, p = numbers
    assert gain(numbers).reliable == reliable
    one_of_many = Gain(
        value=value, low=0.01, high=0.03, p_value=0.01, adjusted_low=low, adjusted_high=high, adjusted_p=p, rows=9
    )
    assert one_of_many.reliable_in_table == reliable
    assert not gain(UP).reliable_in_table, "it was not adjusted"


@pytest.mark.parametrize(
    ("value", "printed"),
    [(1.0, "1"), (0.0271, "0.027"), (2e-15, "2e-15"), (1e-300, "1e-300"), (5e-324, "< 1e-300"), (math.nan, "nan")],
)
def test_a_p_value_is_never_zero(value: float, printed: str) -> None:
    assert p_in_print(value) == printed
    assert p_in_print(0.0) == "< 1e-300"
    assert p_clause(value) == f"p {'' if printed.startswith('<') else '= '}{printed}"
    assert "p < 1e-300); 500 rows" in text(team("accuracy", accuracy=(0.02, 0.01, 0.03, 0.0)))


def test_scores_in_the_unit_of_values_have_five_digits_each() -> None:
    printed = [score_in_print("rmse", value) for value in (59.413, 59.33, 54.69, 60000.0)]
    assert printed == ["59.413", "59.330", "54.690", "60000"], "a column of them is even"
