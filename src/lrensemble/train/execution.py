"""How the runs of a sweep are executed: together in one program, in worker processes, or one by one.

The rule is fixed, so that the same command gives the same bits on the same machine. It looks at the device, the layers,
the work in a batch, the number of runs and the cores; what it chose is recorded with every member.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import nn

from lrensemble import models
from lrensemble.data import Dataset
from lrensemble.errors import TrainingError
from lrensemble.pool import Pool
from lrensemble.train.devices import forward_flops
from lrensemble.train.engine import fit
from lrensemble.train.fused.group import group_id
from lrensemble.train.fused.loop import fit_together
from lrensemble.train.fused.optimizers import StackedOptimizer, shared_settings
from lrensemble.train.fused.stacked import StackedModel
from lrensemble.train.learner import Learner
from lrensemble.train.member import Run, state_folder

Execution = Literal["auto", "measure", "one-by-one", "fused", "workers"]
EXECUTIONS: tuple[str, ...] = get_args(Execution)

GROUP = 16
"""Members trained together at most, unless another number is given."""

SMALL_ON_CPU = 200e6
"""Operations in the forward pass of a batch below which a CPU gains by training members together."""

SMALL_ON_GPU = 100e9
"""The same for a GPU, which a larger batch fills by itself."""

WORTH_A_PROCESS = 100e9
"""Operations for each worker below which starting it costs more than it saves: some seconds of one core."""

MEASURED_STEPS = 10


@dataclass(frozen=True)
class Job:
    """Runs that are executed in one way."""

    way: Literal["one-by-one", "fused", "workers"]
    runs: tuple[Run, ...]
    """Of `fused`, those of one group."""


def check_execution(execution: str) -> None:
    """Refuse an unknown way.

    Raises:
        TrainingError: no such way.
    """
    if execution not in EXECUTIONS:
        raise TrainingError(f"no execution named {execution!r}; choose from {', '.join(EXECUTIONS)}")


def jobs_of(runs: Sequence[Run], dataset: Dataset, pool: Pool, execution: str, group_size: int = GROUP) -> list[Job]:
    """How the runs that the pool does not have yet are executed, in the order of the runs.

    A run or a group that was interrupted goes on in the way that it began.
    """
    begun_alone = {run.id for run in runs if state_folder(pool, run.id).exists()}
    kinds: dict[str, list[Run]] = {}
    for run in runs:
        key = None if run.id in begun_alone else _kind(run)
        kinds.setdefault(key or "", []).append(run)
    jobs, alone = list[Job](), [run for run in kinds.pop("", []) if run.id not in pool]
    for kind in kinds.values():
        way = _way(kind, dataset, execution)
        for start in range(0, len(kind), group_size):
            group = kind[start : start + group_size]
            begun = (pool.folder / "unfinished" / group_id(group)).exists()
            pending = [run for run in group if run.id not in pool]
            if begun or (way == "fused" and len(pending) > 1):
                jobs.append(Job("fused", tuple(group if begun else pending)))
            else:
                alone += pending
    return [*jobs, *_apart(sorted(alone, key=lambda run: run.order), dataset, execution)]


def _apart(runs: Sequence[Run], dataset: Dataset, execution: str) -> list[Job]:
    """Runs that are not trained together: in worker processes where that pays, else one by one."""
    if not runs:
        return []
    independent = [run for run in runs if run.successor is None and run.recipe.at_epoch is None]
    cores, on_cpu = os.cpu_count() or 1, dataset.inputs.device.type == "cpu"
    forced = execution == "workers"
    pays = execution in ("auto", "measure") and cores > 1 and on_cpu and len(independent) > 1
    if pays:
        work = sum(3 * _flops(run, dataset) * run.policy.total for run in independent)
        pays = work / min(cores, len(independent)) > WORTH_A_PROCESS
    if not (forced or pays):
        return [Job("one-by-one", (run,)) for run in runs]
    rest = [Job("one-by-one", (run,)) for run in runs if run not in independent]
    return [Job("workers", tuple(independent)), *rest]


def _kind(run: Run) -> str | None:
    """What runs that are trained together have in common, as text; None for one that must be alone."""
    train, recipe = run.recipe.train, run.recipe
    shared = shared_settings(train)
    own_way = train.ema or train.accumulate > 1 or train.compile or train.precision == "float16"
    if shared is None or own_way or run.successor is not None or recipe.at_epoch is not None:
        return None
    same = (train.batch_size, train.clip_norm, train.precision, train.augment, train.decay_norms)
    return repr((str(recipe.model), run.policy.total, shared, *same))


def _way(runs: Sequence[Run], dataset: Dataset, execution: str) -> Literal["one-by-one", "fused"]:
    if execution in ("one-by-one", "workers") or len(runs) < 2:
        return "one-by-one"
    model = models.build(runs[0].recipe.model, dataset.shape, len(dataset.classes), 0).to(dataset.inputs.device)
    if not can_be_stacked(model, dataset):
        return "one-by-one"
    if execution == "fused":
        return "fused"
    if execution == "measure":
        return "fused" if _measured_gain(runs, dataset) > 1 else "one-by-one"
    flops = _flops(runs[0], dataset)
    if dataset.inputs.device.type != "cpu":
        return "fused" if flops < SMALL_ON_GPU else "one-by-one"
    convolutional = any(isinstance(module, nn.modules.conv._ConvNd) for module in model.modules())
    return "fused" if flops < SMALL_ON_CPU and not convolutional else "one-by-one"


def can_be_stacked(model: nn.Module, dataset: Dataset) -> bool:
    """Whether a network runs with others in one program: it draws no random numbers, and all it does can be stacked."""
    try:
        inputs, _ = dataset.batch(dataset.rows["train"][:2])
        StackedModel([model, model]).logits(inputs, training=True, shared=True)
    except Exception:  # whatever a network does that functions of torch.func refuse
        return False
    return True


def _flops(run: Run, dataset: Dataset) -> int:
    """Operations in the forward pass of a batch."""
    model = models.build(run.recipe.model, dataset.shape, len(dataset.classes), 0).to(dataset.inputs.device)
    inputs, _ = dataset.batch(dataset.rows["train"][: run.recipe.train.batch_size])
    return forward_flops(model, inputs)


def _measured_gain(runs: Sequence[Run], dataset: Dataset) -> float:
    """How many times faster some steps of the first runs are together than one by one, measured here and now."""
    some = runs[: min(len(runs), 4)]
    policies, settings = [run.policy for run in some], [run.recipe.train for run in some]

    def build() -> list[nn.Module]:
        shape, classes, device = dataset.shape, len(dataset.classes), dataset.inputs.device
        return [models.build(run.recipe.model, shape, classes, run.recipe.train.seed).to(device) for run in some]

    start = time.perf_counter()
    for model, policy, each in zip(build(), policies, settings, strict=True):
        for step in fit(Learner(model, each), policy, dataset, each):
            if step.step + 1 == MEASURED_STEPS:
                break
    alone = time.perf_counter() - start
    start = time.perf_counter()
    stacked = StackedModel(build())
    optimizer = StackedOptimizer(settings, stacked)
    for steps in fit_together(stacked, optimizer, policies, settings, dataset, first_step=0, at_once=1):
        if steps.first + 1 == MEASURED_STEPS:
            break
    if dataset.inputs.device.type == "cuda":
        torch.cuda.synchronize(dataset.inputs.device)
    return alone / (time.perf_counter() - start)
