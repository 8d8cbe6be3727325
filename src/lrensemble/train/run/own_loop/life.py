"""Life of a run that a function of the user's trains: one call, and then what every member has."""

from __future__ import annotations

import logging
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from lrensemble.config import Recipe
from lrensemble.data import Dataset, steps_per_epoch
from lrensemble.policies import Policy, build
from lrensemble.pool import MemberRecord, Pool
from lrensemble.pool.collect.scores import scores_of
from lrensemble.targets import Predictions
from lrensemble.train.run.arithmetic.numerics import reproducibly
from lrensemble.train.run.own_loop.alive import interrupted_immediately, kept_alive, seeded
from lrensemble.train.run.own_loop.function import train_function
from lrensemble.train.run.own_loop.outcome import SPLITS, Outcome, are_numbers, history_of, outcome_of, predictions_of
from lrensemble.train.run.predictions import predict, say_the_same
from lrensemble.train.run.progress.claims import Claims
from lrensemble.train.run.progress.events import Epoch, Step
from lrensemble.train.run.progress.made import made_with
from lrensemble.train.run.progress.record import HistoryLine
from lrensemble.train.run.runs import Run
from lrensemble.train.run.session import Session
from lrensemble.train.run.single import initial_network

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Trained:
    """A member before it is written."""

    said: Mapping[str, Predictions]
    """Predictions by split."""
    weights: Mapping[str, Tensor] | None
    """Weights of the recipe's own network; None where something else has predicted."""
    parameters: int | None
    history: list[HistoryLine] | None
    seconds: float


def live_by_function(
    claims: Claims, dataset: Dataset, pool: Pool, session: Session
) -> Generator[Step | Epoch, None, list[MemberRecord]]:
    """Train a run by the function that its recipe names, and add it to the pool; it yields nothing, since nobody sees
    the steps of a loop that is not ours.

    Args:
        claims: on the one run; they are gone when the member is there.
        dataset: of its recipe, on the device to train on.
        pool: where the member goes.
        session: what may interrupt it; nothing is saved midway.

    Returns:
        What is recorded of it, as the only one.

    Raises:
        TrainingError: the function has returned something else than a network or predictions.
        StorageError: the member cannot be written.
        LostClaimError: another process has taken the run over.
        KeyboardInterrupt: the program was asked to end; nothing is left of the run.
        Exception: whatever the function raises.
    """
    yield from ()
    (run,) = claims.runs
    settings = run.recipe.train
    assert settings.function is not None
    function = train_function(settings.function)
    blind = without_test_truth(dataset)
    with kept_alive(claims), reproducibly(session.reproducible), seeded(settings.seed, dataset.device):
        started = time.perf_counter()
        with interrupted_immediately(session.interrupt):
            returned = function(run.recipe, blind)
        seconds = time.perf_counter() - started
        trained = _trained(run, outcome_of(returned), dataset, seconds)
    record = _record_of(run, trained, dataset, session)
    mine = claims.members.get(run.id)
    if mine is not None:
        finished = record.status == "finished"
        with mine.fenced():
            added = pool.add(
                record,
                trained.said if finished else {},
                weights=trained.weights if finished else None,
                history=trained.history,
                within=mine.folder,
            )
        if not added:
            mine.check()  # whoever took the run over has added it, and it is theirs to tell
    claims.finish()
    return [record]


def without_test_truth(dataset: Dataset) -> Dataset:
    """Data set as a function gets it: the truth of test rows is -1 or NaN, for `evaluate` alone reads it."""
    rows = dataset.rows["test"]
    truth = dataset.truth.clone()
    truth[rows.to(truth.device)] = float("nan") if truth.is_floating_point() else -1
    soft = None
    if dataset.soft is not None:
        soft = dataset.soft.clone()
        soft[rows.to(soft.device)] = float("nan")
    return replace(dataset, truth=truth, soft=soft)


def policy_for(recipe: Recipe, dataset: Dataset) -> Policy:
    """Policy of a recipe for the steps of its run: its rates by step, for `PolicyLR` or a loop of one's own.

    Raises:
        LREnsembleError: a policy that is unknown or refuses its arguments, or a batch larger than the rows.
    """
    steps = _epoch_steps(recipe, dataset)
    return build(recipe.policy, recipe.train.epochs * steps, steps)


def _epoch_steps(recipe: Recipe, dataset: Dataset) -> int:
    train = recipe.train
    return steps_per_epoch(len(dataset.rows["train"]), train.batch_size, drop_last=train.drop_last)


def _trained(run: Run, outcome: Outcome, dataset: Dataset, seconds: float) -> _Trained:
    """Predictions, and weights where they are those of the recipe's network."""
    history = history_of(outcome.history, run.name, _epoch_steps(run.recipe, dataset))
    if outcome.predictions is not None:
        said = {split: predictions_of(outcome.predictions[split], dataset, split) for split in SPLITS}
        return _Trained(said, None, None, history, seconds)
    assert outcome.network is not None
    network, head = outcome.network.to(dataset.device), dataset.head(run.recipe.train.form)
    stored = {split: predict(network, head, dataset, split) for split in SPLITS}
    weights = _weights(run, network, dataset, stored["val"])
    said = {split: head.predictions(each.numpy()) for split, each in stored.items()}
    parameters = sum(parameter.numel() for parameter in network.parameters())
    return _Trained(said, weights, parameters, history, seconds)


def _weights(run: Run, network: nn.Module, dataset: Dataset, said: Tensor) -> Mapping[str, Tensor] | None:
    """Weights of a network, if that of the recipe says the same with them; otherwise nobody could run it again.

    Args:
        run: whose recipe names a model.
        network: what was trained.
        dataset: of the recipe.
        said: [sample, column] what it says on `val`.
    """
    weights, head = network.state_dict(), dataset.head(run.recipe.train.form)
    try:
        again = initial_network(run.recipe, dataset)
        again.load_state_dict(weights)
        repeated = predict(again, head, dataset, "val")
    except Exception as error:  # whatever a model raises that nobody has trained: what was trained has its predictions
        reason = " ".join(str(error).split())
    else:
        if say_the_same(repeated, said):
            return weights
        reason = "with its weights that model says something else"
    logger.warning(
        "%s: %s is not the model of the recipe, %s (%s); it takes part by its predictions, its weights are not kept; "
        "name it as the model to export it",
        run.name,
        type(network).__name__,
        run.recipe.model,
        reason if len(reason) < 200 else f"{reason[:200]}…",
    )
    return None


def _record_of(run: Run, trained: _Trained, dataset: Dataset, session: Session) -> MemberRecord:
    """What the pool keeps of a run beside its files; nothing is known of its steps."""
    usable = all(map(are_numbers, trained.said.values()))
    has_network = trained.weights is not None and usable
    threads = torch.get_num_threads() if not session.reproducible else 1
    return MemberRecord(
        id=run.recipe.id,
        order=run.order,
        name=run.name,
        status="finished" if usable else "diverged",
        form=trained.said["val"].form,
        recipe=run.recipe.model_dump(mode="json"),
        scores={"val": scores_of(trained.said["val"], dataset.target, dataset.truth_of("val"))} if usable else {},
        seconds=trained.seconds,
        parameters=trained.parameters,
        inputs=dataset.inputs_of_members if has_network else None,
        scale=dataset.scale if has_network and dataset.scale.mean else None,
        made_with=made_with(
            [run], dataset.device, session.execution, threads=threads, reproducible=session.reproducible
        ),
    )
