"""One run, from its recipe or from where it was interrupted, to a member of the pool."""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from lrensemble import models
from lrensemble.config import Inputs, Recipe
from lrensemble.data import Dataset, steps_per_epoch
from lrensemble.environment import environment
from lrensemble.files.claims import Claim, claim
from lrensemble.metrics import METRICS, watched
from lrensemble.pool import MemberRecord, Pool, StepStatistics
from lrensemble.pool.member import Status
from lrensemble.train.run.engine import DivergedError, Step, fit, predict
from lrensemble.train.run.interrupt import Interrupt
from lrensemble.train.run.learner import Learner
from lrensemble.train.run.moments import Moments
from lrensemble.train.run.runs import STATE, Run, ShouldContinue, pruned_recipe, unfinished
from lrensemble.train.run.state import HistoryLine, Progress, restore_state, save_state
from lrensemble.train.run.threads import threads, threads_for

SAVE_SECONDS = 30.0
"""Time between two savings of a state, where no number of steps is given: what a kill can cost at most."""

STEPS_AT_ONCE = 64
"""Steps that a GPU does at most before the host looks at them."""

Predictions = dict[str, NDArray[np.float32]]
"""For each split, log-probabilities [sample, class]."""


def train_member(
    run: Run,
    dataset: Dataset,
    pool: Pool,
    interrupt: Interrupt,
    mine: Claim,
    *,
    save_steps: int | None,
    watch: ShouldContinue | None = None,
    execution: str = "one by one",
) -> Generator[Step, None, MemberRecord]:
    """Train one member, from the start or from its saved state, and add it to the pool, however it ends.

    Args:
        run: what to train.
        dataset: the recipe's, on the device to train on.
        pool: where the member goes.
        interrupt: once it is pending, the state is saved after the step and KeyboardInterrupt is raised.
        mine: the claim on the run; it is gone when the member is there.
        save_steps: how many steps lie between two savings of the state; None for as many as take `SAVE_SECONDS`.
        execution: how it is trained, for the record.
        watch: says after every epoch but the last whether the run goes on; one that does not is recorded as pruned.

    Returns:
        What is recorded of the member.

    Raises:
        SpecError: the model does not suit the data.
        TrainingError: the model's logits are not [batch, class].
        StorageError: the state or the member cannot be written.
        LostClaimError: another process has taken the run over.
    """
    learner, progress = _start(run, dataset, mine.folder / STATE)
    settings = run.recipe.train
    epoch_steps = steps_per_epoch(len(dataset.rows["train"]), settings.batch_size)
    at_once = steps_at_once(dataset.device, epoch_steps, save_steps)
    started = time.perf_counter() - progress.seconds
    clock = SaveClock(save_steps)
    moments = Moments(1, progress.moments)
    predictions: Predictions = {}
    status: Status = "finished"
    told: list[Step] = []
    with threads(progress.threads):
        try:
            for step in fit(learner, run.policy, dataset, settings, first_step=progress.step, at_once=at_once):
                mine.beat()
                moments.add([step.rate], [step.norm])
                seconds = time.perf_counter() - started
                progress = _after(step, progress, epoch_steps, learner, dataset, seconds)
                told.append(step)
                if progress.step % at_once and progress.step < run.policy.total:
                    continue  # the learner is further than this step
                if not _goes_on(run, progress, epoch_steps, watch):
                    status = "pruned"
                    yield from told
                    break
                if interrupt.pending or clock.strikes(progress.step):
                    with mine.fenced():
                        saved = progress.model_copy(update={"moments": moments.saved()})
                        save_state(mine.folder / STATE, saved, learner)
                if interrupt.pending:
                    raise interrupt.error()
                yield from told
                told.clear()
            if status == "finished":
                predictions = _predictions(learner.evaluated, dataset, progress)
        except DivergedError as end:
            status = "diverged"
            line: HistoryLine = {"step": end.step, "epoch": end.step // epoch_steps + 1}
            line |= {"rate": end.rate, "train_loss": end.loss} | dict.fromkeys(score_names())
            progress = progress.model_copy(update={"history": (*progress.history, line)})
    ended = {"seconds": time.perf_counter() - started, "moments": moments.saved()}
    progress = progress.model_copy(update=ended)
    recipe = pruned_recipe(run.recipe, progress.step // epoch_steps) if status == "pruned" else run.recipe
    parameters = sum(parameter.numel() for parameter in learner.model.parameters())
    steps = moments.statistics(0)
    record = record_of(run, recipe, status, dataset, progress, parameters, predictions, steps, execution)
    weights = learner.evaluated.state_dict() if predictions else None
    # The successor first: a kill in between costs nothing.
    with _handed_on(run, pool, progress, learner) if status == "finished" else nullcontext(), mine.fenced():
        pool.add(record, predictions, weights=weights, history=progress.history, within=mine.folder)
    mine.finish()
    return record


def _goes_on(run: Run, progress: Progress, epoch_steps: int, watch: ShouldContinue | None) -> bool:
    """Asked before the state is saved: a run that is resumed asks again, and none goes on unasked."""
    inside = progress.step % epoch_steps or progress.step == run.policy.total
    return bool(watch is None or inside or watch(run, progress.history[-1]))


class SaveClock:
    """When a state is due: after a number of steps, or after some time."""

    def __init__(self, save_steps: int | None) -> None:
        self._steps, self._last = save_steps, time.monotonic()

    def strikes(self, step: int) -> bool:
        """Whether the state is to be saved now that so many steps are done."""
        if self._steps:
            return step % self._steps == 0
        if time.monotonic() - self._last < SAVE_SECONDS:
            return False
        self._last = time.monotonic()
        return True


def steps_at_once(device: torch.device, epoch_steps: int, save_steps: int | None) -> int:
    """How many steps are done between two looks at them: one on a CPU, which waits for nothing, more on a GPU.

    Ends of epochs and of `save_steps` are always looked at.
    """
    if device.type == "cpu":
        return 1
    common = math.gcd(epoch_steps, save_steps or epoch_steps)
    return max(count for count in range(1, min(common, STEPS_AT_ONCE) + 1) if common % count == 0)


def _start(run: Run, dataset: Dataset, path: Path) -> tuple[Learner, Progress]:
    """The learner as it was when its state was saved, or a new one."""
    settings = run.recipe.train
    device = dataset.device
    model = models.build(run.recipe.model, dataset.shape, len(dataset.classes), settings.seed).to(device)
    learner = Learner(model, settings)
    progress = restore_state(path, learner)
    if progress is None:
        inputs, _ = dataset.batch(dataset.rows["train"][: settings.batch_size])
        progress = Progress(threads=threads_for(model, inputs))
    return learner, progress


def _after(
    step: Step, progress: Progress, epoch_steps: int, learner: Learner, dataset: Dataset, seconds: float
) -> Progress:
    """The progress after a step; at the end of an epoch with a line of history."""
    done = step.step + 1
    loss_sum, history = progress.loss_sum + step.loss, progress.history
    if done % epoch_steps == 0:
        line: HistoryLine = {"step": done, "epoch": done // epoch_steps, "rate": step.rate}
        line |= {"train_loss": loss_sum / epoch_steps}
        scores = val_scores(_predict(learner.evaluated, dataset, "val", step), dataset)
        line |= dict(zip(score_names(), scores.values(), strict=True))
        loss_sum, history = 0.0, (*history, line)
    changes = {"step": done, "loss_sum": loss_sum, "history": history, "seconds": seconds}
    return progress.model_copy(update=changes)


def score_names() -> list[str]:
    """Of the scores in a line of history."""
    return [f"val_{name}" for name in watched()]


def _predictions(model: nn.Module, dataset: Dataset, progress: Progress) -> Predictions:
    last = progress.history[-1]
    step = Step(progress.step - 1, float(last["rate"] or 0), float(last["train_loss"] or 0))
    return {split: _predict(model, dataset, split, step) for split in ("val", "test")}


def _predict(model: nn.Module, dataset: Dataset, split: str, step: Step) -> NDArray[np.float32]:
    """Log-probabilities [sample, class].

    Raises:
        DivergedError: one of them is not a number: the weights overflowed after a loss that was finite.
    """
    log_probs: NDArray[np.float32] = predict(model, dataset, split).numpy()
    if np.isnan(log_probs).any():
        raise DivergedError(step.step, step.rate, float("nan"))
    return log_probs


def val_scores(log_probs: NDArray[np.float32], dataset: Dataset) -> dict[str, float]:
    """Scores by metric on the validation rows."""
    probs = np.exp(log_probs.astype(np.float64))
    labels = dataset.labels[dataset.rows["val"]].cpu().numpy()
    return {name: METRICS.call(name, probs, labels) for name in watched()}


@contextmanager
def _handed_on(run: Run, pool: Pool, progress: Progress, learner: Learner) -> Iterator[None]:
    """Save the end of a run as the beginning of its successor, which counts as its own only what it adds.

    Nobody else has the successor in this block; one that is there, or under way elsewhere, is left alone.
    """
    ready = None if run.successor is None or run.successor in pool else claim(unfinished(pool), run.successor)
    if not isinstance(ready, Claim):
        yield
        return
    try:
        begun = progress.model_copy(update={"inherited": progress.step, "seconds": 0.0})
        with ready.fenced():
            save_state(ready.folder / STATE, begun, learner)
        yield
    finally:
        ready.release()


def record_of(
    run: Run,
    recipe: Recipe,
    status: Status,
    dataset: Dataset,
    progress: Progress,
    parameters: int,
    predictions: Predictions,
    steps: StepStatistics | None,
    execution: str = "one by one",
) -> MemberRecord:
    """What the pool keeps of a run beside its files."""
    device = dataset.device
    hardware = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    return MemberRecord(
        id=recipe.id,
        order=run.order,
        name=run.name,
        status=status,
        recipe=recipe.model_dump(mode="json"),
        scores={"val": val_scores(predictions["val"], dataset)} if predictions else {},
        seconds=progress.seconds,
        parameters=parameters,
        samples=(progress.step - progress.inherited) * run.recipe.train.batch_size,
        steps=steps,
        inputs=inputs_of(dataset),
        environment={**environment(), "device": hardware, "threads": progress.threads, "execution": execution},
    )


def inputs_of(dataset: Dataset) -> Inputs:
    """Shape, type and normalisation of a data set's inputs."""
    dtype: Literal["uint8", "float32"] = "uint8" if dataset.inputs.dtype == torch.uint8 else "float32"
    return Inputs(shape=dataset.shape, dtype=dtype, mean=tuple(dataset.mean.tolist()), std=tuple(dataset.std.tolist()))
