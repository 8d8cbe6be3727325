"""The tables of teams: which rows and numbers stand in them, in the terminal and on the page alike."""

from __future__ import annotations

from lrensemble.evaluate import Cost, Gain, MemberResult, Reference, Result, Scores, TeamResult, Tempered, Verdict
from lrensemble.evaluate.tables import GainTable, gain_tables


def scores(accuracy: float, nll: float | None) -> Scores:
    return Scores(accuracy=accuracy, nll=nll)


def gain(value: float, adjusted: bool = True) -> Gain:
    more = {"adjusted_low": value - 0.02, "adjusted_high": value + 0.02, "adjusted_p": 0.125} if adjusted else {}
    return Gain(value=value, low=value - 0.01, high=value + 0.01, p_value=0.0625, rows=200, **more)


def team(metric: str, nll: float | None, adjusted: bool = True) -> TeamResult:
    gains = {"accuracy": gain(0.0123, adjusted)} | ({"nll": gain(0.0456, adjusted)} if nll else {})
    return TeamResult(
        method="greedy",
        metric=metric,
        consensus="mean",
        team=(0, 1),
        members=("a", "b"),
        weights=(0.5, 0.5),
        val=scores(0.91, nll),
        cross_fitted=0.9,
        test=scores(0.92, nll),
        gain=gains,
        gain_over_tempered={"nll": gain(0.0078)} if metric == "nll" and adjusted and nll else {},
        cost=Cost(members=2, parameters=None, seconds=None, samples=None),
        tried=3,
    )


def result(metric: str, teams: dict[str, TeamResult], judged: str | None, nll: float | None = 0.25) -> Result:
    tempered = Tempered(temperature=1.5, at_limit=False, val=scores(0.9, 0.22), test=scores(0.905, 0.23))
    reference = Reference(
        metric=metric,
        member="a",
        name="cosine",
        val=scores(0.9, nll),
        test=scores(0.905, nll),
        cross_fitted=0.8,
        tempered=tempered if nll else None,
    )
    cost = Cost(members=1, parameters=None, seconds=None, samples=None)
    member = MemberResult(id="a", name="cosine", status="finished", policy=None, val=None, test=None, cost=cost)
    verdict = Verdict(
        metric=metric, kind="no team" if judged is None else "better", method=judged, reliable=True, text=""
    )
    return Result(
        task="shapes",
        rows={"val": 100, "test": 1200},
        members=(member,),
        best_single=member,
        references={metric: reference},
        teams=teams,
        verdict=verdict,
        verdicts=(verdict,),
        looks=1,
        seconds={},
        environment={},
    )


def tables(found: Result) -> list[GainTable]:
    return list(gain_tables(found))


def test_of_nll_there_are_three_tables() -> None:
    raw, tempered, accuracy = tables(
        result("nll", {"greedy": team("nll", 0.2), "best": team("nll", 0.25, False)}, "greedy")
    )
    assert raw.title == "shapes: NLL; gain over the best single model on 1,200 test rows", (
        "of one team there is nothing to adjust"
    )
    assert "the best single model with a temperature of 1.50 on" in tempered.title
    assert accuracy.title.startswith("shapes: accuracy in percent; gain over the best single model by NLL on 1,200")
    assert raw.rows[0] == ("best single", "1", "0.2500", "0.2500", "", "", "")
    assert raw.rows[1] == ("greedy *", "2", "0.2000", "0.2000", "+0.0456", "+0.0256 … +0.0656", "0.12")
    assert raw.rows[2] == ("best", "2", "0.2500", "0.2500", "+0.0456", "–", "–")
    assert tempered.rows[0] == ("best single", "1", "0.2200", "0.2300", "", "", "")
    assert tempered.rows[1][4:] == ("+0.0078", "-0.0122 … +0.0278", "0.12")
    assert tempered.rows[2][4:] == ("", "", "")
    assert accuracy.rows[1] == ("greedy *", "2", "91.00", "92.00", "+1.23", "-0.77 … +3.23", "0.12")


def test_the_row_that_was_fixed_is_marked() -> None:
    (found,) = tables(result("accuracy", {"all": team("accuracy", 0.2), "greedy": team("accuracy", 0.2)}, "greedy"))
    assert found.fixed == 2
    assert [row[0] for row in found.rows] == ["best single", "all", "greedy *"]
    (none,) = tables(result("accuracy", {"all": team("accuracy", 0.2, False)}, None))
    assert none.title.endswith("on 1,200 test rows"), "nothing is adjusted where no team is compared"
    assert none.fixed is None
    assert [row[0] for row in none.rows] == ["best single", "all"]


def test_scores_that_are_not_there_are_dashes() -> None:
    found = tables(result("nll", {"all": team("nll", None)}, None, nll=None))
    assert found[0].rows[0][2:4] == ("–", "–")
    assert found[0].rows[1][2:] == ("–", "–", "", "", "")


def test_every_row_has_a_cell_for_every_heading() -> None:
    for table in tables(result("nll", {"greedy": team("nll", 0.2)}, "greedy")):
        assert {len(row) for row in table.rows} == {len(table.headings)}
