"""Whole comparisons: of any members, with the dead, without test truth in any choice, and in one record."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.evaluate.pools import SMALL
from tests.evaluate.study.studies import (
    EPOCHS,
    SAMPLES,
    TEST,
    VAL,
    log_probs,
    pool_saying,
    settings_of,
    skilled_pool,
    truth_of,
)

from lrensemble.config.study import StudySettings
from lrensemble.errors import PoolError
from lrensemble.evaluate import choose, evaluate, looks
from lrensemble.evaluate.study import Comparison, compare, tables
from lrensemble.evaluate.study.record import TEMPERED
from lrensemble.pool import Pool
from lrensemble.targets import Choices, Gaussian, LogProbs, RealValues, Values


@pytest.fixture(scope="module")
def pools(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Pool]]:
    folder = tmp_path_factory.mktemp("study")
    weak, strong = [0.5, 0.8, 0.2, 1.0], [1.8, 2.2, 2.0, 1.9, 2.1]
    return {
        "weak": [skilled_pool(folder / f"weak {r}", weak, policies=("a", "b"), replicate=r) for r in range(3)],
        "strong": [skilled_pool(folder / f"strong{r}", strong, replicate=r, dead=1) for r in range(3)],
    }


@pytest.fixture(scope="module")
def found(pools: dict[str, list[Pool]]) -> Comparison:
    return compare(pools, settings_of(list(pools), scaling={"pool": [2, 5, 64], "draws": 4}))


def test_it_is_written_and_read_again(found: Comparison) -> None:
    assert Comparison.model_validate_json(found.model_dump_json()) == found
    assert "NaN" not in found.model_dump_json()


def test_a_stronger_pool_is_better_over_rows_and_replicates(found: Comparison) -> None:
    assert found.measures == ("accuracy", "nll", TEMPERED)
    for measure in found.measures:
        (difference,) = found.over_reference[measure].values()
        assert difference.value > 0
        assert difference.reliability == "rows and replicates"
        assert difference.rows.rows == TEST
        assert difference.replicates is not None
        assert difference.replicates.count == len(difference.by_replicate) == 3
    assert "reliably, over rows and replicates together, better than 'weak': strong" in found.claim


def test_team_and_single_are_those_that_evaluate_judges(pools: dict[str, list[Pool]], found: Comparison) -> None:
    pool, own = pools["weak"][1], found.pools["weak"][1]
    team = choose(pool, SMALL, folds=0)
    result = evaluate(pool, [team])
    assert own.team is not None
    assert own.single is not None
    assert own.team.members == team.team
    assert own.team.test == result.teams[SMALL].test
    assert own.single.test == result.references["nll"].test
    tempered = result.references["nll"].tempered
    assert tempered is not None
    assert own.single.temperature == tempered.temperature
    assert own.single.tempered == tempered.test
    gain = found.over_single["nll"]["weak"].by_replicate[1]
    assert gain == pytest.approx(result.teams[SMALL].gain["nll"].value)


def test_costs_are_those_of_all_runs(found: Comparison) -> None:
    own = found.pools["strong"][0]
    assert own.lost == {"diverged": 1}
    assert (own.cost.epochs, own.cost.samples, own.cost.seconds) == (6 * EPOCHS, 6 * SAMPLES, 12.0)
    assert any("lost count as cost" in note and "strong (3 diverged)" in note for note in found.notes)
    assert any("strong 1.50" in note for note in found.notes)


def test_sizes_of_teams_and_pools(found: Comparison) -> None:
    singles = [one.single.test.accuracy for one in found.pools["strong"] if one.single is not None]
    (alone,) = [e for e in found.team_sizes if (e.pool, e.way, e.size) == ("strong", "greedy", 1)]
    assert alone.scores["accuracy"] == pytest.approx(np.mean(np.array(singles, dtype=np.float64)))
    whole = [e for e in found.pool_sizes if (e.pool, e.size) == ("strong", 5)]
    assert {each.drawing for each in whole} == {"drawn", "in order"}
    teams = [one.team.test.nll for one in found.pools["strong"] if one.team is not None]
    for each in whole:
        assert each.draws == 1
        assert each.replicates["nll"] == pytest.approx(teams)
        assert each.team["nll"].mean == pytest.approx(np.mean(np.array(teams, dtype=np.float64)))
        assert each.cost.samples == 6 * SAMPLES
    assert {e.size for e in found.pool_sizes if e.pool == "strong"} == {1, 2, 3, 4, 5}
    assert {e.drawing for e in found.pool_sizes if e.pool == "weak" and e.size == 2} == {
        "drawn",
        "balanced",
        "in order",
    }
    drawn = {e.size: e.draws for e in found.pool_sizes if (e.pool, e.drawing) == ("strong", "drawn")}
    assert drawn[2] == 4


def test_the_score_of_a_deep_ensemble_of_all_is_that_of_all_drawn(found: Comparison) -> None:
    (drawn,) = [e for e in found.team_sizes if (e.pool, e.way, e.size) == ("strong", "drawn", 5)]
    assert drawn.scores["nll"] == pytest.approx(found.selectors["all"]["strong"].scores["nll"])


def test_selectors_have_gains_over_the_best_single_model(found: Comparison) -> None:
    best, every = found.selectors["best"], found.selectors["all"]
    assert best["strong"].gain["accuracy"].value == 0
    assert every["strong"].size == 5
    singles = [one.single.test.accuracy or 0.0 for one in found.pools["strong"] if one.single]
    single = sum(singles) / len(singles)
    assert every["strong"].gain["accuracy"].value == pytest.approx(every["strong"].scores["accuracy"] - single)


def test_every_look_is_written_down(tmp_path: Path) -> None:
    pool = skilled_pool(tmp_path, [1.0, 1.2])
    assert compare({"one": [pool]}, settings_of(["one"])).looks == {"one": 1}
    assert compare({"one": [pool]}, settings_of(["one"])).looks == {"one": 2}
    assert any("greedy" in team or "team" in team for team in looks(pool)[0].teams)


def test_no_test_truth_is_in_any_choice(tmp_path: Path) -> None:
    """Other labels of the test rows change scores, and nothing that was chosen."""
    chosen, scores = [], []
    for name in ("true", "turned"):
        truth = {"val": truth_of(VAL, 3, 1), "test": truth_of(TEST, 3, 1)}
        said = [
            {s: LogProbs(log_probs(t, 3, 1.0, (m, len(t))).astype("f4")) for s, t in truth.items()} for m in range(4)
        ]
        if name == "turned":
            truth["test"] = (truth["test"] + 1) % 3
        pool = pool_saying(tmp_path / name, _classes(), truth, said)
        found = compare({"one": [pool]}, settings_of(["one"]))
        (own,) = found.pools["one"]
        assert own.team is not None
        assert own.single is not None
        chosen.append((own.team.members, own.team.weights, own.team.temperature, own.single.members, own.single.val))
        scores.append(own.team.test.nll)
    assert chosen[0] == chosen[1]
    assert scores[0] != scores[1]


def _classes() -> Any:
    from lrensemble.targets import Classes

    return Classes(names=("a", "b", "c"))


def test_one_replicate_has_no_interval_over_replicates(tmp_path: Path) -> None:
    own = {name: [skilled_pool(tmp_path / name, [skill] * 3)] for name, skill in (("weak", 0.3), ("strong", 2.0))}
    found = compare(own, settings_of(list(own)))
    every = [d for table in (*found.over_reference.values(), *found.over_single.values()) for d in table.values()]
    assert all(each.replicates is None for each in every)
    assert "for these trained pools (over rows alone) better than 'weak': strong" in found.claim
    assert "With one replicate nothing is known of other base seeds" in found.claim
    assert all("–" in row[3] for table in tables(found) if "over replicates" in table.headings for row in table.rows)


def test_fewer_replicates_of_one_pool(tmp_path: Path) -> None:
    base = [skilled_pool(tmp_path / f"base{r}", [0.5, 0.7], replicate=r) for r in range(3)]
    found = compare({"base": base, "alone": [skilled_pool(tmp_path / "alone", [1.0])]}, settings_of(["base", "alone"]))
    assert len(found.over_reference["nll"]["alone"].by_replicate) == 1
    assert "Fewer replicates of alone: compared where both pools have one." in found.notes


def test_one_pool_of_one_member(tmp_path: Path) -> None:
    found = compare({"one": [skilled_pool(tmp_path, [1.0])]}, settings_of(["one"]))
    assert found.over_reference == {}
    assert found.over_single["accuracy"]["one"].value == 0
    assert found.over_single["accuracy"]["one"].reliability == "none"
    assert "No pool's team is reliably better in accuracy than its own best single model." in found.claim
    assert [each.size for each in found.pool_sizes] == [1, 1]
    assert list(tables(found))


def test_a_pool_whose_members_all_died(tmp_path: Path) -> None:
    own = {"live": [skilled_pool(tmp_path / "live", [1.0, 1.1])], "dead": [skilled_pool(tmp_path / "dead", [], dead=2)]}
    found = compare(own, settings_of(list(own)))
    assert found.pools["dead"][0].team is None
    assert found.pools["dead"][0].reason == "no member can be chosen"
    assert found.pools["dead"][0].cost.samples == 2 * SAMPLES
    assert found.over_reference.get("accuracy", {}) == {}
    assert found.selectors["all"]["dead"].reason == "no member can be chosen"
    assert "No member can be chosen in some replicate of dead." in found.notes
    assert list(tables(found))


def test_a_part_costs_what_the_whole_has_cost(tmp_path: Path) -> None:
    whole = [skilled_pool(tmp_path / f"whole{r}", [1.0, 1.2, 1.4, 1.6], replicate=r) for r in range(2)]
    part = [skilled_pool(tmp_path / f"part{r}", [1.0, 1.2], replicate=r) for r in range(2)]
    study = {"experiment": "digits", "pools": {"whole": {}, "part": {"from": "whole", "members": "seeds"}}}
    settings = StudySettings.model_validate(study)
    found = compare({"whole": whole, "part": part}, settings)
    for own in found.pools["part"]:
        assert own.cost.samples == 4 * SAMPLES
        assert own.lost["not taken"] == 2
    assert not any(note.startswith("Not at equal cost") for note in found.notes)


def test_members_that_learned_nothing_are_counted(tmp_path: Path) -> None:
    found = compare({"one": [skilled_pool(tmp_path, [2.0, 0.0, 1.5, 0.0])]}, settings_of(["one"]))
    assert found.pools["one"][0].lost == {"learned nothing": 2}
    assert max(each.size for each in found.team_sizes) == 2


def test_two_classes(tmp_path: Path) -> None:
    own = {n: [skilled_pool(tmp_path / n, [s] * 3, classes=2)] for n, s in (("weak", 0.3), ("strong", 1.5))}
    found = compare(own, settings_of(list(own)))
    assert found.over_reference["accuracy"]["strong"].value > 0
    assert found.deep_ensembles


def test_members_that_know_only_labels(tmp_path: Path) -> None:
    own = {n: [skilled_pool(tmp_path / n, [s] * 4, only_labels=True)] for n, s in (("weak", 0.3), ("strong", 1.5))}
    found = compare(own, settings_of(list(own)))
    assert found.measures == ("accuracy",)
    assert found.equivalents == ()
    assert "No deep-ensemble equivalents: they are defined on calibrated probabilities of classes." in found.notes
    assert found.over_reference["accuracy"]["strong"].value > 0
    assert "jensen_shannon" not in found.diversity[0].of_pool
    assert list(tables(found))


@pytest.mark.parametrize("form", ["values", "gaussian"])
def test_values(tmp_path: Path, form: str) -> None:
    generator = np.random.default_rng(0)
    truth = {"val": generator.normal(size=(VAL, 2)), "test": generator.normal(size=(TEST, 2))}

    def said(spread: float) -> Any:
        means = {split: own + spread * generator.normal(size=own.shape) for split, own in truth.items()}
        logs = {split: np.full_like(own, 2 * math.log(spread)) for split, own in truth.items()}
        return {s: RealValues(means[s]) if form == "values" else Gaussian(means[s], logs[s]) for s in truth}

    own = {
        name: [pool_saying(tmp_path / name, Values(names=("u", "v")), truth, [said(spread) for _ in range(4)])]
        for name, spread in (("weak", 2.0), ("strong", 0.5))
    }
    found = compare(own, settings_of(list(own)))
    assert found.measures == ("rmse", "mse") if form == "values" else ("rmse", "gaussian_nll")
    for measure in found.measures:
        assert found.over_reference[measure]["strong"].value > 0
        assert found.over_reference[measure]["strong"].reliability == "rows alone"
    assert set(found.diversity[0].of_pool) == {"ambiguity", "member error"}
    assert list(tables(found))


def test_choices(tmp_path: Path) -> None:
    truth = {"val": truth_of(VAL, 3, 2), "test": truth_of(TEST, 3, 2)}
    own = {
        name: [
            pool_saying(
                tmp_path / name,
                Choices(names=("0", "1", "2")),
                truth,
                [{s: LogProbs(log_probs(t, 3, skill, (m, 5))) for s, t in truth.items()} for m in range(3)],
            )
        ]
        for name, skill in (("weak", 0.3), ("strong", 1.5))
    }
    found = compare(own, settings_of(list(own)))
    assert found.measures[0] == "accuracy"
    assert found.over_reference["accuracy"]["strong"].value > 0


def test_a_selector_that_cannot_choose_has_a_reason(tmp_path: Path) -> None:
    settings = settings_of(["one"], select={"methods": ["top_k(k=9)", "all"]})
    found = compare({"one": [skilled_pool(tmp_path, [1.0, 1.2])]}, settings)
    assert "k = 9" in found.selectors["top_k(k=9)"]["one"].reason
    assert found.selectors["top_k(k=9)"]["one"].scores == {}
    assert found.selectors["all"]["one"].scores


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"classes": 2}, "cannot be compared with"),
        ({"tests": False}, "cannot be compared with"),
    ],
)
def test_pools_over_other_rows_are_refused(tmp_path: Path, other: dict[str, Any], message: str) -> None:
    own = {"one": [skilled_pool(tmp_path / "one", [1.0])], "two": [skilled_pool(tmp_path / "two", [1.0], **other)]}
    with pytest.raises(PoolError, match=message):
        compare(own, settings_of(list(own)))


def test_without_test_rows_nothing_is_compared(tmp_path: Path) -> None:
    with pytest.raises(PoolError, match="has no test rows, and pools are compared on test"):
        compare({"one": [skilled_pool(tmp_path, [1.0], tests=False)]}, settings_of(["one"]))


def test_without_members_nothing_is_compared(tmp_path: Path) -> None:
    with pytest.raises(PoolError, match="no pool of the study has a member that can be chosen"):
        compare({"one": [skilled_pool(tmp_path, [], dead=1)]}, settings_of(["one"]))


def test_tables_fit_eighty_columns(found: Comparison) -> None:
    for table in tables(found):
        widths = [max(len(cell) for cell in column) for column in zip(*table.rows, strict=True)]
        assert sum(widths) + 2 * (len(widths) - 1) <= 80, table.title
        assert all(len(row) == len(table.headings) for row in table.rows)
