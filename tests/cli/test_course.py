"""What is known of a sweep from its events, by hand: seconds are those of a clock that the test has."""

import math
from pathlib import Path

import numpy as np
import pytest

from lrensemble.cli.course import Course
from lrensemble.config import Recipe, SplitSettings, TrainSettings
from lrensemble.policies import build
from lrensemble.pool import Pool
from lrensemble.pool.task import Task
from lrensemble.spec import Spec
from lrensemble.text import time_in_words
from lrensemble.train import Began, Elsewhere, Ended, Epoch, Planned, Run, Step


@pytest.fixture
def pool(tmp_path: Path) -> Pool:
    labels = {"val": np.arange(4) % 2, "test": np.arange(5) % 2}
    rows = {"val": np.arange(4), "test": np.arange(4, 9)}
    return Pool.create(tmp_path / "pool", Task.of("two", ("a", "b"), rows=rows, labels=labels), labels)


def a_run(seed: int, steps: int = 10, successor: str | None = None) -> Run:
    policy = build("constant(peak=0.1)", steps)
    train = TrainSettings(seed=seed)
    recipe = Recipe(
        data=Spec("digits"),
        fingerprint="0",
        split=SplitSettings(),
        model=Spec("mlp"),
        policy=policy.spec,
        train=train,
    )
    return Run(seed, recipe, policy, f"seed={seed}", successor)


def step(run: Run, at: int, loss: float = 2.0) -> Step:
    return Step(at, 0.1, loss, 1.0, run.id)


def epoch(run: Run, accuracy: float, speed: float = 50.0) -> Epoch:
    return Epoch(run.id, 1, 2, 5, 0.05, 1.5, {"nll": 1.0, "accuracy": accuracy}, speed, 3.0)


def test_a_sweep_by_hand(pool: Pool) -> None:
    first, second = a_run(0), a_run(1, steps=30)
    course = Course()
    course.note(Planned(pool, (first, second)), 0.0)
    assert (course.runs, course.ended, course.steps_left, course.share) == (2, 0, 40, 0.0)
    assert math.isnan(course.seconds_left(5.0))
    course.note(Began(first), 5.0)
    course.note(step(first, 0, loss=3.0), 5.0)
    assert math.isnan(course.samples_per_second)
    assert (course.running[first.id].loss, course.running[first.id].epochs) == (3.0, "10%")
    for at in range(1, 5):
        course.note(step(first, at), 5.0 + at)
    course.note(epoch(first, 0.5), 9.0)
    assert course.steps_left == 35
    assert course.share == pytest.approx(5 / 40)
    assert course.seconds_left(15.0) == pytest.approx(35 * 10 / 5)
    under_way = course.running[first.id]
    assert (under_way.epochs, under_way.loss, under_way.rate) == ("1/2", 1.5, 0.05)
    assert course.samples_per_second == 50.0
    course.note(step(first, 5, loss=9.0), 9.0)
    assert under_way.loss == 1.5, "the mean of an epoch says more than a step"
    course.note(Ended(first, "pruned"), 10.0)
    assert (course.ended, course.steps_left, course.running) == (1, 30, {})
    course.note(Ended(second, "exists"), 10.0)
    assert (course.ended, course.steps_left, course.share) == (2, 0, 1.0)


def test_steps_of_an_earlier_process_say_nothing_of_the_speed(pool: Pool) -> None:
    run = a_run(0)
    course = Course()
    course.note(Planned(pool, (run,)), 0.0)
    course.note(Began(run), 0.0)
    course.note(step(run, 7), 1.0)
    assert course.steps_left == 2
    assert course.seconds_left(3.0) == pytest.approx(2 * 2 / 1)


def test_runs_of_later_rounds_are_as_long_as_those_so_far(pool: Pool) -> None:
    course = Course()
    course.note(Planned(pool, (a_run(0, steps=10), a_run(1, steps=20)), (), 4), 0.0)
    assert (course.runs, course.steps_left) == (6, 30 + 4 * 15)
    course.note(Planned(pool, (a_run(2, steps=30),), (), 3), 0.0)
    assert (course.runs, course.steps_left) == (6, 60 + 3 * 20)


def test_a_part_of_a_chain_goes_on_where_the_one_before_it_ended(pool: Pool) -> None:
    """Parts of 10, 20 and 30 steps take ten steps each; a part that begins at 10 has done as many as it says."""
    middle = a_run(1, steps=20, successor="c")
    course = Course()
    course.note(Planned(pool, (middle,), (), 1), 0.0)
    course.note(Began(middle), 0.0)
    for at in range(10, 15):
        course.note(step(middle, at), float(at - 10))
    assert course.steps_left == 5 + 20
    assert course.seconds_left(5.0) == pytest.approx(25 * 5 / 15)


def test_the_best_come_first_and_those_without_a_score_last(pool: Pool) -> None:
    runs = [a_run(seed) for seed in range(4)]
    course = Course()
    course.note(Planned(pool, tuple(runs)), 0.0)
    for run in runs:
        course.note(Began(run), 0.0)
    course.note(epoch(runs[1], 0.4), 1.0)
    course.note(epoch(runs[3], 0.6, speed=30.0), 1.0)
    assert [each.run.order for each in course.best_first()] == [3, 1, 0, 2]
    assert course.samples_per_second == 80.0
    course.note(Elsewhere(runs[3], "somebody", runs[3].id), 2.0)
    assert [each.run.order for each in course.best_first()] == [1, 0, 2]
    by_error = Epoch(runs[0].id, 1, 2, 5, 0.05, 1.5, {"rmse": 3.0}, 1.0, 3.0)
    course.note(by_error, 2.0)
    course.note(Epoch(runs[1].id, 1, 2, 5, 0.05, 1.5, {"rmse": 2.0}, 1.0, 3.0), 2.0)
    assert [each.run.order for each in course.best_first()] == [1, 0, 2], "the lowest error is the best"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "0 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s"), (3599.4, "59 min 59 s"), (7500, "2 h 5 min")],
)
def test_times_in_words(seconds: float, words: str) -> None:
    assert time_in_words(seconds) == words
    assert time_in_words(math.nan) == "–"
