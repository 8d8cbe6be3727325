"""Several test sets: the same teams on each, the verdict on the first, one line for every other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.evaluate.value_pools import OUTPUTS, pool_of_forms, values_and_means

from lrensemble.evaluate import (
    Gain,
    Result,
    Scores,
    TeamScores,
    Verdict,
    choose,
    evaluate,
    looks,
    read_result,
    write_result,
)
from lrensemble.evaluate.further import line
from lrensemble.evaluate.tables import across_tests
from lrensemble.pool import Pool
from lrensemble.targets import RealValues, Values

ROWS = {"val": 130, "test": 170, "test:v2": 90, "test:shifted": 110}


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Pool:
    """On `shifted`, the mean of the members is far from the truth, and one member alone is near it."""
    truth, said = {}, [dict[str, RealValues]() for _ in range(3)]
    for seed, (split, rows) in enumerate(ROWS.items()):
        truth[split], means = values_and_means(rows, seed, len(said))
        if split == "test:shifted":
            means[[0, 2]] += 100
            means[1] = truth[split]
        for own, mean in zip(said, means, strict=True):
            own[split] = RealValues(mean)
    target = Values(names=tuple(f"y{output}" for output in range(OUTPUTS)))
    return pool_of_forms(tmp_path_factory.mktemp("further"), target, truth, said)


@pytest.fixture(scope="module")
def result(pool: Pool) -> Result:
    return evaluate(pool, [choose(pool, "all", folds=3)])


def test_each_test_set_is_measured_like_the_first(pool: Pool, result: Result) -> None:
    assert result.rows == ROWS
    assert list(result.further) == ["test:v2", "test:shifted"]
    for split, further in result.further.items():
        truth = pool.truth(split)
        said = [member.predictions(split).main for member in pool.members()]
        assert further.teams["all"].test.by("mse") == pytest.approx(np.square(np.mean(said, axis=0) - truth).mean())
        for member, own in zip(pool.members(), said, strict=True):
            assert further.members[member.id].by("mse") == pytest.approx(np.square(own - truth).mean())
        reference = further.references["mse"].test
        assert reference == further.members[result.references["mse"].member], "chosen on val, as everywhere"
        gain = further.teams["all"].gain["mse"]
        single, team = reference.by("mse"), further.teams["all"].test.by("mse")
        assert single is not None
        assert team is not None
        assert gain.value == pytest.approx(single - team)
        assert gain.rows == ROWS[split]


def test_a_line_says_whether_the_gain_holds(result: Result) -> None:
    assert result.verdict.kind == "better"
    (v2,), (shifted,) = (further.verdicts for further in result.further.values())
    assert v2.kind == "better"
    assert v2.text.startswith("On v2, the gain holds: all: gain in v2 MSE +")
    assert v2.text.endswith("; 90 rows, first look at them.")
    assert shifted.kind == "worse"
    assert shifted.text.startswith("On shifted, it does not, the ensemble is worse: all: gain in shifted MSE -")
    assert shifted.metric == "mse"


UP, DOWN, UNSURE = (0.02, 0.01, 0.03, 0.001), (-0.02, -0.03, -0.01, 0.001), (0.02, -0.01, 0.05, 0.3)


@pytest.mark.parametrize(
    ("first", "numbers", "words"),
    [
        ("better", UP, "the gain holds"),
        ("better", UNSURE, "it does not, there is no reliable difference"),
        ("better", DOWN, "it does not, the ensemble is worse"),
        ("worse", UP, "the ensemble is better"),
        ("worse", UNSURE, "there is no reliable difference"),
        ("no reliable difference", UNSURE, "there is no reliable difference either"),
        ("no reliable difference", DOWN, "the ensemble is worse"),
    ],
)
def test_every_line(first: str, numbers: tuple[float, float, float, float], words: str) -> None:
    value, low, high, p_value = numbers
    gain = Gain(value=value, low=low, high=high, p_value=p_value, rows=50)
    team = TeamScores(test=Scores(accuracy=0.5), gain={"accuracy": gain}, gain_over_tempered={})
    known = Verdict.model_validate(
        {"metric": "accuracy", "kind": first, "method": "greedy", "reliable": first in ("better", "worse"), "text": ""}
    )
    assert line("test:v2", known, team, "accuracy", "end").text.startswith(
        f"On v2, {words}: greedy: gain in v2 accuracy"
    )


def test_looks_are_counted_for_each_test_set(pool: Pool, result: Result) -> None:
    assert result.looks == 1
    assert {further.looks for further in result.further.values()} == {1}
    assert looks(pool)[0].tests == ("test", "test:v2", "test:shifted")


def test_a_table_of_all_test_sets(result: Result) -> None:
    (table,) = across_tests(result)
    assert table.headings == ("team", "test", "test gain", "v2", "v2 gain", "shifted", "shifted gain")
    assert table.fixed is not None
    assert table.rows[table.fixed][0] == "all *"
    assert {len(row) for row in table.rows} == {7}


def test_it_reads_back(result: Result, tmp_path: Path) -> None:
    write_result(result, tmp_path / "result.json")
    assert read_result(tmp_path / "result.json") == result
