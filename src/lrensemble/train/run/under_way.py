"""Runs under way: what they are trained with, where they go on from, and who leaves a group at the end of an epoch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from lrensemble.data import Learnable, steps_per_epoch
from lrensemble.language.dataset import SequenceDataset
from lrensemble.pool import Pool
from lrensemble.train.run.claims import Claims
from lrensemble.train.run.endings import best_epoch, early_end
from lrensemble.train.run.journal import Journal
from lrensemble.train.run.kept import Kept
from lrensemble.train.run.loop import Trainee
from lrensemble.train.run.numerics import threads_for
from lrensemble.train.run.predictions import Scoring
from lrensemble.train.run.runs import STATE, Run
from lrensemble.train.run.session import Session
from lrensemble.train.run.sharded.trainee import ShardedTrainee
from lrensemble.train.run.single import initial_network
from lrensemble.train.run.state import first_progress, restore_state, stacked_in
from lrensemble.train.run.trainees import alone, together

MIN_STACK = 2
"""Fewest members of a stack that others have left."""


@dataclass(eq=False)
class Life:
    """Runs under way: what they are trained with, and how far they have come."""

    claims: Claims
    dataset: Learnable
    pool: Pool
    session: Session
    trainee: Trainee
    """Members that are still trained, `journal.stacked`; another one when some of them have ended."""
    kept: Kept
    journal: Journal
    parameters: int
    """Number of parameters of one network."""


def begin(claims: Claims, dataset: Learnable, pool: Pool, session: Session) -> Life:
    """Networks, optimizers and journal as they were when their state was saved, or new ones."""
    runs, path, kept = claims.runs, claims.state.folder / STATE, Kept()
    ids, everybody = tuple(run.id for run in runs), range(len(runs))
    trained = [runs[member] for member in stacked_in(path) or everybody]
    network, trainee = trainee_of(trained, dataset, session)
    progress = restore_state(path, trainee, kept)
    if progress is None and len(trained) < len(runs):  # its tensors are damaged, and all begin again
        network, trainee = trainee_of(runs, dataset, session)
    size = runs[0].recipe.train.batch_size
    if progress is None:
        count = session.threads or (torch.get_num_threads() if session.processes else _threads(network, runs, dataset))
        progress = first_progress(ids, count, reproducible=session.reproducible)
    epoch_steps = steps_per_epoch(len(dataset.rows["train"]), size, drop_last=runs[0].recipe.train.drop_last)
    scoring = Scoring.of(dataset, trainee.head)
    journal = Journal(progress.model_copy(update={"runs": ids}), epoch_steps, scoring)
    parameters = sum(parameter.numel() for parameter in network.parameters())
    return Life(claims, dataset, pool, session, trainee, kept, journal, parameters)


def _threads(network: nn.Module, runs: Sequence[Run], dataset: Learnable) -> int:
    """Threads that suit a network, or as many of them as there are runs; by a part of a batch of sequences, since a
    whole one may find no room.
    """
    train = runs[0].recipe.train
    rows = math.ceil(train.batch_size / train.accumulate) if isinstance(dataset, SequenceDataset) else train.batch_size
    inputs, _ = dataset.batch(dataset.rows["train"][:rows])
    return threads_for(network, inputs, len(runs))


def trainee_of(runs: Sequence[Run], dataset: Learnable, session: Session) -> tuple[nn.Module, Trainee]:
    """New networks of runs as they are trained, and the first of them: a stack in a fused session, else the one."""
    settings = [run.recipe.train for run in runs]
    if session.processes is not None:
        assert isinstance(dataset, SequenceDataset)  # of others there is no such session
        sharded = ShardedTrainee(runs[0].recipe, dataset, session.processes)
        return sharded.model, sharded
    networks = [initial_network(run.recipe, dataset) for run in runs]
    if session.execution == "fused":
        return networks[0], together(networks, dataset, settings)
    (network,), (own,) = networks, settings
    return network, alone(network, dataset, own)


def end_epoch(life: Life, rates: Sequence[float]) -> None:
    """Write the lines of an epoch, keep the weights of the best, and let members go that end here.

    Args:
        life: at the end of an epoch.
        rates: [place] of its last step.
    """
    journal, runs, metric = life.journal, life.claims.runs, life.journal.scoring.aim
    settings, should_continue = [run.recipe.train for run in runs], life.session.should_continue
    judged = [member for member in journal.stacked if settings[member].learn_within]
    journal.end_epoch(life.trainee.predict("val").numpy(), rates, judged)
    for member in journal.going_on:
        history = journal.histories[member]
        if settings[member].keep == "best" and best_epoch(history, metric) == len(history) - 1:
            keep(life, member)
    if journal.step == runs[0].policy.total:
        return
    for member in journal.going_on:
        history = journal.histories[member]
        how = early_end(history, settings[member], metric)
        if how is not None:
            journal.stop(member, how)
        # Asked before the state is saved: a run that is resumed asks again, and none goes on unasked.
        elif should_continue is not None and not should_continue(runs[member], history[-1]):
            journal.stop(member, "pruned")
        if how == "stopped" and member not in life.kept:
            keep(life, member)
    drop(life)


def keep(life: Life, member: int) -> None:
    """Copy the weights that a member is to end with."""
    life.kept.take(member, life.trainee.weights(life.journal.stacked.index(member)))


def drop(life: Life) -> None:
    """Go on without the members of a group that have ended, diverged ones among them.

    The others keep their bits where the widths of the network are multiples of 8; elsewhere the kernels of a CPU may
    sum in another order in a smaller stack, and the last bits differ. In a stack of one they would do so everywhere, so
    that the last one keeps a companion. Compiled networks stay as they are: another size would be compiled anew.
    """
    journal, runs = life.journal, life.claims.runs
    staying = journal.going_on
    if life.session.execution != "fused" or not staying or runs[0].recipe.train.compile:
        return
    companions = [member for member in journal.stacked if member not in staying]
    staying = sorted([*staying, *companions[: MIN_STACK - len(staying)]]) if len(staying) < MIN_STACK else staying
    if staying == journal.stacked:
        return
    places = [journal.stacked.index(member) for member in staying]
    state = {name: tensor[places] for name, tensor in life.trainee.state().items()}
    _, life.trainee = trainee_of([runs[member] for member in staying], life.dataset, life.session)
    life.trainee.load(state)
    journal.stacked = staying
