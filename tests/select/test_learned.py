"""Which members have learned nothing: by definition over all permutations, and where it matters."""

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from lrensemble.select import Validation, learned_nothing, select
from lrensemble.select.learned import deviations, members_that_learned

CLASSES = 3


def logs(probs: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(divide="ignore"):
        return np.log(probs / probs.sum(axis=-1, keepdims=True))


def guessing(generator: np.random.Generator, members: int, rows: int, classes: int) -> NDArray[np.float64]:
    return logs(generator.dirichlet(np.ones(classes) * 0.7, size=(members, rows)))


def test_mean_and_variance_are_those_of_all_permutations() -> None:
    labels = np.array([0, 2, 1, 0, 2])
    log_probs = guessing(np.random.default_rng(0), 4, 5, CLASSES)
    log_probs[0, 1] = logs(np.array([1.0, 0.0, 0.0]))  # clipped at 36 nats
    given = np.maximum(log_probs, np.log(np.finfo(np.float64).eps))
    found = deviations(Validation(log_probs, labels), range(4), np.arange(5))
    for member in range(4):
        sums = np.array([given[member, np.arange(5), order].sum() for order in itertools.permutations(labels.tolist())])
        own = given[member, np.arange(5), labels].sum()
        expected = max((own - sums.mean()) / sums.std(), 0)
        assert found[member] == pytest.approx(expected)
    assert (found > 0).any()


def test_rows_of_weight_two_count_as_rows_do_that_are_there_twice_but_no_surer() -> None:
    generator = np.random.default_rng(1)
    labels = generator.integers(CLASSES, size=40)
    log_probs = guessing(generator, 2, 40, CLASSES)
    log_probs[:, np.arange(40), labels] += 1
    log_probs = logs(np.exp(log_probs))
    weights = np.where(np.arange(40) < 20, 1.0, 0.0)
    half = Validation(log_probs[:, :20], labels[:20])
    weighted = Validation(log_probs, labels, weights=weights)
    np.testing.assert_allclose(
        deviations(weighted, range(2), np.arange(20)), deviations(half, range(2), np.arange(20)), rtol=1e-12
    )
    doubled = Validation(log_probs[:, :20], labels[:20], weights=np.full(20, 2.0))
    np.testing.assert_allclose(
        deviations(doubled, range(2), np.arange(20)), deviations(half, range(2), np.arange(20)), rtol=1e-12
    )
    assert learned_nothing(weighted) == learned_nothing(half)


@pytest.mark.parametrize("rows", [20, 90, 700])
@pytest.mark.parametrize("classes", [2, 10])
def test_of_members_that_guess_one_in_twenty_is_taken_for_one_that_has_learned(rows: int, classes: int) -> None:
    generator = np.random.default_rng(rows + classes)
    learned = 0
    for _ in range(10):
        labels = generator.integers(classes, size=rows)
        learned += 100 - sum(learned_nothing(Validation(guessing(generator, 100, rows, classes), labels)))
    assert 20 <= learned <= 80, "of 1,000"


def test_members_that_say_always_the_same_have_learned_nothing() -> None:
    labels = np.array([0, 1, 2, 1, 0, 2, 2, 1] * 4)
    constant = np.broadcast_to(logs(np.array([[0.2, 0.3, 0.5], [1.0, 0.0, 0.0], [1, 1, 1]]))[:, None], (3, 32, 3))
    knows = logs(np.eye(3)[labels] * 2 + 1)[None]
    wrong_order = logs(np.eye(3)[(labels + 1) % 3] * 2 + 1)[None]
    validation = Validation(np.concatenate([constant, knows, wrong_order]).astype(np.float32), labels)
    assert learned_nothing(validation) == (True, True, True, False, True)
    assert members_that_learned(validation) == ((3,), {"learned_nothing": [0, 1, 2, 4]})


def test_a_ranker_no_more_accurate_than_the_larger_class_has_learned() -> None:
    generator = np.random.default_rng(2)
    labels = (np.arange(400) < 20).astype(np.int64)
    rare = np.clip(0.04 + 0.05 * labels + generator.normal(scale=0.02, size=400), 0.001, 0.4)
    none = np.full(400, 0.05)
    validation = Validation(logs(np.stack([np.stack([1 - p, p], axis=1) for p in (rare, none)])), labels)
    accuracy = [(validation.log_probs[m].argmax(axis=1) == labels).mean() for m in range(2)]
    assert accuracy == [0.95, 0.95]
    assert learned_nothing(validation) == (False, True)


def test_few_rows_and_only_labels() -> None:
    generator = np.random.default_rng(3)
    labels = generator.integers(4, size=20)
    said = np.stack([np.where(generator.random(20) < 0.7, labels, 3), generator.integers(4, size=20)])
    validation = Validation(logs(np.eye(4)[said]), labels, top1=(True, True))
    assert learned_nothing(validation) == (False, True)


def test_where_there_is_nothing_to_tell_apart_nothing_is_said() -> None:
    log_probs = guessing(np.random.default_rng(4), 3, 6, CLASSES)
    assert learned_nothing(Validation(log_probs, np.ones(6, dtype=np.int64))) == (False,) * 3
    assert learned_nothing(Validation(log_probs[:, :1], np.ones(1, dtype=np.int64))) == (False,) * 3


def test_rows_sorted_by_class_are_looked_at_as_well() -> None:
    labels = np.repeat([0, 1], [3, 900])
    probs = np.full((2, 903, 2), 0.5)
    probs[0, np.arange(903), labels] = 0.9
    assert learned_nothing(Validation(logs(probs), labels)) == (False, True)


@pytest.mark.parametrize("name", ["all", "top_k(k=4)", "random(size=4, trials=3)", "top_k", "random"])
def test_they_stay_out_of_the_teams_that_need_no_search(name: str) -> None:
    generator = np.random.default_rng(5)
    labels = generator.integers(CLASSES, size=120)
    log_probs = guessing(generator, 6, 120, CLASSES)
    log_probs[:3, np.arange(120), labels] += 2
    log_probs[3] = logs(np.array([0.3, 0.3, 0.4]))
    log_probs[4] = log_probs[3]
    log_probs[5] = log_probs[3]
    found = select(Validation(logs(np.exp(log_probs)), labels), name)
    assert found.team == (0, 1, 2)
    assert found.details == {"learned_nothing": [3, 4, 5]}
    nobody = select(Validation(log_probs[3:], labels), name.replace("4", "3"))
    assert set(nobody.team) <= {0, 1, 2}
    assert nobody.details == {"learned_nothing": [0, 1, 2]}
    if name == "all":
        assert nobody.team == (0, 1, 2), "where none has learned anything, all stay"
    everybody = select(Validation(logs(np.exp(log_probs[:3])), labels), name.replace("4", "3"))
    assert everybody.details == {}
