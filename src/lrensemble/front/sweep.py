"""Front door of training: `tune` fills a pool, `run` goes on to the verdict."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, overload

from typing_extensions import TypedDict, Unpack

from lrensemble.config import Experiment
from lrensemble.errors import TrainingError
from lrensemble.evaluate import Result
from lrensemble.front.experiment import ExperimentLike, check_objects_of_this_process, experiment_of, name_of
from lrensemble.front.judge import Judge
from lrensemble.front.paths import PathLike
from lrensemble.pool import Pool
from lrensemble.spec import SpecLike
from lrensemble.train import Ended, Event, OtherShards, OutOfTime
from lrensemble.train import tune as events_of
from lrensemble.train.execution.jobs import refuse_sharded

logger = logging.getLogger(__name__)

Watch = Callable[[Event], object]


def tune(
    experiment: ExperimentLike,
    out: PathLike | None = None,
    *,
    data: Any = None,
    epochs: int | None = None,
    device: str = "cpu",
    save_steps: int | None = None,
    execution: str = "auto",
    group_size: int | None = None,
    reproducible: bool = False,
    hours: float | None = None,
    loggers: Sequence[SpecLike] = (),
    shard: str | None = None,
    executor: SpecLike | None = None,
    plugins: Sequence[str] = (),
    watch: Watch | None = None,
) -> Pool:
    """Train the members of an experiment that a pool does not have yet, as `lrensemble tune` does.

    ```python
    pool = lrensemble.tune({"data": "digits", "model": "mlp", "policy": ["cosine(peak=[0.05, 0.1])"]}, "pool", epochs=1)
    ```

    Runs that fail are written down in the pool and told in a warning; the others go on. Interrupted, it saves; the same
    call goes on. `lrensemble.train.tune` hands out what happens as it happens.

    Args:
        experiment: the name of one that ships, a `.toml` file, a record, or a table as in a file. In a table the model
            may be a class, a function or a `torch.nn.Module`, the policy a function of the step, the data arrays.
        out: folder of the pool; `runs/EXPERIMENT/pool` unless given.
        data: folder of the data set's files; or the data themselves: `(X, y)`, a table of arrays, a data set of torch.
        epochs: passes over the training rows, in place of the experiment's.
        device: `cpu`, `cuda`, `cuda:0,cuda:1`, `gpus` for all, `mps`, or `auto`.
        save_steps: steps between two savings of a run's state; about half a minute unless given.
        execution: `auto`, `one-by-one`, `fused`, `workers`, `measure` or `sharded`.
        group_size: members trained in one program at most.
        reproducible: whether the same call gives the same bits on every machine of this kind.
        hours: time after which it saves and returns; the same call goes on.
        loggers: who else is told what happens: `tensorboard`, `mlflow`, `wandb`, or your own.
        shard: only a fixed part of the runs, such as `1/8`. Any number of processes may call the same without it.
        executor: who trains: `in_process`, `processes(workers=4)`, `ray(address='auto', gpus=1)`, or your own; as the
            experiment says, or as suits the members, unless given.
        plugins: modules that register names.
        watch: called with every event: `Planned`, `Began`, `Epoch`, `Ended`, …

    Raises:
        LREnsembleError: something that cannot be used, before any training.
        TrainingError: no run has left a member.
    """
    folder = Path("runs") / name_of(experiment) / "pool" if out is None else Path(out)
    settings = experiment_of(experiment, data=data, epochs=epochs, plugins=plugins)
    how = How(
        device=device,
        save_steps=save_steps,
        execution=execution,
        group_size=group_size,
        reproducible=reproducible,
        hours=hours,
        loggers=loggers,
        shard=shard,
        executor=executor,
    )
    return _swept(settings, folder, how, watch)[1]


class Options(TypedDict, total=False):
    """What `tune` and `run` take that is no part of a recipe, but for the shard."""

    device: str
    save_steps: int | None
    execution: str
    group_size: int | None
    reproducible: bool
    hours: float | None
    loggers: Sequence[SpecLike]
    executor: SpecLike | None


class RunOptions(Options, total=False):
    """What `run` takes beside an experiment, a folder and a shard; for its types alone."""

    data: Any
    epochs: int | None
    plugins: Sequence[str]
    watch: Watch | None


@overload
def run(
    experiment: ExperimentLike, out: PathLike | None = None, *, shard: None = None, **options: Unpack[RunOptions]
) -> Result: ...
@overload
def run(
    experiment: ExperimentLike, out: PathLike | None = None, *, shard: str, **options: Unpack[RunOptions]
) -> Result | None: ...
def run(
    experiment: ExperimentLike,
    out: PathLike | None = None,
    *,
    data: Any = None,
    epochs: int | None = None,
    device: str = "cpu",
    save_steps: int | None = None,
    execution: str = "auto",
    group_size: int | None = None,
    reproducible: bool = False,
    hours: float | None = None,
    loggers: Sequence[SpecLike] = (),
    shard: str | None = None,
    executor: SpecLike | None = None,
    plugins: Sequence[str] = (),
    watch: Watch | None = None,
) -> Result | None:
    """Train a pool, choose teams, and judge what they gain, as `lrensemble run` does.

    Of several processes that run the same in one folder, one chooses and judges; the others wait for its result.

    ```python
    result = lrensemble.run({"data": "digits", "model": "mlp", "policy": ["cosine(peak=[0.05, 0.1])"]}, "out", epochs=1)
    result.verdict.text
    ```

    Args:
        experiment: as `tune` takes it; its section `select` says which teams are chosen.
        out: folder of `pool/`, `result.json`, `report.html` and perhaps `benchmarks.json`; `runs/EXPERIMENT` unless
            given.
        data: folder of the data set's files, or the data themselves.
        epochs: passes over the training rows, in place of the experiment's.
        device: `cpu`, `cuda`, `cuda:0,cuda:1`, `gpus` for all, `mps`, or `auto`.
        save_steps: steps between two savings of a run's state.
        execution: `auto`, `one-by-one`, `fused`, `workers` or `measure`.
        group_size: members trained in one program at most.
        reproducible: whether the same call gives the same bits on every machine of this kind.
        hours: time after which it saves and returns; the same call goes on.
        loggers: who else is told what happens.
        shard: only a fixed part of the runs, such as `1/8`; the last of the parts to end chooses and judges.
        executor: who trains, as `tune` takes it.
        plugins: modules that register names.
        watch: called with every event.

    Returns:
        The result; None from a shard while runs of it or of others are missing.

    Raises:
        LREnsembleError: as `tune`, and where no method has a team.
    """
    refuse_sharded(execution)
    folder = Path("runs") / name_of(experiment) if out is None else Path(out)
    settings = experiment_of(experiment, data=data, epochs=epochs, plugins=plugins)
    judge = Judge(folder, settings)  # before hours of training, not after
    how = How(
        device=device,
        save_steps=save_steps,
        execution=execution,
        group_size=group_size,
        reproducible=reproducible,
        hours=hours,
        loggers=loggers,
        shard=shard,
        executor=executor,
    )
    swept, pool = _swept(settings, folder / "pool", how, watch)
    if swept.elsewhere or (shard is not None and swept.missing):
        logger.info("the last shard to end chooses teams and judges them")
        return None
    return judge.judge(pool, device=device, tell=partial(logger.info, "%s")).result


def _swept(experiment: Experiment, folder: Path, how: How, watch: Watch | None) -> tuple[Swept, Pool]:
    """Run a sweep; what became of it, which is told in warnings where it is not all well, and the pool.

    Raises:
        TrainingError: no run has left a member.
    """
    swept = Swept()
    for event in sweep(experiment, folder, how):
        if watch is not None:
            watch(event)
        if isinstance(event, Ended) and event.status == "failed":
            logger.warning("%s failed: %s (see %s/failed/%s.json)", event.run.name, event.reason, folder, event.run.id)
        swept.note(event)
    if swept.missing:
        logger.warning("the time is over, runs missing: %d; the same call goes on", swept.missing)
    pool = Pool.open(folder)
    if how["shard"] is None and (line := others_in(pool, swept.ids, "out='FOLDER'")):
        logger.warning("%s", line)
    failed = [event for event in swept.ended if event.status == "failed"]
    if failed and not pool.members():
        raise TrainingError(f"no run has left a member; {failed[0].run.name} failed: {failed[0].reason}")
    return swept, pool


class How(Options):
    """What `tune` takes that is no part of a recipe, all of it."""

    shard: str | None


@dataclass
class Swept:
    """What has become of a sweep, by its events so far."""

    ended: list[Ended] = field(default_factory=list)
    """Ending of every run that has ended, in this order."""
    missing: int = 0
    """Number of runs that the hours did not suffice for."""
    elsewhere: int = 0
    """Number of runs of other shards that have not ended."""

    def note(self, event: Event) -> None:
        """Take note of the next event."""
        if isinstance(event, Ended):
            self.ended.append(event)
        elif isinstance(event, OutOfTime):
            self.missing = len(event.missing) + event.remaining
        elif isinstance(event, OtherShards):
            self.elsewhere = len(event.missing)

    @property
    def ids(self) -> set[str]:
        """Ids of the runs that have ended."""
        return {event.run.id for event in self.ended}


def sweep(experiment: Experiment, folder: Path, how: How) -> Iterator[Event]:
    """Events of a sweep, which trains the runs of an experiment that a pool does not have while they are read.

    Args:
        experiment: that has been read.
        folder: of the pool.
        how: where, and for how long.

    Raises:
        LREnsembleError: something that cannot be used, before any training.
    """
    check_objects_of_this_process(experiment, how["execution"], how["device"])
    return events_of(experiment, folder, **how)


def others_in(pool: Pool, ended: Collection[str], advice: str) -> str | None:
    """Line for people on members of other experiments, from which teams are chosen as well; None where there are none.

    Args:
        pool: of a sweep.
        ended: ids of its runs.
        advice: how to give another folder.
    """
    others = [member.name for member in pool.members() if member.id not in ended]
    if not others:
        return None
    more = f"{others[0]}, …" if len(others) > 1 else others[0]
    return (
        f"{len(others)} more members of {pool.folder} are of other recipes, as of an experiment before it was edited, "
        f"and are chosen from as well ({more}); {advice} keeps experiments apart, and rm removes members"
    )
