"""Events of epochs: one for each member that goes on, with what its history says, in every execution."""

import math
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from lrensemble.config import Experiment
from lrensemble.pool import Pool
from lrensemble.train import Began, Ended, Epoch, Step, tune

MakeExperiment = Callable[..., Experiment]
EPOCH_STEPS, BATCH = 8, 100


@pytest.mark.parametrize("execution", ["one-by-one", "fused", "workers"])
def test_every_epoch_is_told_as_history_keeps_it(experiment: MakeExperiment, tmp_path: Path, execution: str) -> None:
    train = {"epochs": 3, "batch_size": BATCH}
    events = list(tune(experiment(model="mlp(width=7)", train=train), tmp_path, execution=execution))
    members = Pool.open(tmp_path).members()
    assert len(members) == 3
    for member in members:
        told = [event for event in events if isinstance(event, Epoch) and event.run == member.id]
        assert [(event.epoch, event.epochs, event.step) for event in told] == [(1, 3, 8), (2, 3, 16), (3, 3, 24)]
        for event, line in zip(told, member.history(), strict=True):
            assert (event.rate, event.train_loss) == (line["rate"], line["train_loss"])
            assert event.scores == {"accuracy": line["val_accuracy"], "nll": line["val_nll"]}
        assert told[-1].scores == pytest.approx(member.scores["val"])
        seconds = [0.0, *(event.seconds for event in told)]
        for event, before, after in zip(told, seconds, seconds[1:], strict=False):
            assert after > before
            assert event.samples_per_second > 0
        assert told[1].samples_per_second == pytest.approx(EPOCH_STEPS * BATCH / (seconds[2] - seconds[1]))


def test_an_epoch_comes_after_its_steps_and_before_the_end(experiment: MakeExperiment, tmp_path: Path) -> None:
    kinds: dict[str, list[type]] = {}
    for event in tune(experiment(train={"epochs": 1}), tmp_path, execution="fused"):
        if isinstance(event, Step | Epoch):
            kinds.setdefault(event.run, []).append(type(event))
        elif isinstance(event, Began | Ended):
            kinds.setdefault(event.run.id, []).append(type(event))
    assert list(kinds.values()) == 3 * [[Began, *[Step] * EPOCH_STEPS, Epoch, Ended]]


def test_a_member_that_diverges_tells_no_epoch_any_more(experiment: MakeExperiment, tmp_path: Path) -> None:
    policies = ["constant(peak=0.01)", "constant(peak=1e30)"]
    sweep = experiment(model="mlp(width=7)", policy=policies, train={"optimizer": "sgd", "epochs": 2})
    events = list(tune(sweep, tmp_path, execution="fused"))
    ended = {event.run.id: event.status for event in events if isinstance(event, Ended)}
    told = [event for event in events if isinstance(event, Epoch)]
    assert sorted(ended.values()) == ["diverged", "finished"]
    assert [(ended[event.run], event.epoch) for event in told] == [("finished", 1), ("finished", 2)]
    assert all(math.isfinite(event.train_loss) for event in told)
    assert pickle.loads(pickle.dumps(told)) == told


def test_a_run_that_goes_on_counts_only_what_it_does_now(experiment: MakeExperiment, tmp_path: Path) -> None:
    sweep = experiment(policy=["constant(peak=0.01)"], train={"epochs": 2})
    events = tune(sweep, tmp_path, save_steps=1)
    while not (isinstance(event := next(events), Step) and event.step == EPOCH_STEPS + 2):
        pass
    events.close()
    first, *others = [event for event in tune(sweep, tmp_path) if isinstance(event, Step | Epoch)]
    last = others[-1]
    assert isinstance(first, Step)
    assert first.step > EPOCH_STEPS, "the first epoch is not told again"
    assert [event.epoch for event in others if isinstance(event, Epoch)] == [2]
    assert isinstance(last, Epoch)
    rows = (2 * EPOCH_STEPS - first.step) * BATCH
    assert last.samples_per_second * last.seconds > rows, "its seconds count the steps before"
    assert last.samples_per_second * last.seconds != pytest.approx(2 * EPOCH_STEPS * BATCH), "its rows do not"
