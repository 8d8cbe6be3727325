"""A team that was chosen on tokens is judged on questions, and nothing there has a say in the choice."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from lrensemble.errors import PoolError
from lrensemble.evaluate import Team, choose, looks
from lrensemble.evaluate.benchmarks import (
    Benchmarks,
    benchmark_tables,
    judge_benchmarks,
    read_judgement,
    write_judgement,
)
from lrensemble.metrics.significance import holm, paired_scores
from lrensemble.pool import MemberRecord, Pool, Task
from lrensemble.targets import Choices, Classes, Likelihood, LogProbs

MEMBERS, TOKENS, QUESTIONS, CHOICES = 4, 300, {"val": 12, "test:easy": 60, "test:hard": 45}, 3
COUNTS = {split: 2 + np.arange(size) % 2 for split, size in QUESTIONS.items()}


def tokens(folder: Path) -> Pool:
    """Members of about the same likelihood, whose errors are their own: a team is better than each."""
    draw = np.random.default_rng(0)
    truth = {split: np.arange(size) % 5 for split, size in (("val", TOKENS), ("test", 50))}
    rows = {split: np.arange(len(own)) for split, own in truth.items()}
    pool = Pool.create(folder, Task.of("tokens", Classes(names=tuple("abcde")), rows=rows, labels=truth), truth)
    for place in range(MEMBERS):
        said = {name: Likelihood(-draw.exponential(1 + 0.1 * place, len(own))) for name, own in truth.items()}
        record = MemberRecord(id=f"m{place}", order=place, name=f"member {place}", form="likelihood")
        pool.add(record, said)
    return pool


def truth_of_questions() -> dict[str, NDArray[np.int64]]:
    draw = np.random.default_rng(1)
    return {split: draw.integers(COUNTS[split]) for split in QUESTIONS}


def answers(folder: Path, members: int = MEMBERS, seed: int = 2, first: str = "m") -> Pool:
    """Answers of members by the same ids; questions have two or three choices."""
    truth, draw = truth_of_questions(), np.random.default_rng(seed)
    rows = {split: np.arange(len(own)) for split, own in truth.items()}
    task = Task.of("questions", Choices(names=tuple("ABC")), rows=rows, labels=truth, choices=COUNTS)
    pool = Pool.create(folder, task, truth, choices=COUNTS)
    for place in range(members):
        said = {}
        for split, own in truth.items():
            logits = draw.normal(size=(len(own), CHOICES)) + 0.6 * np.eye(CHOICES)[own]
            logits[np.arange(CHOICES) >= COUNTS[split][:, None]] = -np.inf
            probs = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
            said[split] = LogProbs(np.maximum(np.log(np.maximum(probs, 1e-300)), -1000).astype(np.float32))
        pool.add(MemberRecord(id=f"{first}{place}", order=place, name=f"member {place}"), said)
    return pool


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Pool:
    return tokens(tmp_path_factory.mktemp("pool") / "tokens")


@pytest.fixture(scope="module")
def teams(pool: Pool) -> dict[str, Team]:
    return {method: choose(pool, method, metric="nll") for method in ("best", "greedy", "all")}


@pytest.fixture
def asked(tmp_path: Path) -> Pool:
    return answers(tmp_path / "answers", seed=5)


@pytest.fixture
def base(tmp_path: Path) -> Pool:
    return answers(tmp_path / "of base", members=1, seed=9, first="base")


@pytest.fixture
def found(pool: Pool, teams: dict[str, Team], asked: Pool, base: Pool) -> Benchmarks:
    return judge_benchmarks(pool, [teams["greedy"], teams["best"]], asked, base)


def probabilities(pool: Pool, member: str, split: str) -> NDArray[np.float64]:
    return np.exp(np.asarray(pool[member].predictions(split).main, dtype=np.float64))


def test_scores_and_gains_are_those_of_the_mean_answer(
    teams: dict[str, Team], asked: Pool, base: Pool, found: Benchmarks
) -> None:
    team = teams["greedy"]
    assert len(team.team) > 1
    assert (found.choice.team, found.choice.weights) == (team.team, team.weights)
    expected = dict[str, dict[str, float]]()
    for name, each in found.benchmarks.items():
        split, truth = f"test:{name}", truth_of_questions()[f"test:{name}"]
        weights = np.array(team.weights) / sum(team.weights)
        both = sum(w * probabilities(asked, own, split) for w, own in zip(weights, team.team, strict=True))
        single = probabilities(asked, found.choice.single, split)
        assert each.team is not None
        assert each.base is not None
        assert each.team.accuracy == pytest.approx((np.argmax(both, axis=1) == truth).mean())
        assert each.single.nll == pytest.approx(-np.log(single[np.arange(len(truth)), truth]).mean(), rel=1e-6)
        own = probabilities(base, "base0", split)
        assert each.base.nll == pytest.approx(-np.log(own[np.arange(len(truth)), truth]).mean(), rel=1e-6)
        assert each.questions == QUESTIONS[split]
        assert each.chance == pytest.approx((1 / COUNTS[split]).mean())
        expected[name] = {}
        for metric in ("accuracy", "nll"):
            paired = paired_scores(metric, np.asarray(both), single, truth)
            gain = each.gain[metric]
            assert (gain.value, gain.low, gain.high) == pytest.approx((paired.value, paired.low, paired.high))
            expected[name][metric] = paired.p_value
    for metric in ("accuracy", "nll"):
        by_hand = holm([expected[name][metric] for name in found.benchmarks])
        assert [each.adjusted_p[metric] for each in found.benchmarks.values()] == pytest.approx(by_hand)


def test_the_best_single_model_is_that_of_the_tokens(pool: Pool, asked: Pool, found: Benchmarks) -> None:
    val = [np.asarray(member.predictions("val").main).mean() for member in pool]
    assert found.choice.single == f"m{int(np.argmax(val))}"
    there = [each.accuracy for each in found.benchmarks["easy"].members.values()]
    assert int(np.argmax([one or 0.0 for one in there])) != int(np.argmax(val))  # or else this would say nothing
    assert found.choice.names == {member.id: member.name for member in asked}


def test_every_look_is_written_down_and_the_same_is_not_looked_at_again(
    pool: Pool, teams: dict[str, Team], asked: Pool, base: Pool, found: Benchmarks, tmp_path: Path
) -> None:
    assert [look.tests for look in looks(asked)] == [("test:easy", "test:hard")]
    assert found.benchmarks["hard"].looks == 1
    path = tmp_path / "benchmarks.json"
    write_judgement(found, path)
    assert read_judgement(path) == found
    assert judge_benchmarks(pool, [teams["greedy"], teams["best"]], asked, base, known=path) == found
    assert len(looks(asked)) == 1
    other = judge_benchmarks(pool, [teams["all"], teams["best"]], asked, base, known=path)
    assert other.benchmarks["hard"].looks == 2


def test_a_damaged_judgement_is_made_again(
    pool: Pool,
    teams: dict[str, Team],
    asked: Pool,
    base: Pool,
    found: Benchmarks,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    path = tmp_path / "benchmarks.json"
    write_judgement(found, path)
    path.write_text(path.read_text(encoding="utf-8").replace('"questions": 60', '"questions": 61'), encoding="utf-8")
    again = judge_benchmarks(pool, [teams["greedy"], teams["best"]], asked, base, known=path)
    assert "is damaged" in caplog.text
    assert again.benchmarks["easy"].looks == 2


def test_without_a_team_there_is_the_best_single_model(pool: Pool, asked: Pool) -> None:
    found = judge_benchmarks(pool, [], asked)
    each = found.benchmarks["easy"]
    assert (found.choice.method, each.team, each.gain, each.base) == (None, None, {}, None)
    assert each.text == (
        f"easy: the best single model has {100 * (each.single.accuracy or 0):.1f} % of 60 right; the base alone –, a "
        "guess 41.7 %."
    )
    assert [table.rows[0][-1] for table in benchmark_tables(found)] == ["–", "–"]


def test_tables_and_words(found: Benchmarks) -> None:
    accuracy, nll = benchmark_tables(found)
    assert [row[0] for row in accuracy.rows] == ["easy", "hard"]
    assert accuracy.rows[0][1:3] == ("60", "41.67")
    assert nll.rows[0][2] == ""
    assert accuracy.title.endswith("p adjusted for 2 benchmarks")
    assert ", the team " in found.benchmarks["easy"].text
    assert "adjusted p = " in found.benchmarks["easy"].text
    assert [row["benchmark"] for row in found._table()] == ["easy", "hard"]
    assert found._headline().startswith("easy: the best single model has ")


def test_a_member_that_was_not_asked_is_named(pool: Pool, teams: dict[str, Team], tmp_path: Path) -> None:
    few = answers(tmp_path / "few", members=1)
    with pytest.raises(PoolError, match=r"member m1 \(member 1\) has no answers in .*few; ask it with lrensemble benc"):
        judge_benchmarks(pool, list(teams.values()), few)
