"""Teams are chosen on `val`, measured on `test`, and judged against the best single model."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from lrensemble.errors import PoolError
from lrensemble.evaluate import (
    Result,
    choose,
    evaluate,
    gains,
    load,
    predict,
    save,
    stored_result,
    streaming,
    write_result,
)
from lrensemble.pool import Pool
from lrensemble.pool.collect import collect

MEMBERS, VAL, TEST, CLASSES = 5, 240, 310, 7


def predictions(labels: NDArray[np.int64], seed: int, skill: float = 1.5) -> NDArray[np.float32]:
    """[member, sample, class] log-probabilities of members that know about half of the labels, each another half."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(size=(MEMBERS, len(labels), CLASSES))
    logits[:, np.arange(len(labels)), labels] += skill
    return np.asarray(logits - np.log(np.exp(logits).sum(axis=2, keepdims=True)), dtype=np.float32)


@pytest.fixture
def arrays() -> dict[str, NDArray[np.generic]]:
    generator = np.random.default_rng(11)
    labels, test_labels = generator.integers(CLASSES, size=VAL), generator.integers(CLASSES, size=TEST)
    return {
        "log_probs": predictions(labels, 1),
        "labels": labels,
        "test_log_probs": predictions(test_labels, 2),
        "test_labels": test_labels,
        "names": np.array(["a", "b", "c", "d", "e"]),
    }


def pool_of(arrays: dict[str, NDArray[np.generic]], folder: Path) -> Pool:
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / "predictions.npz", **arrays)  # type: ignore[arg-type]
    return collect([folder / "predictions.npz"], folder / "pool").pool


def evaluated(pool: Pool) -> Result:
    teams = [
        choose(pool, method, folds=3) for method in ("greedy(size=8, bootstrap=2)", "brute_force", "random(size=3)")
    ]
    return evaluate(pool, teams)


def test_baselines_stand_beside_every_team(arrays: dict[str, NDArray[np.generic]], tmp_path: Path) -> None:
    result = evaluated(pool_of(arrays, tmp_path))
    assert {"best", "all", "top_k", "brute_force", "greedy(size=8, bootstrap=2)", "random(size=3)"} == set(result.teams)
    assert result.rows == {"val": VAL, "test": TEST}
    assert len(result.teams["all"].team) == MEMBERS
    assert result.teams["all"].cross_fitted is None
    assert result.teams["brute_force"].cross_fitted is not None


def test_scores_are_those_of_the_mean_of_probabilities(arrays: dict[str, NDArray[np.generic]], tmp_path: Path) -> None:
    everyone = evaluated(pool_of(arrays, tmp_path)).teams["all"]
    mean = np.exp(arrays["test_log_probs"].astype(np.float64)).mean(axis=0)
    true_class = mean[np.arange(TEST), arrays["test_labels"].astype(np.int64)]
    assert everyone.test.accuracy == np.mean(mean.argmax(axis=1) == arrays["test_labels"])
    assert everyone.test.nll == pytest.approx(-np.log(true_class).mean())


def test_an_ensemble_of_independent_errors_is_found_better(
    arrays: dict[str, NDArray[np.generic]], tmp_path: Path
) -> None:
    result = evaluated(pool_of(arrays, tmp_path))
    assert result.verdict.reliable
    assert result.verdict.text.startswith("The ensemble is better: ")
    assert result.verdict.method is not None
    gain = result.teams[result.verdict.method].gain["accuracy"]
    assert 0 < gain.low < gain.value < gain.high
    assert f"{100 * gain.value:+.2f} points" in result.verdict.text


def test_members_that_agree_make_no_team(arrays: dict[str, NDArray[np.generic]], tmp_path: Path) -> None:
    for key in ("log_probs", "test_log_probs"):
        arrays[key] = np.repeat(arrays[key][:1], MEMBERS, axis=0)
    result = evaluated(pool_of(arrays, tmp_path))
    assert not result.verdict.reliable
    assert result.verdict.text.startswith("No team beats a: ship that one.")


def test_test_labels_have_no_say_in_any_choice(arrays: dict[str, NDArray[np.generic]], tmp_path: Path) -> None:
    honest = evaluated(pool_of(arrays, tmp_path / "honest"))
    shuffled = {**arrays, "test_labels": np.random.default_rng(0).permutation(arrays["test_labels"])}
    other = evaluated(pool_of(shuffled, tmp_path / "shuffled"))
    assert [team.team for team in honest.teams.values()] == [team.team for team in other.teams.values()]
    assert honest.best_single.name == other.best_single.name
    assert honest.verdict.method == other.verdict.method
    assert honest.teams["all"].test != other.teams["all"].test


def test_the_best_single_model_has_the_best_accuracy_then_the_lower_loss(
    arrays: dict[str, NDArray[np.generic]], tmp_path: Path
) -> None:
    """`d` and `e` answer alike, `e` with a little more confidence in what it gets right."""
    labels = arrays["labels"].astype(np.int64)
    for member, right in ((0, 0.5), (1, 0.5), (2, 0.5), (3, 0.8), (4, 0.85)):
        probs = np.full((VAL, CLASSES), (1 - right) / (CLASSES - 1))
        answers = np.where(np.arange(VAL) < (200 if member > 2 else 150), labels, (labels + 1) % CLASSES)
        probs[np.arange(VAL), answers] = right if member > 2 else 0.5
        probs[200:] = np.where(probs[200:] == 0.85, 0.8, probs[200:])
        arrays["log_probs"][member] = np.log(probs / probs.sum(axis=1, keepdims=True))
    assert evaluated(pool_of(arrays, tmp_path)).best_single.name == "e"


def test_gains_by_hand() -> None:
    labels = np.array([0, 1, 2, 0])
    reference = np.array([[0.8, 0.1, 0.1], [0.6, 0.3, 0.1], [0.2, 0.5, 0.3], [0.5, 0.4, 0.1]])
    team = np.array([[0.8, 0.1, 0.1], [0.3, 0.6, 0.1], [0.2, 0.2, 0.6], [0.25, 0.65, 0.1]])
    found = gains(team, reference, labels)
    assert found["accuracy"].value == pytest.approx((2 - 1) / 4)
    assert found["accuracy"].p_value == pytest.approx(1.0), "two against one of three discordant rows"
    assert found["accuracy"].rows == 4
    assert found["nll"].value == pytest.approx((np.log(0.6 / 0.3) * 2 + np.log(0.25 / 0.5)) / 4)
    assert not found["accuracy"].reliable


def test_blocks_of_rows_change_nothing(
    arrays: dict[str, NDArray[np.generic]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = pool_of(arrays, tmp_path)
    team = choose(pool, "greedy(size=8, bootstrap=2)", folds=0)
    whole = predict(pool, team, "test")
    monkeypatch.setattr(streaming, "BLOCK_BYTES", 47 * 8 * len(team.team) * CLASSES)
    assert np.array_equal(predict(pool, team, "test"), whole)
    assert whole.shape == (TEST, CLASSES)


def test_stored_teams_read_back_and_replace_their_like(arrays: dict[str, NDArray[np.generic]], tmp_path: Path) -> None:
    pool = pool_of(arrays, tmp_path)
    first = choose(pool, "random(size=3)", seed=1, folds=0)
    save(pool, first)
    assert load(pool) == (first,)
    second = choose(pool, "random(size=3)", seed=2, folds=0)
    save(pool, second)
    save(pool, choose(pool, "random(size=3)", metric="accuracy", folds=0))
    assert len(load(pool)) == 2
    assert second in load(pool)


def test_a_team_of_strangers_is_refused(arrays: dict[str, NDArray[np.generic]], tmp_path: Path) -> None:
    pool = pool_of(arrays, tmp_path)
    save(pool, choose(pool, "best", folds=0).model_copy(update={"team": ("stranger",)}))
    with pytest.raises(PoolError, match="best was chosen among 5 members, and stranger went; choose again"):
        load(pool)


def test_without_test_rows_nothing_is_proven(arrays: dict[str, NDArray[np.generic]], tmp_path: Path) -> None:
    only_val = {key: value for key, value in arrays.items() if not key.startswith("test_")}
    pool = pool_of(only_val, tmp_path)
    with pytest.raises(PoolError, match=r"has no test rows.*--holdout"):
        evaluate(pool, [choose(pool, "best", folds=0)])


def test_the_result_reads_back_from_json(arrays: dict[str, NDArray[np.generic]], tmp_path: Path) -> None:
    result = evaluated(pool_of(arrays, tmp_path))
    assert Result.model_validate_json(result.model_dump_json()) == result


def test_a_stored_result_is_taken_as_long_as_it_is_that_of_the_pool(
    arrays: dict[str, NDArray[np.generic]], tmp_path: Path
) -> None:
    pool = pool_of(arrays, tmp_path)
    save(pool, choose(pool, "greedy(size=8, bootstrap=2)", folds=3))
    assert stored_result(pool, load(pool)) is None
    result = evaluate(pool, load(pool))
    path = tmp_path / "result.json"  # beside the pool, as `run` writes it
    write_result(result, path)
    assert stored_result(pool, load(pool)) == result
    save(pool, choose(pool, "brute_force", folds=3))
    assert stored_result(pool, load(pool)) is None, "another team"
    write_result(evaluate(pool, load(pool)), path)
    assert stored_result(pool, load(pool)) is not None
    write_result(result.model_copy(update={"task": "other"}), path)
    assert stored_result(pool, load(pool)) is None, "another task"
    path.write_text("{", encoding="utf-8")
    assert stored_result(pool, load(pool)) is None, "another program's, perhaps"
