"""A sweep: complete, exact after any interruption, and going on where one run fails or diverges."""

import signal
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.members import stacked

from lrensemble.config import Experiment
from lrensemble.data import Dataset
from lrensemble.errors import ConfigError, DataError, LREnsembleError, PoolError, SpecError, StorageError, TrainingError
from lrensemble.metrics import METRICS
from lrensemble.pool import Pool
from lrensemble.train import Began, Ended, Epoch, Event, Planned, Step, tune
from lrensemble.train.execution.signals import DEBOUNCE_SECONDS

MakeExperiment = Callable[..., Experiment]
Contents = Callable[[Path], dict[str, object]]
EPOCH, RUN = 8, 16


def statuses(events: Iterable[Event]) -> list[str]:
    return [event.status for event in events if isinstance(event, Ended)]


def steps(events: Iterable[Event]) -> list[int]:
    return [event.step for event in events if isinstance(event, Step)]


def test_every_recipe_becomes_a_member(experiment: MakeExperiment, digits: Dataset, tmp_path: Path) -> None:
    events = list(tune(experiment(), tmp_path))
    kinds = [type(event) for event in events]
    assert kinds == [Planned] + 3 * [Began, *2 * [*[Step] * EPOCH, Epoch], Ended]
    assert statuses(events) == ["finished"] * 3
    pool = Pool.open(tmp_path)
    members = pool.members()
    assert [member.name for member in members] == ["constant(peak=0.01)", "one_cycle(peak=0.05)", "cosine(peak=0.02)"]
    assert pool.task.classes == digits.target.names
    for split in ("val", "test"):
        np.testing.assert_array_equal(pool.truth(split), digits.truth_of(split))
        assert stacked(pool, split).shape == (3, len(digits.rows[split]), 10)
    assert np.mean(stacked(pool, "test").argmax(axis=2) == pool.truth("test")) > 0.25, "it learned something"


def test_what_is_recorded_of_a_member(experiment: MakeExperiment, tmp_path: Path) -> None:
    events = list(tune(experiment(), tmp_path))
    member = Pool.open(tmp_path).members()[1]
    assert member.samples == RUN * 100
    assert member.parameters == 64 * 7 + 7 + 7 * 7 + 7 + 7 * 10 + 10
    assert sum(tensor.numel() for tensor in member.weights().values()) == member.parameters
    assert member.made_with is not None
    assert (member.made_with.device, member.made_with.threads) == ("cpu", 1)
    assert (member.made_with.tf32, member.made_with.deterministic) == (False, False)
    assert member.made_with.versions["numpy"] == np.__version__
    probs = np.exp(member.predictions("val").main.astype(np.float64))
    labels = Pool.open(tmp_path).truth("val")
    assert member.scores == {"val": {name: METRICS.call(name, probs, labels) for name in ("accuracy", "nll")}}
    ended = [event for event in events if isinstance(event, Ended)][1]
    assert (ended.run.id, ended.scores) == (member.id, member.scores["val"])
    history = member.history()
    taken = [event for event in events if isinstance(event, Step)][RUN : 2 * RUN]
    assert [(line["step"], line["epoch"]) for line in history] == [(EPOCH, 1), (RUN, 2)]
    assert [line["rate"] for line in history] == [taken[EPOCH - 1].rate, taken[-1].rate]
    assert history[1]["train_loss"] == pytest.approx(np.mean([step.loss for step in taken[EPOCH:]]))
    assert history[1]["val_accuracy"] == member.scores["val"]["accuracy"]
    assert history[1]["val_nll"] == member.scores["val"]["nll"]


def test_members_that_exist_are_not_trained_again(
    experiment: MakeExperiment, contents: Contents, tmp_path: Path
) -> None:
    list(tune(experiment(), tmp_path))
    before = contents(tmp_path)
    events = list(tune(experiment(policy=[*experiment().policy, "constant(peak=0.03)"]), tmp_path))
    assert statuses(events) == ["exists", "exists", "exists", "finished"]
    assert len(steps(events)) == RUN
    after = contents(tmp_path)
    assert {key: after[key] for key in before} == before


@pytest.mark.parametrize("save_steps", [pytest.param(EPOCH, marks=pytest.mark.long), 3])
def test_stopped_after_any_step_it_ends_in_the_same_bits(
    experiment: MakeExperiment, contents: Contents, tmp_path: Path, save_steps: int
) -> None:
    one = experiment(policy=["one_cycle(peak=0.05)"])
    list(tune(one, tmp_path / "whole"))
    expected = contents(tmp_path / "whole")
    for stop in range(1, RUN + 1):
        folder = tmp_path / str(stop)
        events = tune(one, folder, save_steps=save_steps)
        while True:
            event = next(events)
            if isinstance(event, Step) and event.step + 1 == stop:
                break
        events.close()
        rest = list(tune(one, folder, save_steps=save_steps))
        assert steps(rest) == list(range(stop // save_steps * save_steps, RUN))
        assert contents(folder) == expected


def test_ctrl_c_finishes_the_step_and_saves(experiment: MakeExperiment, contents: Contents, tmp_path: Path) -> None:
    list(tune(experiment(), tmp_path / "whole"))
    before = signal.getsignal(signal.SIGINT)
    events = tune(experiment(), tmp_path / "pool")
    seen = [next(events)]
    while len(steps(seen)) < RUN + 5:
        seen.append(next(events))
    signal.raise_signal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        next(events)
    assert signal.getsignal(signal.SIGINT) is before
    rest = list(tune(experiment(), tmp_path / "pool"))
    assert statuses(rest) == ["exists", "finished", "finished"]
    assert steps(rest)[0] == 6, "step 5 was under way: it was finished and saved"
    assert contents(tmp_path / "pool") == contents(tmp_path / "whole")


def test_ctrl_c_between_two_runs_begins_no_other(experiment: MakeExperiment, tmp_path: Path) -> None:
    events = tune(experiment(), tmp_path)
    while not isinstance(next(events), Ended):
        pass
    signal.raise_signal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        next(events)
    assert not list((tmp_path / "unfinished").glob("*"))


def test_a_second_ctrl_c_stops_at_once(experiment: MakeExperiment, tmp_path: Path) -> None:
    events = tune(experiment(), tmp_path)
    next(events)
    signal.raise_signal(signal.SIGINT)
    signal.raise_signal(signal.SIGINT)  # as launchers hand it on: the same one
    time.sleep(DEBOUNCE_SECONDS + 0.1)
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    events.close()


def test_a_damaged_state_costs_time_and_nothing_else(
    experiment: MakeExperiment, contents: Contents, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    one = experiment(policy=["one_cycle(peak=0.05)"])
    list(tune(one, tmp_path / "whole"))
    events = tune(one, tmp_path / "pool", save_steps=EPOCH)
    while EPOCH not in steps([next(events)]):
        pass
    events.close()
    (state,) = (tmp_path / "pool" / "unfinished").glob("*/*/state.safetensors")
    state.write_bytes(state.read_bytes()[:-3])
    assert steps(tune(one, tmp_path / "pool")) == list(range(RUN))
    assert "cannot be used" in caplog.text
    assert contents(tmp_path / "pool") == contents(tmp_path / "whole")


def test_a_run_that_diverges_is_kept_out_and_the_sweep_goes_on(experiment: MakeExperiment, tmp_path: Path) -> None:
    wild = experiment(
        policy=["constant(peak=0.01)", "constant(peak=1e9)", "cosine(peak=0.02)"],
        train={"optimizer": "sgd", "momentum": 0.9},
        model="mlp(width=7)",
    )
    assert statuses(tune(wild, tmp_path)) == ["finished", "diverged", "finished"]
    pool = Pool.open(tmp_path)
    assert [member.order for member in pool.members()] == [0, 2]
    assert stacked(pool, "val").shape[0] == 2
    diverged = pool.members(include_diverged=True)[1]
    assert (diverged.status, diverged.scores, set(diverged.files)) == ("diverged", {}, {"history.jsonl"})
    last = diverged.history()[-1]
    assert last["rate"] == 1e9
    assert last["train_loss"] is None
    assert last["val_nll"] is None
    assert statuses(tune(wild, tmp_path)) == ["exists"] * 3


def test_weights_that_overflow_in_the_very_last_update_are_seen(
    experiment: MakeExperiment, digits: Dataset, tmp_path: Path
) -> None:
    """The loss is taken before the update, so only the predictions can tell."""
    last = experiment(
        policy=["multi_step(peak=1e38, gamma=0.5, milestones=[0.5])"],
        train={"optimizer": "sgd", "momentum": 0.0, "epochs": 1, "batch_size": len(digits.rows["train"])},
        model="mlp(width=7)",
    )
    assert statuses(tune(last, tmp_path)) == ["diverged"]


MODULE = """
import torch
from pathlib import Path

def brittle(shape, classes, *, allowed: str):
    class Brittle(torch.nn.Linear):
        def forward(self, inputs):
            if self.training and not Path(allowed).exists():
                raise RuntimeError("no\\nluck")
            return super().forward(inputs.flatten(1))
    return Brittle(64, classes)

def narrow(shape, classes):
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, classes - 1))
"""


@pytest.fixture
def own_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "models_of_mine.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "models_of_mine", raising=False)
    return "models_of_mine"


def test_a_run_that_fails_is_written_down_and_tried_again(
    experiment: MakeExperiment, own_module: str, tmp_path: Path
) -> None:
    brittle = experiment(model=f"{own_module}:brittle(allowed='{tmp_path / 'now'}')")
    events = list(tune(brittle, tmp_path / "pool"))
    assert statuses(events) == ["failed"] * 3
    assert next(event.reason for event in events if isinstance(event, Ended)) == "RuntimeError: no luck"
    failures = Pool.open(tmp_path / "pool").failures()
    assert {failure.name for failure in failures} == {str(policy) for policy in brittle.policy}
    assert all(
        "in forward" in failure.traceback and "RuntimeError: no\nluck" in failure.traceback for failure in failures
    )
    (tmp_path / "now").touch()
    assert statuses(tune(brittle, tmp_path / "pool")) == ["finished"] * 3
    assert Pool.open(tmp_path / "pool").failures() == ()


def test_a_model_with_other_logits_ends_the_sweep_at_once(
    experiment: MakeExperiment, own_module: str, tmp_path: Path
) -> None:
    with pytest.raises(SpecError, match=r"shape \(1, 9\) .*; it must give outputs of shape \(1, 10\)"):
        list(tune(experiment(model=f"{own_module}:narrow"), tmp_path / "pool"))


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"data": "digit"}, SpecError, "no data set named 'digit'; did you mean 'digits'"),
        ({"data": "mnist"}, DataError, "mnist needs the folder"),
        ({"model": "nlp"}, SpecError, "no model named 'nlp'; did you mean 'mlp'"),
        ({"model": "mlp(size=3)"}, SpecError, "model 'mlp' has no argument 'size'"),
        ({"policy": ["cosin(peak=0.1)"]}, SpecError, "no policy named 'cosin'; did you mean 'cosine'"),
        ({"policy": ["cosine(peak=0.1)", "cosine(peak=-0.1)"]}, SpecError, "peak = -0.1 is refused"),
        ({"policy": ["multi_step(peak=0.1, milestones=[0.7, 0.5])"]}, SpecError, "milestones"),
        ({"train": {"optimizer": "sdg"}}, SpecError, "no optimizer named 'sdg'; did you mean 'sgd'"),
        ({"train": {"batch_size": 810}}, DataError, "batch_size = 810 is above the 809 training rows"),
    ],
)
def test_bad_input_is_refused_before_anything_is_made(
    experiment: MakeExperiment, tmp_path: Path, changes: dict[str, Any], error: type[LREnsembleError], message: str
) -> None:
    with pytest.raises(error, match=message) as caught:
        tune(experiment(**changes), tmp_path / "pool")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "pool").exists()


def test_a_device_that_is_not_there_is_refused(experiment: MakeExperiment, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no device named 'cuda:99' here; choose from auto, cpu"):
        tune(experiment(), tmp_path, device="cuda:99")


def test_a_pool_of_other_rows_and_a_folder_that_cannot_be_written_are_refused(
    experiment: MakeExperiment, tmp_path: Path
) -> None:
    tune(experiment(), tmp_path / "pool")
    with pytest.raises(PoolError, match="another task"):
        tune(experiment(split={"val": 0.2, "test": 0.35, "seed": 1}), tmp_path / "pool")
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="file"):
        tune(experiment(), tmp_path / "file")
    with pytest.raises(ConfigError):
        experiment(train={"epochs": 0})


def test_settings_that_matter_make_another_member(experiment: MakeExperiment, tmp_path: Path) -> None:
    one = ["constant(peak=0.01)"]
    for changes in ({}, {"train": {"seed": 1}}, {"train": {"label_smoothing": 0.1}}, {"model": "mlp(width=8)"}):
        assert statuses(tune(experiment(policy=one, **changes), tmp_path)) == ["finished"]
    assert len(Pool.open(tmp_path).members()) == 4
