"""Many members in one program: each is what it would be alone, whatever happens to the others."""

import logging
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.compilers import OF_THE_COMPILER, needs_compiler
from tests.conftest import Python
from tests.forked import ForkedProcess
from tests.forked_workers import FORKED_WORKERS
from torch.nn.functional import cross_entropy

from lrensemble import models
from lrensemble.config import Experiment, TrainSettings, to_record
from lrensemble.data import Dataset
from lrensemble.errors import TrainingError
from lrensemble.policies import Policy, build
from lrensemble.pool import Pool
from lrensemble.spec import Spec
from lrensemble.targets.heads import ClassHead
from lrensemble.train import Ended, Planned, Step, tune
from lrensemble.train.execution import jobs
from lrensemble.train.execution.jobs import jobs_of
from lrensemble.train.run.fit import DivergedError, fit, fit_members
from lrensemble.train.run.fused.optimizers import shared_settings
from lrensemble.train.run.fused.stacked import StackedModel
from lrensemble.train.run.fused.trainee import StackedTrainee
from lrensemble.train.run.predictions import predict
from lrensemble.train.run.single import SingleTrainee

STEPS = 50
MEMBERS = 3
MakeExperiment = Callable[..., Experiment]
Contents = Callable[[Path], dict[str, Any]]


class Exact(Dataset):
    """In float64, so that differences are those of order alone."""

    def batch(self, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        axes = (1, -1, *[1] * (self.inputs.ndim - 2))
        return (self.inputs[rows] - self.mean.view(axes)) / self.std.view(axes), self.truth[rows]


@pytest.fixture(scope="session")
def exact(digits: Dataset) -> Dataset:
    inputs, mean, std = (each.double() for each in (digits.inputs, digits.mean, digits.std))
    return Exact(**{**vars(digits), "inputs": inputs, "mean": mean, "std": std})


def recipes(optimizer: str, **common: Any) -> tuple[list[TrainSettings], list[Policy]]:
    """Three members that differ in policy, rate, seed, weight decay, momentum and label smoothing."""
    spec = Spec(optimizer)
    momentum = [0.0, 0.5, 0.9] if optimizer == "sgd" and not common.get("nesterov") else [None, None, None]
    settings = [
        TrainSettings(
            batch_size=20,
            optimizer=spec,
            seed=seed,
            weight_decay=decay,
            momentum=own,
            label_smoothing=smoothing,
            **common,
        )
        for seed, decay, own, smoothing in zip((0, 1, 5), (0.0, 1e-2, 1e-3), momentum, (0.0, 0.1, 0.2), strict=True)
    ]
    scale = 0.05 if optimizer == "sgd" else 0.004
    texts = (f"constant(peak={scale})", f"one_cycle(peak={2 * scale})", f"cosine(peak={scale})")
    return settings, [build(text, STEPS) for text in texts]


def alone(dataset: Dataset, model: str, settings: TrainSettings, policy: Policy) -> torch.nn.Module:
    network = models.build(model, dataset.shape, dataset.target.width, settings.seed).double()
    list(fit(SingleTrainee(network, dataset, settings), policy))
    return network


def together(
    dataset: Dataset, model: str, settings: list[TrainSettings], policies: list[Policy], *, compile_it: bool = False
) -> tuple[StackedTrainee, np.ndarray]:
    built = [models.build(model, dataset.shape, dataset.target.width, each.seed).double() for each in settings]
    stacked = StackedTrainee(built, dataset, [each.model_copy(update={"compile": compile_it}) for each in settings])
    return stacked, np.concatenate([chunk.losses for chunk in fit_members(stacked, policies, chunk_steps=7)])


WAYS: dict[str, tuple[str, dict[str, Any]]] = {
    "sgd": ("sgd", {}),
    "nesterov": ("sgd", {"nesterov": True, "decay_norms": False}),
    "adam-augmented": ("adam", {"augment": (Spec("crop", {"padding": 1}), Spec("mixup"))}),
    "adamw-clipped": ("adamw", {"clip_norm": 0.5}),
}
"""An optimizer with its settings, by what is special about them."""


@pytest.mark.parametrize(
    ("model", "optimizer", "common"),
    [
        pytest.param(
            model,
            *way,
            id=f"{model}-{name}",
            marks=[pytest.mark.long] * (model == "resnet-20" and name != "adam-augmented"),
        )
        for model in ("mlp(width=9)", "cnn(width=3)", "resnet-20")
        for name, way in WAYS.items()
    ],
)
def test_each_member_is_what_it_would_be_alone(
    exact: Dataset, model: str, optimizer: str, common: dict[str, Any]
) -> None:
    settings, policies = recipes(optimizer, **common)
    if model == "resnet-20":
        policies = [build(policy.spec, 6) for policy in policies]
    stacked, losses = together(exact, model, settings, policies)
    assert losses.shape == (policies[0].total, MEMBERS)
    predictions = stacked.predict("val")
    for member, (each, policy) in enumerate(zip(settings, policies, strict=True)):
        network = alone(exact, model, each, policy)
        for name, tensor in network.state_dict().items():
            torch.testing.assert_close(stacked.model.state()[name][member], tensor, rtol=1e-9, atol=1e-9)
        torch.testing.assert_close(
            predictions[member], predict(network, exact.head(None), exact, "val"), rtol=1e-6, atol=1e-6
        )


@pytest.mark.filterwarnings(OF_THE_COMPILER)
@needs_compiler
@pytest.mark.parametrize(
    "seeds", [pytest.param((0, 1), id="own seeds"), pytest.param((2, 2), id="same seed", marks=pytest.mark.long)]
)
def test_a_compiled_group_learns_the_same(exact: Dataset, seeds: tuple[int, int]) -> None:
    policies = [build(f"constant(peak={peak})", 6) for peak in (0.02, 0.05)]
    settings = [TrainSettings(batch_size=20, seed=seed) for seed in seeds]
    found = [together(exact, "cnn(width=3)", settings, policies, compile_it=each)[0] for each in (False, True)]
    for name, tensor in found[0].model.state().items():
        torch.testing.assert_close(found[1].model.state()[name], tensor, rtol=1e-9, atol=1e-9)
    assert torch.equal(*(each.predict("val").argmax(dim=2) for each in found))


def test_members_that_share_a_seed_share_their_batches(exact: Dataset) -> None:
    settings, policies = recipes("sgd")
    augment = (Spec("flip"), Spec("cutmix"))
    settings = [each.model_copy(update={"seed": 3, "augment": augment}) for each in settings]
    stacked, _ = together(exact, "mlp(width=9)", settings, policies)
    for member, (each, policy) in enumerate(zip(settings, policies, strict=True)):
        for name, tensor in alone(exact, "mlp(width=9)", each, policy).state_dict().items():
            torch.testing.assert_close(stacked.model.state()[name][member], tensor, rtol=1e-9, atol=1e-9)


def test_a_member_that_diverges_touches_no_other(exact: Dataset) -> None:
    settings, policies = recipes("sgd")
    calm, _ = together(exact, "mlp(width=9)", settings, policies)
    policies[1] = build("constant(peak=1e200)", STEPS)
    wild, losses = together(exact, "mlp(width=9)", settings, policies)
    gone = int(np.isfinite(losses[:, 1]).argmin())
    assert 0 < gone < STEPS
    with pytest.raises(DivergedError) as alone_too:
        alone(exact, "mlp(width=9)", settings[1], policies[1])
    assert alone_too.value.step == gone
    for name, tensor in calm.model.state().items():
        assert torch.equal(tensor[[0, 2]], wild.model.state()[name][[0, 2]]), "bit for bit"


def test_losses_and_clipping_by_definition() -> None:
    generator = torch.Generator().manual_seed(0)
    logits, labels = torch.randn(2, 5, 4, generator=generator), torch.tensor([[0, 1, 2, 3, 1], [3, 3, 0, 1, 2]])
    head = ClassHead(4)
    found = head.row_losses(logits, labels, torch.tensor([0.0, 0.3]))
    expected = [cross_entropy(logits[m], labels[m], label_smoothing=s) for m, s in enumerate((0.0, 0.3))]
    torch.testing.assert_close(found.mean(dim=1), torch.stack(expected))
    for given in (labels, labels[:1]):
        unsmoothed = head.row_losses(logits, given)
        torch.testing.assert_close(unsmoothed, head.row_losses(logits, given, torch.zeros(2)))


def test_who_can_be_updated_together() -> None:
    sgd = TrainSettings()
    assert shared_settings(sgd) == shared_settings(TrainSettings(momentum=0.3, weight_decay=0.1, seed=4))
    assert shared_settings(sgd) != shared_settings(TrainSettings(nesterov=True))
    assert shared_settings(sgd) != shared_settings(TrainSettings(optimizer=Spec("adam")))
    for other in ("RMSprop", "Adagrad"):
        assert shared_settings(TrainSettings(optimizer=Spec(other))) is None
    assert shared_settings(TrainSettings(optimizer=Spec("adam", {"amsgrad": True}))) is None


def test_an_optimizer_that_has_no_update_of_several_members_is_refused(digits: Dataset) -> None:
    networks = [models.build("mlp(width=7)", digits.shape, 10, seed) for seed in range(2)]
    with pytest.raises(ValueError, match="RMSprop does not update several members at once; train them one by one"):
        StackedTrainee(networks, digits, [TrainSettings(optimizer=Spec("RMSprop"))] * 2)


def ended(events: Iterator[object]) -> list[str]:
    return [event.status for event in events if isinstance(event, Ended)]


def executions(folder: Path) -> list[tuple[str, int]]:
    """How each member of a pool was trained, and how many in one program."""
    found = [member.made_with for member in Pool.open(folder).members()]
    return [(str(each.execution), each.group_size) for each in found if each is not None]


def ways(experiment: Experiment, folder: Path, way: str) -> list[tuple[str, int]]:
    planned = next(tune(experiment, folder, execution=way))
    assert isinstance(planned, Planned)
    return [(job.execution, len(job.runs)) for job in planned.jobs]


def test_the_rule(experiment: MakeExperiment, tmp_path: Path) -> None:
    linear, drawing = experiment(model="mlp(width=7)"), experiment(model="mlp(width=7, dropout=0.2)")
    small, large = experiment(model="cnn(width=4)"), experiment(model="cnn(width=1024)")
    apart = [("one-by-one", 1)] * 3
    assert ways(linear, tmp_path / "a", "auto") == [("fused", 3)]
    assert ways(drawing, tmp_path / "b", "auto") == apart, "dropout is drawn for each member by its own seed"
    assert ways(drawing, tmp_path / "b", "fused") == apart
    assert ways(small, tmp_path / "c", "auto") == [("fused", 3)]
    assert ways(large, tmp_path / "d", "auto") == apart, "too little work for processes, too large layers for a group"
    assert ways(large, tmp_path / "d", "fused") == [("fused", 3)]
    assert ways(linear, tmp_path / "a", "one-by-one") == apart
    assert ways(linear, tmp_path / "a", "workers") == [("workers", 3)]
    assert sum(runs for _, runs in ways(linear, tmp_path / "a", "measure")) == 3
    with pytest.raises(TrainingError, match="no execution named 'fast'; choose from auto, measure, one-by-one,"):
        tune(linear, tmp_path / "a", execution="fast")


def test_long_sweeps_go_to_processes_in_groups_that_give_each_something(
    experiment: MakeExperiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "cores", lambda: 2)
    policies = [f"constant(peak={peak})" for peak in (0.01, 0.02, 0.03, 0.04, 0.05)]
    long = experiment(model="mlp(width=7)", policy=policies, train={"epochs": 20_000})
    planned = next(tune(long, tmp_path / "pool"))
    assert isinstance(planned, Planned)
    (job,) = planned.jobs
    assert (job.execution, job.devices) == ("workers", ("cpu", "cpu"))
    assert [len(part.runs) for part in job.parts] == [3, 2]
    monkeypatch.setattr(jobs, "cores", lambda: 1)
    assert ways(long, tmp_path / "pool", "auto") == [("fused", 5)]


@pytest.mark.long  # always run, of this kind: workers that Ctrl-C reaches, and chains that go on in workers
def test_groups_that_were_interrupted_in_workers_go_on_in_workers(
    experiment: MakeExperiment, tmp_path: Path, contents: Contents
) -> None:
    policies = [f"constant(peak={peak})" for peak in (0.01, 0.02, 0.03, 0.04)]
    linear = experiment(model="mlp(width=7)", policy=policies, train={"epochs": 40})
    events = tune(linear, tmp_path / "broken", device="cpu,cpu", save_steps=1)
    begun = set[str]()
    for event in events:
        begun |= {event.run} if isinstance(event, Step) else set()
        if len(begun) == 4:
            events.close()
            break
    planned, *rest = tune(linear, tmp_path / "broken")
    assert isinstance(planned, Planned)
    (job,) = planned.jobs
    assert (job.execution, [len(part.runs) for part in job.parts]) == ("workers", [2, 2])
    assert ended(iter(rest)) == ["finished"] * 4
    list(tune(linear, tmp_path / "whole", group_size=2))
    assert _but_how(contents(tmp_path / "whole")) == _but_how(contents(tmp_path / "broken"))


def test_a_group_gives_the_same_members_twice_and_says_how(
    experiment: MakeExperiment, tmp_path: Path, contents: Contents
) -> None:
    linear = experiment(model="mlp(width=7)")
    events = list(tune(linear, tmp_path / "one"))
    assert ended(iter(events)) == ["finished"] * 3
    assert {event.run for event in events if isinstance(event, Step)} == {
        m.id for m in Pool.open(tmp_path / "one").members()
    }
    assert executions(tmp_path / "one") == [("fused", 3)] * 3
    list(tune(linear, tmp_path / "two"))
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert ended(tune(linear, tmp_path / "one")) == ["exists"] * 3
    for member in Pool.open(tmp_path / "one").members():
        assert len(member.history()) == 2
        assert member.samples == 2 * 8 * 100


def test_a_member_of_a_group_that_diverges_is_recorded_as_such(experiment: MakeExperiment, tmp_path: Path) -> None:
    wild = experiment(
        model="mlp(width=7)",
        policy=["constant(peak=0.01)", "constant(peak=1e30)"],
        train={"optimizer": "sgd"},
    )
    assert ended(tune(wild, tmp_path / "pool")) == ["finished", "diverged"]
    gone = Pool.open(tmp_path / "pool").members(include_diverged=True)[1]
    last = gone.history()[-1]
    assert last["train_loss"] is None
    assert last["rate"] == 1e30
    assert (last["step"], gone.samples) == (gone.history()[-1]["step"], last["step"] * 100)


class Stopped(Exception):
    pass


@pytest.mark.parametrize("save_steps", [8, 3])
def test_an_interrupted_group_goes_on_to_the_same_bits(
    experiment: MakeExperiment, tmp_path: Path, contents: Contents, save_steps: int
) -> None:
    linear = experiment(model="mlp(width=7)")
    list(tune(linear, tmp_path / "whole"))
    events = tune(linear, tmp_path / "broken", save_steps=save_steps)
    for event in events:
        if isinstance(event, Step) and event.step == 12:
            events.close()
            break
    assert list((tmp_path / "broken" / "unfinished").glob("group-*/*/state.safetensors"))
    resumed = [
        event.step for event in tune(linear, tmp_path / "broken", execution="one-by-one") if isinstance(event, Step)
    ]
    assert min(resumed) == (8 if save_steps == 8 else 12), "from the state, and in the way it began"
    assert contents(tmp_path / "whole") == contents(tmp_path / "broken")


def test_a_damaged_state_starts_again(
    experiment: MakeExperiment, tmp_path: Path, contents: Contents, caplog: pytest.LogCaptureFixture
) -> None:
    linear = experiment(model="mlp(width=7)")
    list(tune(linear, tmp_path / "whole"))
    events = tune(linear, tmp_path / "broken", save_steps=1)
    for event in events:
        if isinstance(event, Step) and event.step == 5:
            events.close()
            break
    (state,) = (tmp_path / "broken" / "unfinished").glob("group-*/*/state.safetensors")
    state.write_bytes(state.read_bytes()[:-9] + b"123456789")
    with caplog.at_level(logging.WARNING):
        list(tune(linear, tmp_path / "broken"))
    assert "training starts again from its first step" in caplog.text
    assert contents(tmp_path / "whole") == contents(tmp_path / "broken")


def test_out_of_memory_halves_the_group(
    experiment: MakeExperiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    original = StackedModel.outputs

    def small_device(stacked: StackedModel, inputs: torch.Tensor, **how: bool) -> torch.Tensor:
        if len(stacked) > 2:
            raise torch.OutOfMemoryError("no room")
        return original(stacked, inputs, **how)

    monkeypatch.setattr(StackedModel, "outputs", small_device)
    with caplog.at_level(logging.WARNING):
        assert ended(tune(experiment(model="mlp(width=7)"), tmp_path / "pool")) == ["finished"] * 3
    assert "out of memory with 3 members at once; going on with half as many" in caplog.text
    assert executions(tmp_path / "pool") == [("fused", 2), ("fused", 2), ("fused", 1)]


KILLED = """
import json, os, signal, sys
from pathlib import Path
from lrensemble.config import Experiment, to_record
from lrensemble.train import Step, tune

experiment = to_record(Experiment, json.loads(sys.argv[1]), "test")
for event in tune(experiment, Path(sys.argv[2]), save_steps=2):
    if isinstance(event, Step) and event.step == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_group_that_is_killed_goes_on_to_the_same_bits(
    sweep: dict[str, Any], tmp_path: Path, contents: Contents, forking: Path
) -> None:
    import json

    sweep["model"] = "mlp(width=7)"
    list(tune(to_record(Experiment, sweep, "test"), tmp_path / "whole"))
    for step in ("5", "13"):
        with ForkedProcess(forking, ["-c", KILLED, json.dumps(sweep), tmp_path / "killed", step]) as process:
            assert process.wait() == -signal.SIGKILL
    assert ended(tune(to_record(Experiment, sweep, "test"), tmp_path / "killed")) == ["finished"] * 3
    assert contents(tmp_path / "whole") == contents(tmp_path / "killed")


def test_members_in_workers_are_those_of_one_process(
    experiment: MakeExperiment, tmp_path: Path, contents: Contents
) -> None:
    small = experiment()
    events = list(tune(small, tmp_path / "workers", execution="workers"))
    assert sorted(ended(iter(events))) == ["finished"] * 3
    assert {event.run for event in events if isinstance(event, Step)} == {
        m.id for m in Pool.open(tmp_path / "workers").members()
    }
    list(tune(small, tmp_path / "one", execution="one-by-one"))
    assert executions(tmp_path / "workers") == [("workers", 1)] * 3
    assert _but_how(contents(tmp_path / "one")) == _but_how(contents(tmp_path / "workers"))


def _but_how(found: dict[str, Any]) -> dict[str, Any]:
    """Without what is recorded of the way that members were trained."""
    return {
        key: {**value, "made_with": {**value["made_with"], "execution": None}} if isinstance(value, dict) else value
        for key, value in found.items()
    }


def test_jobs_of_what_is_there_already(experiment: MakeExperiment, tmp_path: Path) -> None:
    """A larger sweep trains what is new, together; what the pool has is left alone."""
    first = experiment(model="mlp(width=7)", policy=["constant(peak=0.01)", "cosine(peak=0.02)"])
    list(tune(first, tmp_path / "pool"))
    more = ["constant(peak=0.01)", "cosine(peak=0.02)", "constant(peak=0.03)", "cosine(peak=0.04)"]
    larger = experiment(model="mlp(width=7)", policy=more)
    assert ways(larger, tmp_path / "pool", "auto") == [("fused", 2)]
    assert sorted(ended(tune(larger, tmp_path / "pool"))) == ["exists", "exists", "finished", "finished"]
    assert jobs_of([], None, Pool.open(tmp_path / "pool"), "auto") == []  # type: ignore[arg-type]


def test_a_run_whose_worker_dies_twice_has_failed_and_the_others_go_on(sweep: dict[str, Any], tmp_path: Path) -> None:
    deadly = "tests.train.deadly:deadly"
    sweep |= {
        "policy": ["constant(peak=0.01)"],
        "sweep": {"space": {"model": ["mlp(width=7)", deadly, "mlp(width=5)"]}},
    }
    events = list(tune(to_record(Experiment, sweep, "test"), tmp_path / "pool", execution="workers"))
    found = {event.run.varied: event for event in events if isinstance(event, Ended)}
    assert sorted(event.status for event in found.values()) == ["failed", "finished", "finished"]
    (failed,) = [event for event in found.values() if event.status == "failed"]
    assert failed.reason == "TrainingError: its worker process died 2 times, last with status -9"
    assert deadly in (tmp_path / "pool" / "failed" / f"{failed.run.id}.json").read_text(encoding="utf-8")
    assert len(Pool.open(tmp_path / "pool").members()) == 2


def test_several_devices_have_a_process_each_and_take_whole_groups(
    experiment: MakeExperiment, tmp_path: Path, contents: Contents
) -> None:
    linear = experiment(model="mlp(width=7)")
    planned, *events = tune(linear, tmp_path / "several", device="cpu,cpu", group_size=2)
    assert isinstance(planned, Planned)
    (job,) = planned.jobs
    assert (job.execution, len(job.runs), job.devices) == ("workers", 3, ("cpu", "cpu"))
    assert [(part.execution, len(part.runs)) for part in job.parts] == [("fused", 2), ("one-by-one", 1)]
    assert ended(iter(events)) == ["finished"] * 3
    assert sorted(executions(tmp_path / "several")) == [("fused", 2), ("fused", 2), ("workers", 1)]
    list(tune(linear, tmp_path / "one", group_size=2))
    assert _but_how(contents(tmp_path / "one")) == _but_how(contents(tmp_path / "several"))
    with pytest.raises(TrainingError, match="no device named 'cuda:77' here; choose from auto, cpu"):
        tune(linear, tmp_path / "several", device="cpu,cuda:77")


def test_a_group_goes_on_though_another_size_is_asked_for(experiment: MakeExperiment, tmp_path: Path) -> None:
    linear = experiment(model="mlp(width=7)")
    events = tune(linear, tmp_path / "pool", save_steps=3)
    for event in events:
        if isinstance(event, Step) and event.step == 12:
            events.close()
            break
    assert ways(linear, tmp_path / "pool", "workers") == [("fused", 3)]
    planned, *resumed = tune(linear, tmp_path / "pool", group_size=1)
    assert isinstance(planned, Planned)
    assert [(job.execution, len(job.runs)) for job in planned.jobs] == [("fused", 3)]
    assert min(event.step for event in resumed if isinstance(event, Step)) > 10
    with pytest.raises(TrainingError, match="group_size = 0 is refused; at least 1"):
        tune(linear, tmp_path / "pool", group_size=0)


def test_a_group_that_ends_between_two_of_its_members_goes_on_to_the_same_bits(
    experiment: MakeExperiment, tmp_path: Path, contents: Contents, monkeypatch: pytest.MonkeyPatch
) -> None:
    linear = experiment(model="mlp(width=7)")
    assert ended(tune(linear, tmp_path / "whole")) == ["finished"] * 3
    add, added = Pool.add, list[object]()

    def add_one(self: Pool, *given: Any, **more: Any) -> bool:
        if added:
            raise KeyboardInterrupt  # nothing is saved after it, as after `kill -9`
        added.append(given)
        return add(self, *given, **more)

    monkeypatch.setattr(Pool, "add", add_one)
    with pytest.raises(KeyboardInterrupt):
        list(tune(linear, tmp_path / "ended"))
    monkeypatch.undo()
    assert len(Pool.open(tmp_path / "ended").members()) == 1
    events = list(tune(linear, tmp_path / "ended"))
    assert not [event for event in events if isinstance(event, Step)], "trained to the end before"
    assert contents(tmp_path / "ended") == contents(tmp_path / "whole")


def test_ctrl_c_reaches_the_workers_and_all_go_on_later(
    sweep: dict[str, Any], tmp_path: Path, contents: Contents, python: Python
) -> None:
    import json

    script = KILLED.replace("save_steps=2", "save_steps=2, execution='workers'").replace(
        "signal.SIGKILL", "signal.SIGINT"
    )
    sweep["model"] = "mlp(width=7)"
    sweep["train"]["epochs"] = 20  # workers go on until this process has its turn
    done = python("-c", FORKED_WORKERS + script, json.dumps(sweep), tmp_path / "pool", 3)
    assert "KeyboardInterrupt" in done.stderr
    experiment = to_record(Experiment, sweep, "test")
    assert "finished" in ended(tune(experiment, tmp_path / "pool", execution="one-by-one"))
    list(tune(experiment, tmp_path / "whole", execution="one-by-one"))
    assert _but_how(contents(tmp_path / "pool")) == _but_how(contents(tmp_path / "whole"))
