"""Selectors led by diversity, against their published steps written slowly, team by team."""

import itertools
import warnings

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from lrensemble.errors import PredictionsError, SelectionError, SpecError
from lrensemble.metrics.diversity import diversity
from lrensemble.select import Validation, select, team_score
from lrensemble.select.methods.focal_fq import drawn_inverse_diversity, phase_one, phase_two, phase_two_scores
from lrensemble.select.methods.hierarchical import prune
from lrensemble.select.methods.pareto import front
from lrensemble.select.methods.shared.diversity import focal_inverse_diversity, inverse_diversity, scaled, two_clusters

MEMBERS, ROWS, CLASSES = 6, 150, 4
Team = tuple[int, ...]


def validation_of(seed: int, members: int = MEMBERS, cost: tuple[float, ...] = ()) -> Validation:
    generator = np.random.default_rng(seed)
    labels = generator.integers(CLASSES, size=ROWS)
    probs = generator.dirichlet(np.ones(CLASSES), size=(members, ROWS))
    probs[:, np.arange(ROWS), labels] += generator.uniform(0.2, 0.6, size=(members, 1))
    return Validation(np.log(probs / probs.sum(axis=2, keepdims=True)), labels, cost=cost)


def mask(team: Team) -> int:
    return sum(1 << member for member in team)


def teams_of(sizes: range) -> list[Team]:
    return [team for size in sizes for team in itertools.combinations(range(MEMBERS), size)]


def accuracies_of(validation: Validation) -> dict[Team, float]:
    return {t: team_score(validation, t, metric="accuracy") for t in teams_of(range(1, MEMBERS + 1))}


def focal_twin(validation: Validation, team: Team, focal: int, measure: str) -> float:
    """Likeness of one team over the rows that a focal member gets wrong, by the measure's own function."""
    predicted = validation.probs.argmax(axis=2)
    rows = predicted[focal] != validation.truth
    value = diversity(measure, predicted[list(team)][:, rows], validation.truth[rows])
    return value if measure in ("q_statistic", "fleiss_kappa") else 1 - value


def clusters_twin(points: list[tuple[float, float]]) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    accuracies, inverse_diversities = zip(*points, strict=True)
    corners = np.array([[max(accuracies), min(inverse_diversities)], [min(accuracies), max(inverse_diversities)]])
    found = KMeans(2, init=corners, n_init=1).fit(points)
    order = np.argsort(found.cluster_centers_[:, 0])  # the less accurate first
    return np.argsort(order)[found.labels_].astype(np.int32), found.cluster_centers_[order]


def fq_twin(validation: Validation, measure: str) -> tuple[set[Team], set[Team]]:
    """Teams that pass phase one, and those kept by phase two."""
    accuracy = accuracies_of(validation)
    normalised: dict[tuple[int, Team], float] = {}
    passed: set[Team] = set()
    for focal, size in itertools.product(range(MEMBERS), range(2, MEMBERS)):
        group = [team for team in teams_of(range(size, size + 1)) if focal in team]
        raw = np.array([focal_twin(validation, team, focal, measure) for team in group])
        values = ((raw - raw.min()) / (raw.max() - raw.min() or 1.0)).tolist()
        cluster, _ = clusters_twin([(100 * accuracy[t], v) for t, v in zip(group, values, strict=True)])
        lowest = min(v for v, c in zip(values, cluster.tolist(), strict=True) if c == 0)
        for team, value in zip(group, values, strict=True):
            normalised[focal, team] = value
            if value < min(float(np.mean(values)), lowest):
                passed.add(team)
    kept: set[Team] = set()
    for size in range(2, MEMBERS):
        group = [team for team in teams_of(range(size, size + 1)) if team in passed]
        scores = []
        for team in group:
            ranks = [1 + sum(accuracy[(other,)] < accuracy[(member,)] for other in team) for member in team]
            scores.append(float(np.average([normalised[member, team] for member in team], weights=ranks)))
        points = [(100 * accuracy[t], s) for t, s in zip(group, scores, strict=True)]
        if len(set(points)) < 2:
            kept.update(group)
            continue
        _, centres = clusters_twin(points)
        kept.update(t for t, s in zip(group, scores, strict=True) if s < centres[0, 1])
    return passed, kept


@pytest.mark.parametrize("measure", ["generalized_diversity", "q_statistic", "binary_disagreement", "fleiss_kappa"])
def test_focal_fq_equals_its_published_steps(measure: str) -> None:
    for seed in (0, 2, 3):
        validation = validation_of(seed)
        accuracy = accuracies_of(validation)
        assert len({accuracy[(m,)] for m in range(MEMBERS)}) == MEMBERS, "ranks would tie"
        passed, kept = fq_twin(validation, measure)
        table = np.full(1 << MEMBERS, -np.inf)
        for team, value in accuracy.items():
            table[mask(team)] = value
        rescaled, found = phase_one(table, focal_inverse_diversity(validation, measure))
        assert set(found.tolist()) == {mask(team) for team in passed}
        survivors = phase_two(table, phase_two_scores(table, rescaled), found)
        assert set(survivors.tolist()) == {mask(team) for team in kept}
        chosen = select(validation, f"focal_fq(measure='{measure}')", metric="accuracy")
        best = min(kept or set(accuracy), key=lambda team: (-accuracy[team], len(team), team))
        assert chosen.team == best
        assert chosen.details == {"measure": measure, "passed_phase_one": len(passed), "kept": len(kept)}


def test_the_authors_quirks_stand_behind_a_switch() -> None:
    validation = validation_of(4)
    found = [select(validation, "focal_fq(compat='ensemblebench')", seed=seed) for seed in (0, 0, 1)]
    assert found[0].details == found[1].details
    drawn = [drawn_inverse_diversity(validation, "generalized_diversity", seed) for seed in (0, 0, 1)]
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert (drawn[0] != drawn[2]).any()
    exact = focal_inverse_diversity(validation, "generalized_diversity")
    many = np.mean([drawn_inverse_diversity(validation, "generalized_diversity", seed) for seed in range(30)], axis=0)
    np.testing.assert_allclose(many[:, 1:], exact[:, 1:], atol=0.05)


@pytest.mark.parametrize("method", ["focal_fq", "hierarchical"])
def test_the_switch_reaches_the_choice(method: str) -> None:
    """The draws, and so the chosen teams, differ from seed to seed; exact selection does not depend on it."""
    validation = validation_of(4)
    argument = "" if method == "focal_fq" else "share=0.8, "
    drawn = [select(validation, f"{method}({argument}compat='ensemblebench')", seed=seed) for seed in range(6)]
    exact = [select(validation, f"{method}({argument}compat='none')", seed=seed) for seed in range(3)]
    assert len({(found.team, str(found.details)) for found in exact}) == 1
    assert len({(found.team, str(found.details)) for found in drawn}) > 1


def test_argsort_is_not_the_rank() -> None:
    accuracies = np.zeros(8)
    accuracies[[1, 2, 4]] = [0.7, 0.9, 0.8]  # argsort gives 0 2 1, ranks are 1 3 2
    rescaled = np.full((3, 8), np.nan)
    rescaled[:, 7] = [0.0, 1.0, 0.5]
    assert phase_two_scores(accuracies, rescaled)[7] == pytest.approx((0 * 1 + 1 * 3 + 0.5 * 2) / 6)
    accuracies[[1, 2, 4]] = [0.9, 0.7, 0.8]  # argsort gives 1 2 0, ranks are 3 1 2
    assert phase_two_scores(accuracies, rescaled)[7] == pytest.approx((0 * 3 + 1 * 1 + 0.5 * 2) / 6)
    assert phase_two_scores(accuracies, rescaled, by_argsort=True)[7] == pytest.approx((0 * 1 + 1 * 2 + 0.5 * 0) / 3)


def test_a_member_that_errs_nowhere_has_no_say() -> None:
    validation = validation_of(5)
    probs = validation.probs.copy()
    probs[2] = np.eye(CLASSES)[validation.truth] * 0.94 + 0.015
    perfect = Validation(np.log(probs), validation.truth)
    assert np.isnan(focal_inverse_diversity(perfect, "generalized_diversity")[2]).all()
    for method in ("focal_fq", "hierarchical", "focal_fq(compat='ensemblebench')"):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert select(perfect, method).team


def test_hierarchical_pruning_equals_its_published_steps() -> None:
    generator = np.random.default_rng(0)
    accuracies = np.round(generator.random(1 << MEMBERS), 1)
    scores = np.round(generator.random(1 << MEMBERS), 1)
    pruned: list[set[int]] = []
    survivors: set[int] = set()
    for size in range(2, 5):
        group = [
            team for team in teams_of(range(size, size + 1)) if not any(smaller <= set(team) for smaller in pruned)
        ]
        worst = sorted(group, key=lambda team: (-scores[mask(team)], accuracies[mask(team)]))[: int(0.2 * len(group))]
        pruned += [set(team) for team in worst]
        survivors |= {mask(team) for team in group if team not in worst}
    assert set(prune(accuracies, scores, 4, 0.2).tolist()) == survivors
    assert len(pruned) >= 5
    for size in range(2, MEMBERS):
        assert len(select(validation_of(6), f"hierarchical(target={size})").team) <= size


def test_the_threshold_is_the_mean_diversity() -> None:
    validation = validation_of(7)
    predicted = validation.probs.argmax(axis=2)
    group = teams_of(range(2, MEMBERS))
    values = {team: diversity("q_statistic", predicted[list(team)], validation.truth) for team in group}
    kept = [team for team in group if values[team] < np.mean(list(values.values()))]
    accuracy = accuracies_of(validation)
    found = select(validation, "diversity_threshold", metric="nll")
    assert found.team == min(kept, key=lambda team: (-accuracy[team], len(team), team))
    assert found.details["kept"] == len(kept)
    np.testing.assert_allclose(
        inverse_diversity(validation, "generalized_diversity")[mask((1, 3, 4))],
        1 - diversity("generalized_diversity", predicted[[1, 3, 4]], validation.truth),
    )


def test_the_front_holds_what_nothing_beats() -> None:
    generator = np.random.default_rng(1)
    scores, other = np.round(generator.random((2, 80)), 1)
    expected = {
        i
        for i in range(80)
        if not any(
            (scores[j] >= scores[i] and other[j] >= other[i] and (scores[j], other[j]) != (scores[i], other[i]))
            or (scores[j] == scores[i] and other[j] == other[i] and j < i)
            for j in range(80)
        )
    }
    found = front(scores, other)
    assert set(found.tolist()) == expected
    assert (np.diff(scores[found]) < 0).all()


@pytest.mark.parametrize("against", ["size", "cost", "diversity"])
def test_the_knee_lies_on_the_front(against: str) -> None:
    validation = validation_of(8, cost=(3.0, 1.0, 1.0, 2.0, 9.0, 1.0))
    found = select(validation, f"pareto(against='{against}')", metric="accuracy")
    listed = found.details["front"]
    assert list(found.team) in [entry["team"] for entry in listed]
    assert listed[0]["score"] == select(validation, "brute_force", metric="accuracy").score
    others = [entry[against] for entry in listed]
    assert others == sorted(others, reverse=against != "diversity")
    if against == "size":
        assert all(entry["size"] == len(entry["team"]) for entry in listed)
    if against == "cost":
        assert listed[-1]["cost"] == 1.0
        with pytest.raises(SelectionError, match="needs the members' costs"):
            select(validation_of(8), "pareto(against='cost')")


def test_too_many_teams_and_unknown_measures_are_refused() -> None:
    many = validation_of(0, members=21)
    for name in ("focal_fq", "hierarchical", "diversity_threshold", "pareto"):
        with pytest.raises(SelectionError, match=r"21 members have 2,097,151 teams, above the limit of 1,048,576"):
            select(many, f"{name}(limit=1048576)")
    with pytest.raises(SpecError, match="no diversity measure named 'q_statistics'; did you mean 'q_statistic'"):
        select(validation_of(0), "focal_fq(measure='q_statistics')")
    with pytest.raises(PredictionsError):
        select(validation_of(0), "diversity_threshold(measure='jensen_shannon')")


def test_clusters_need_two_distinct_points() -> None:
    assert two_clusters(np.full(4, 0.5), np.full(4, 0.2)) is None
    assert two_clusters(np.array([0.5]), np.array([0.2])) is None
    less_accurate, centre = two_clusters(np.array([90.0, 91.0, 70.0]), np.array([0.0, 0.1, 1.0])) or (None, None)
    assert less_accurate is not None
    assert centre is not None
    assert less_accurate.tolist() == [False, False, True]
    assert centre.tolist() == [70.0, 1.0]
    assert scaled(np.array([2.0, 4.0, 3.0])).tolist() == [0.0, 1.0, 0.5]
    assert scaled(np.array([2.0, 2.0])).tolist() == [0.0, 0.0]
