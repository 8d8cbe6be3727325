"""Loggers: every event in order, whatever a logger does; one that fails is told nothing more."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lrensemble.config import Experiment
from lrensemble.errors import MissingExtraError, SpecError, UnknownNameError
from lrensemble.pool import Pool
from lrensemble.train import Began, Ended, Epoch, Event, Logger, Step, tune
from lrensemble.train.loggers.tracked import RunLogger, parameters, points

MakeExperiment = Callable[..., Experiment]


@dataclass
class Heard:
    """Logger that keeps what it is told, and fails where it is asked to."""

    fail_at: type | None = None
    events: list[object] = field(default_factory=list)

    def note(self, event: Event) -> None:
        if self.fail_at is not None and isinstance(event, self.fail_at):
            raise ZeroDivisionError("no\nluck")
        self.events.append(event)

    def close(self) -> None:
        self.events.append("closed")
        if self.fail_at is None:
            return
        raise ZeroDivisionError("again")


HEARD: list[Heard] = []


def heard(pool: Pool) -> Logger:
    """What is told, for the test."""
    assert pool.folder.exists()
    HEARD.append(Heard())
    return HEARD[-1]


def failing(pool: Pool) -> Logger:
    """As `heard`, until an epoch ends."""
    del pool
    HEARD.append(Heard(Epoch))
    return HEARD[-1]


def test_a_logger_is_told_all_that_the_caller_is(experiment: MakeExperiment, tmp_path: Path) -> None:
    events = list(tune(experiment(train={"epochs": 1}), tmp_path, loggers=[heard]))
    assert HEARD.pop().events == [*events, "closed"]


def test_it_is_closed_where_the_caller_stops(experiment: MakeExperiment, tmp_path: Path) -> None:
    events = tune(experiment(), tmp_path, loggers=[f"{__name__}:heard"])
    seen = [next(events) for _ in range(4)]
    events.close()
    assert HEARD.pop().events == [*seen, "closed"]


def test_one_that_fails_is_told_nothing_more(
    experiment: MakeExperiment, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    events = list(tune(experiment(train={"epochs": 2}), tmp_path, loggers=[failing, heard]))
    assert [event.status for event in events if isinstance(event, Ended)] == ["finished"] * 3
    other, failed = HEARD.pop(), HEARD.pop()
    assert other.events == [*events, "closed"]
    first = next(place for place, event in enumerate(events) if isinstance(event, Epoch))
    assert failed.events == [*events[:first], "closed"]
    assert [record.getMessage() for record in caplog.records] == [
        f"logger {__name__}:failing failed (ZeroDivisionError: no luck) and is told nothing more; training goes on"
    ]


@dataclass
class Kept:
    """Run in a tracker."""

    logged: list[tuple[int, dict[str, float]]] = field(default_factory=list)
    ended: str = ""

    def log(self, values: Mapping[str, float], step: int) -> None:
        assert not self.ended
        self.logged.append((step, dict(values)))

    def end(self, status: str) -> None:
        assert not self.ended
        self.ended = status


def test_a_run_in_a_tracker_for_every_run(experiment: MakeExperiment, tmp_path: Path) -> None:
    kept: dict[str, Kept] = {}
    logger = RunLogger(lambda run: kept.setdefault(run.id, Kept()), every=3)
    sweep = experiment(policy=["constant(peak=0.01)", "constant(peak=1e30)"], train={"optimizer": "sgd", "epochs": 1})
    told: dict[str, list[tuple[int, dict[str, float]]]] = {}
    for event in tune(sweep, tmp_path):
        logger.note(event)
        if isinstance(event, Step) and event.step + 1 in (3, 6):
            told.setdefault(event.run, []).append((event.step + 1, {"rate": event.rate, "loss": event.loss}))
        elif isinstance(event, Epoch):
            told.setdefault(event.run, []).append((8, points(event)))
    members = {member.id: member for member in Pool.open(tmp_path).members(include_diverged=True)}
    assert {id_: run.ended for id_, run in kept.items()} == {id_: each.status for id_, each in members.items()}
    assert {id_: run.logged for id_, run in kept.items() if run.logged} == told
    logger.close()


def test_runs_that_were_interrupted_are_closed_as_such(experiment: MakeExperiment, tmp_path: Path) -> None:
    kept: dict[str, Kept] = {}
    logger = RunLogger(lambda run: kept.setdefault(run.id, Kept()), every=None)
    events = tune(experiment(model="mlp(width=7)"), tmp_path, execution="fused")
    while not isinstance(event := next(events), Step):
        logger.note(event)
        logger.note(event)  # a group that failed begins again
    logger.close()
    events.close()
    assert [run.ended for run in kept.values()] == ["interrupted"] * 3


def test_points_and_parameters_by_hand(experiment: MakeExperiment, tmp_path: Path) -> None:
    event = Epoch("a", 2, 3, 16, 0.1, 1.5, {"accuracy": 0.5}, 80.0, 4.0)
    assert points(event) == {
        "epoch": 2,
        "rate": 0.1,
        "train_loss": 1.5,
        "val_accuracy": 0.5,
        "samples_per_second": 80.0,
    }
    sweep = experiment(policy=["multi_step(peak=0.1, milestones=[0.4, 0.8])"], train={"augment": [], "epochs": 1})
    began = next(event for event in tune(sweep, tmp_path) if isinstance(event, Began))
    found = parameters(began.run.recipe)
    expected = {"policy.name": "multi_step", "policy.peak": 0.1, "policy.milestones": "[0.4, 0.8]", "model.width": 7}
    assert expected.items() <= found.items()
    assert (found["train.batch_size"], found["train.optimizer.name"]) == (100, "adamw")
    assert None not in found.values()


@pytest.mark.parametrize(
    ("logger", "error", "message"),
    [
        ("tensorbord", UnknownNameError, "no logger named 'tensorbord'; did you mean 'tensorboard'?"),
        ("tensorboard(every=0)", SpecError, "logger 'tensorboard': every = 0 is refused: input should be greater than"),
        ("mlflow(url='x')", SpecError, "logger 'mlflow' has no argument 'url'; did you mean 'uri'?"),
        ("wandb(mode='off')", SpecError, "logger 'wandb': mode = 'off' is refused: input should be 'online' or"),
    ],
)
def test_a_wrong_name_is_refused_before_anything(
    experiment: MakeExperiment, tmp_path: Path, logger: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as refused:
        tune(experiment(), tmp_path / "pool", loggers=[logger])
    assert message in str(refused.value)
    assert not (tmp_path / "pool").exists()


@pytest.mark.parametrize("name", ["tensorboard", "mlflow", "wandb", "ray"])
def test_one_that_is_not_installed_says_what_to_install(
    experiment: MakeExperiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setitem(__import__("sys").modules, name, None)
    for module in ("tracking", "util.metrics"):
        monkeypatch.setitem(__import__("sys").modules, f"{name}.{module}", None)
    with pytest.raises(MissingExtraError, match=rf"pip install 'lrensemble\[{name}\]'"):
        tune(experiment(), tmp_path, loggers=[name])
