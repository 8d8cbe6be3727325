"""The course of runs: sums, lines of history, who diverged and when, and what is saved of it."""

import math

import numpy as np
import pytest

from lrensemble.targets import Classes
from lrensemble.targets.heads import ClassHead
from lrensemble.train import Step
from lrensemble.train.run.loop import Steps
from lrensemble.train.run.predictions import Scoring
from lrensemble.train.run.progress.journal import Journal
from lrensemble.train.run.progress.record import Progress, first_progress

RUNS = ("a", "b", "c")
NAN = math.nan


def steps(first: int, losses: list[list[float]], rate: float = 0.1) -> Steps:
    ones = [[2.0] * 3 for _ in losses]
    return Steps(range(first, first + len(losses)), [[rate] * 3 for _ in losses], losses, ones)


def log_probs(*, without: int | None = None) -> np.ndarray:
    """[member, sample, class] all classes alike; of one member, NaN."""
    found = np.full((3, 5, 10), -math.log(10), dtype=np.float32)
    if without is not None:
        found[without, 3, 2] = NAN
    return found


SCORING = Scoring(Classes(names=tuple("abcdefghij")), ClassHead(10), np.zeros(5, dtype=np.int64), ("accuracy", "nll"))


def journal_of(progress: Progress, epoch_steps: int) -> Journal:
    return Journal(progress, SCORING, epoch_steps=epoch_steps, total=3 * epoch_steps, batch_size=7)


def begun(epoch_steps: int = 2) -> Journal:
    return journal_of(first_progress(RUNS, threads=1), epoch_steps)


def diverged(journal: Journal) -> list[bool]:
    return [journal.status_of(member) == "diverged" for member in range(3)]


def test_an_epoch_by_hand() -> None:
    journal = begun()
    assert journal.add(steps(0, [[1.0, 2.0, 3.0]])) == [
        Step(0, 0.1, loss, 2.0, run) for loss, run in zip((1.0, 2.0, 3.0), RUNS, strict=True)
    ]
    assert not journal.at_epoch_end
    journal.add(steps(1, [[3.0, 3.0, 3.0]], rate=0.2))
    assert journal.at_epoch_end
    journal.end_epoch(log_probs())
    assert [history[0]["train_loss"] for history in journal.histories] == [2.0, 2.5, 3.0]
    assert [(line["step"], line["epoch"], line["rate"]) for (line,) in journal.histories] == [(2, 1, 0.2)] * 3
    assert journal.histories[0][0]["val_nll"] == pytest.approx(math.log(10))
    assert journal.progress().loss_sums == (0.0,) * 3
    statistics = journal.moments.statistics(1)
    assert statistics is not None
    assert (statistics.count, statistics.rate_mean, statistics.norm_mean) == (2, pytest.approx(0.15), 2.0)
    assert [journal.steps(member) for member in range(3)] == [range(2)] * 3


@pytest.mark.parametrize("loss", [math.inf, NAN])
def test_a_member_that_diverges_is_noted_once_and_no_more(loss: float) -> None:
    journal = begun()
    seen = journal.add(steps(0, [[1.0, 1.0, 1.0], [1.0, loss, 1.0]]))
    assert [(step.step, step.run) for step in seen] == [(0, "a"), (0, "b"), (0, "c"), (1, "a"), (1, "c")]
    journal.end_epoch(log_probs(without=1))
    journal.add(steps(2, [[1.0, 1.0, 1.0]]))
    assert diverged(journal) == [False, True, False]
    (line,) = journal.histories[1]
    assert (line["step"], line["epoch"], line["rate"], line["val_nll"]) == (1, 1, 0.1, None)
    assert str(line["train_loss"]) == str(loss)
    counts = [statistics.count for m in range(3) if (statistics := journal.moments.statistics(m))]
    assert counts == [3, 1, 3]
    assert [len(journal.steps(member)) for member in range(3)] == [3, 1, 3]


def test_a_rate_that_is_not_finite_ends_a_member() -> None:
    journal = begun()
    assert not journal.add(steps(0, [[1.0, 1.0, 1.0]], rate=NAN))
    assert all(diverged(journal))


def test_predictions_that_are_not_finite_end_a_member() -> None:
    journal = begun()
    journal.add(steps(0, [[1.0] * 3] * 2, rate=0.3))
    journal.end_epoch(log_probs(without=2))
    assert diverged(journal) == [False, False, True]
    assert [(line["step"], line["rate"]) for line in journal.histories[2]] == [(1, 0.3)]
    journal.end({"val": log_probs(), "test": log_probs(without=0)})
    assert diverged(journal) == [True, False, True]
    assert [line["step"] for line in journal.histories[0]] == [2, 1]
    assert [len(history) for history in journal.histories] == [2, 1, 1]


def test_what_is_saved_goes_on_anywhere() -> None:
    whole, parts = begun(3), begun(3)
    losses = [[0.1 * (step + member) for member in range(3)] for step in range(6)]
    losses[4][1] = NAN
    for step in range(6):
        for journal in (whole, parts):
            journal.add(steps(step, losses[step : step + 1]))
            if journal.at_epoch_end:
                journal.end_epoch(log_probs())
        parts = journal_of(Progress.model_validate_json(parts.progress().model_dump_json()), 3)
    written = [journal.progress().model_dump_json(exclude={"seconds"}) for journal in (whole, parts)]
    assert written[0] == written[1]
    for member, count in enumerate((6, 4, 6)):
        statistics = parts.moments.statistics(member)
        assert statistics is not None
        assert statistics == whole.moments.statistics(member)
        assert statistics.count == count


def test_what_another_run_has_done_does_not_count() -> None:
    journal = journal_of(first_progress(RUNS, 1).model_copy(update={"step": 4, "inherited": 4}), 2)
    journal.add(steps(4, [[1.0] * 3] * 2))
    assert journal.steps(0) == range(4, 6)


def test_the_epoch_of_each_member_that_goes_on_is_told() -> None:
    journal = begun()
    journal.add(steps(0, [[1.0, 2.0, NAN], [3.0, 3.0, 3.0]]))
    told = journal.end_epoch(log_probs())
    assert [(each.run, each.epoch, each.epochs, each.step, each.rate, each.train_loss) for each in told] == [
        ("a", 1, 3, 2, 0.1, 2.0),
        ("b", 1, 3, 2, 0.1, 2.5),
    ]
    assert told[0].scores == {"accuracy": 1.0, "nll": pytest.approx(math.log(10))}, "of classes that tie, the first"
    assert told[0].samples_per_second * told[0].seconds == pytest.approx(2 * 7)


def test_of_a_member_that_was_stopped_nothing_more_is_noted_until_the_end() -> None:
    journal = begun()
    journal.add(steps(0, [[1.0] * 3] * 2))
    journal.end_epoch(log_probs())
    journal.stop(1, "stopped")
    journal.add(steps(2, [[1.0, NAN, 1.0]] * 2, rate=0.4))
    assert [each.run for each in journal.end_epoch(log_probs(without=1))] == ["a", "c"]
    assert (journal.finished, journal.going_on, journal.steps_of(1)) == ([0, 1, 2], [0, 2], 2)
    journal.end({"val": log_probs(without=1)})
    assert (journal.status_of(1), journal.finished) == ("diverged", [0, 2])
    assert [line["rate"] for line in journal.histories[1]] == [0.1, 0.1], "that of its own last step"
