"""Front door of training: `tune` fills a pool, `run` goes on to the verdict."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

from lrensemble.config import Experiment
from lrensemble.errors import MissingExtraError, TrainingError
from lrensemble.evaluate import Result
from lrensemble.front.benchmarks import benchmark_into, questions_of_experiment
from lrensemble.front.experiment import ExperimentLike, check_here, experiment_of, name_of
from lrensemble.front.foreign import foreign_of, predict_foreign
from lrensemble.front.judge import Judge
from lrensemble.front.paths import PathLike
from lrensemble.front.teams import check_names, choose_all, default_methods, evaluate_into
from lrensemble.pool import Pool
from lrensemble.report import write_report
from lrensemble.spec import SpecLike
from lrensemble.train import Ended, Event, OutOfTime
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
        plugins: modules that register names.
        watch: called with every event: `Planned`, `Began`, `Epoch`, `Ended`, …

    Raises:
        LREnsembleError: something that cannot be used, before any training.
        TrainingError: no run has left a member.
    """
    folder = Path("runs") / name_of(experiment) / "pool" if out is None else Path(out)
    settings = experiment_of(experiment, data=data, epochs=epochs, plugins=plugins)
    check_here(settings, execution, device)
    events = events_of(
        settings,
        folder,
        device=device,
        save_steps=save_steps,
        execution=execution,
        group_size=group_size,
        reproducible=reproducible,
        hours=hours,
        loggers=loggers,
        shard=shard,
    )
    failed, ended = list[Ended](), set[str]()
    for event in events:
        if isinstance(event, Ended):
            ended.add(event.run.id)
        if watch is not None:
            watch(event)
        if isinstance(event, Ended) and event.status == "failed":
            logger.warning("%s failed: %s (see %s/failed/%s.json)", event.run.name, event.reason, folder, event.run.id)
            failed.append(event)
        if isinstance(event, OutOfTime):
            missing = len(event.missing) + event.remaining
            logger.warning("the time is over, runs missing: %d; the same call goes on", missing)
    pool = Pool.open(folder)
    if shard is None and (line := others_in(pool, ended, "out='FOLDER'")):
        logger.warning("%s", line)
    if failed and not pool.members():
        raise TrainingError(f"no run has left a member; {failed[0].run.name} failed: {failed[0].reason}")
    return pool


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
    plugins: Sequence[str] = (),
    watch: Watch | None = None,
) -> Result:
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
        plugins: modules that register names.
        watch: called with every event.

    Raises:
        LREnsembleError: as `tune`, and where no method has a team.
    """
    refuse_sharded(execution)
    folder = Path("runs") / name_of(experiment) if out is None else Path(out)
    settings = experiment_of(experiment, data=data, epochs=epochs, plugins=plugins)
    chosen = settings.select
    check_names(chosen.methods, chosen.metric, chosen.consensus)  # before hours of training, not after
    questions, foreign = questions_of_experiment(settings), foreign_of(settings)
    judge = Judge(folder)
    pool = tune(
        settings,
        folder / "pool",
        device=device,
        save_steps=save_steps,
        execution=execution,
        group_size=group_size,
        reproducible=reproducible,
        hours=hours,
        loggers=loggers,
        watch=watch,
    )
    methods = chosen.methods if "methods" in chosen.model_fields_set else default_methods(pool)
    with judge.alone(pool, lambda line: logger.info("%s", line)):
        if known := judge.found(pool, methods, chosen):
            return known
        teams = choose_all(pool, methods, metric=chosen.metric, consensus=chosen.consensus, seed=chosen.seed)
        predict_foreign(pool, teams, foreign)
        result = evaluate_into(pool, folder / "result.json", teams.not_run, again=False)
        if questions is not None:
            benchmark_into(pool, questions, folder, device=device)
        _write_page(pool, result, folder / "report.html", settings)
    return result


def others_in(pool: Pool, ended: Collection[str], apart: str) -> str | None:
    """Line for people on members of other experiments, from which teams are chosen as well; None where there are none.

    Args:
        pool: of a sweep.
        ended: ids of its runs.
        apart: how to give another folder.
    """
    others = [member.name for member in pool.members() if member.id not in ended]
    if not others:
        return None
    more = f"{others[0]}, …" if len(others) > 1 else others[0]
    return (
        f"{len(others)} more members of {pool.folder} are of other recipes, as of an experiment before it was edited, "
        f"and are chosen from as well ({more}); {apart} keeps experiments apart, and rm removes members"
    )


def _write_page(pool: Pool, result: Result, path: Path, settings: Experiment) -> None:
    """Write the report where plotly is installed; a run succeeds without it."""
    try:
        write_report(pool, result, path, settings.data.folder)
    except MissingExtraError as error:
        logger.warning("%s", error)
