"""Finished language models become pools that are chosen from, judged and reported as any other."""

import logging
from pathlib import Path

import numpy as np
import pytest
from tests.language.benchmarks.sets import rows_of, write
from tests.language.models import PAD, VOCABULARY, tiny_model, tiny_tokenizer

from lrensemble.errors import ConfigError, PoolError
from lrensemble.evaluate import choose, default_consensus, default_methods, default_metric, evaluate
from lrensemble.language.answering import balance, predictions_of
from lrensemble.language.benchmarks import Benchmark, read_benchmarks
from lrensemble.language.choices import choice_log_probs, choice_scores
from lrensemble.language.members import Predicted, add_to_pool
from lrensemble.language.sequences import Sequences, padded
from lrensemble.language.tokens import token_predictions_of
from lrensemble.pool import Pool
from lrensemble.report import write_report
from lrensemble.targets import LOG_ZERO, Choices

pytest.importorskip("transformers")

MODELS = 4
ASKED = ("arc_easy", "winogrande", "truthfulqa_mc2", "hellaswag")


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Benchmark, ...]:
    """Questions of two to four answers, of answers filled in, and of answers judged together; one set without val."""
    folder = tmp_path_factory.mktemp("questions")
    write(folder / "arc_easy.validation.jsonl.gz", rows_of(12, answers=4, uneven=True))
    write(folder / "arc_easy.test.jsonl.gz", rows_of(15, answers=4, uneven=True, first=100))
    gaps = [{**row, "question": f"so _ is {row['id']} then"} for row in rows_of(9, answers=2, first=200)]
    write(folder / "winogrande.train.jsonl", gaps[:5])
    write(folder / "winogrande.validation.jsonl", gaps[5:])
    several = [{**row, "answer": [0, 2]} for row in rows_of(6, answers=3, first=300)]
    write(folder / "truthfulqa.jsonl", several)
    write(folder / "hellaswag.validation.jsonl", rows_of(7, answers=2, first=400))
    return read_benchmarks(ASKED, folder)


def answers(seed: int, asked: tuple[Benchmark, ...]) -> Predicted:
    return predictions_of(tiny_model(seed), tiny_tokenizer(), asked)


@pytest.fixture(scope="module")
def pool(asked: tuple[Benchmark, ...], tmp_path_factory: pytest.TempPathFactory) -> Pool:
    folder = tmp_path_factory.mktemp("pool") / "answers"
    for seed in range(MODELS):
        add_to_pool(folder, f"model-{seed}", answers(seed, asked), parameters=1000 + seed)
    return Pool.open(folder)


def test_rows_of_a_pool(pool: Pool) -> None:
    assert [member.name for member in pool] == [f"model-{seed}" for seed in range(MODELS)]
    assert isinstance(pool.task.target, Choices)
    assert pool.task.target.names == ("A", "B", "C", "D")
    sizes = {split: known.size for split, known in pool.task.splits.items()}
    assert sizes == {
        "val": 12 + 4,
        "test:arc_easy": 15,
        "test:winogrande": 4,
        "test:truthfulqa_mc2": 6,
        "test:hellaswag": 7,
    }
    assert pool.choices("val") is not None
    assert np.asarray(pool.choices("val")).tolist() == [4, 3] * 6 + [2] * 4
    assert np.asarray(pool.choices("test:truthfulqa_mc2")).tolist() == [2] * 6
    ids = pool.ids("val")
    assert ids is not None
    assert (ids[0], ids[12][:11]) == ("arc_easy/q0", "winogrande/")
    assert len(set(ids)) == len(ids)


def test_a_member_says_what_its_model_says_of_one_benchmark_alone(pool: Pool, asked: tuple[Benchmark, ...]) -> None:
    questions = asked[0].test["arc_easy"]
    scores = choice_scores(tiny_model(2), tiny_tokenizer(), questions, context=128)
    expected = choice_log_probs(questions, scores, "characters", 4)
    found = np.asarray(pool["model-2"].predictions("test:arc_easy").main)
    assert found == pytest.approx(expected, abs=1e-5)
    assert (found[1::2, 3] == LOG_ZERO).all()
    assert pool.truth("test:arc_easy").tolist() == [question.right[0] for question in questions]
    accuracy = pool["model-2"].scores["val"]["accuracy"]
    hits = np.asarray(pool["model-2"].predictions("val").main).argmax(axis=1) == pool.truth("val")
    assert accuracy == pytest.approx(hits.mean())


def test_chosen_judged_and_reported(pool: Pool, tmp_path: Path) -> None:
    assert (default_metric(pool), default_consensus(pool)) == ("nll", "mean")
    team = choose(pool, "greedy")
    result = evaluate(pool, [team, choose(pool, "all")])
    assert set(result.further) == {"test:winogrande", "test:truthfulqa_mc2", "test:hellaswag"}
    assert "Members" in [section.title for section in write_report(pool, result, tmp_path / "page.html")]


def test_the_same_member_twice_is_one(pool: Pool, asked: tuple[Benchmark, ...]) -> None:
    before = [member.id for member in pool]
    assert add_to_pool(pool.folder, "model-1", answers(1, asked)) == before[1]
    assert [member.id for member in pool] == before


def test_members_were_asked_the_same(pool: Pool, asked: tuple[Benchmark, ...]) -> None:
    others = predictions_of(tiny_model(5), tiny_tokenizer(), asked, normalisation="tokens")
    with pytest.raises(PoolError, match="holds a pool for another task; given: other val rows"):
        add_to_pool(pool.folder, "other", others)
    assert len(pool) == MODELS


def test_balanced_weights(asked: tuple[Benchmark, ...]) -> None:
    found = predictions_of(tiny_model(0), tiny_tokenizer(), asked, balanced=True).weights["val"]
    assert found[:12].sum() == pytest.approx(found[12:].sum())
    assert found.sum() == pytest.approx(16)
    assert balance([1, 3]).tolist() == pytest.approx([2, 2 / 3, 2 / 3, 2 / 3])


def test_what_is_cut_is_said(asked: tuple[Benchmark, ...], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        found = predictions_of(tiny_model(0, context=24), tiny_tokenizer(), asked)
    assert found.cut > 0
    assert f"{found.cut} answers have a prompt of more than the 24 tokens that the model looks at" in caplog.text


def test_there_must_be_rows_to_choose_on(asked: tuple[Benchmark, ...]) -> None:
    with pytest.raises(
        ConfigError, match="truthfulqa_mc2, hellaswag: there are no validation rows to choose a team on"
    ):
        answers(0, asked[2:])


def tokens(count: int, seed: int) -> Sequences:
    random = np.random.default_rng(seed)
    lengths = random.integers(5, 12, count)
    drawn = [random.integers(4, VOCABULARY, length).tolist() for length in lengths]
    return padded(drawn, [[place >= 2 + row % 3 for place in range(len(each))] for row, each in enumerate(drawn)], PAD)


def test_a_pool_of_answer_tokens(tmp_path: Path) -> None:
    splits = {"val": tokens(14, 1), "test": tokens(11, 2)}
    for seed in range(MODELS):
        add_to_pool(
            tmp_path / "pool", f"model-{seed}", token_predictions_of(tiny_model(seed), tiny_tokenizer(), splits)
        )
    pool = Pool.open(tmp_path / "pool")
    assert pool.task.splits["val"].size == splits["val"].answer_tokens
    groups = pool.groups("val")
    assert groups is not None
    assert len(set(groups.tolist())) == 14
    assert {member.form for member in pool} == {"likelihood"}
    assert default_metric(pool) == "nll"
    assert [str(spec) for spec in default_methods(pool)] == ["best", "top_k", "all", "random", "greedy", "brute_force"]
    first = pool["model-0"]
    assert first.scores["val"] == {"nll": pytest.approx(-first.predictions("val").main.mean(dtype=float), abs=1e-6)}
    team = choose(pool, "greedy")
    result = evaluate(pool, [team])
    said = np.stack([np.exp(pool[id_].predictions("test").main.astype(float)) for id_ in team.team])
    nll = -np.log(np.average(said, axis=0, weights=team.weights)).mean()
    assert result.teams["greedy"].test.nll == pytest.approx(nll, abs=1e-6)
    assert "Members" in [section.title for section in write_report(pool, result, tmp_path / "page.html")]
