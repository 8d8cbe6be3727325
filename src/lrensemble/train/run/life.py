"""The life of a run, or of a group in one program, from its recipe or where it was interrupted to the pool."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from lrensemble.config import Inputs
from lrensemble.data import Dataset, rows_seen, steps_per_epoch
from lrensemble.files.claims import Claim, claim
from lrensemble.pool import MemberRecord, Pool
from lrensemble.pool.member import Status
from lrensemble.train.run.claims import Claims
from lrensemble.train.run.epochs import Epoch, EpochWatch
from lrensemble.train.run.fused.trainee import StackedTrainee
from lrensemble.train.run.journal import BySplit, Journal
from lrensemble.train.run.loop import Step, Steps, Trainee, chunks, largest_chunk, momenta_of, to_numbers
from lrensemble.train.run.made import made_with
from lrensemble.train.run.numerics import reproducibly
from lrensemble.train.run.predictions import Scoring
from lrensemble.train.run.runs import STATE, Run, pruned_recipe, unfinished
from lrensemble.train.run.session import SaveClock, Session
from lrensemble.train.run.single import SingleTrainee, initial_network
from lrensemble.train.run.state import first_progress, restore_state, save_state
from lrensemble.train.run.threads import threads, threads_for


@dataclass(frozen=True, eq=False)
class Life:
    """Runs under way: what they are trained with, and how far they have come."""

    claims: Claims
    dataset: Dataset
    pool: Pool
    session: Session
    trainee: Trainee
    journal: Journal
    parameters: int
    """Number of parameters of one network."""


def live(
    claims: Claims, dataset: Dataset, pool: Pool, session: Session
) -> Generator[Step | Epoch, None, list[MemberRecord]]:
    """Train runs, from the start or from their saved state, and add them to the pool, however they end.

    Members of a group that diverge stay in it, filled with NaN: the others keep their bits, which another size of the
    stack might change.

    Args:
        claims: on one run, or on several that can be trained together; they are gone when the members are there.
        dataset: of their recipes, on the device to train on.
        pool: where the members go.
        session: whether to save and to go on; `fused` trains the runs as a stack.

    Returns:
        [member] what is recorded of them.

    Raises:
        SpecError: the model does not suit the data.
        TrainingError: the model's outputs are not [batch, output].
        StorageError: the state or a member cannot be written.
        LostClaimError: another process has taken one of the runs over.
        KeyboardInterrupt: the session's interrupt was pending after a step; the state is saved.
        Exception: the device has too little memory, or a network fails.
    """
    with reproducibly(session.reproducible):
        life = begin(claims, dataset, pool, session)
    runs, trainee, journal, interrupt = claims.runs, life.trainee, life.journal, session.interrupt
    cuts = (largest_chunk(dataset.device), journal.epoch_steps, session.save_steps or journal.epoch_steps)
    clock, pruned, policies = SaveClock(session.save_steps), False, [run.policy for run in runs]
    watch = EpochWatch(runs, journal)
    with threads(journal.threads), reproducibly(journal.reproducible):
        for steps in chunks(journal.step, runs[0].policy.total, *cuts):
            rates = [[policy(step) for policy in policies] for step in steps]
            updates = [trainee.step(*each, momenta_of(policies, each[0])) for each in zip(steps, rates, strict=True)]
            seen: list[Step | Epoch] = [*journal.add(Steps(steps, rates, *to_numbers(updates)))]
            claims.beat()
            if journal.at_epoch_end and not all(journal.diverged):
                journal.end_epoch(trainee.predict("val").numpy(), rates[-1])
                seen += watch.ended()
            pruned = is_pruned(life)
            ends = pruned or all(journal.diverged)
            if not ends and (interrupt.pending or clock.strikes(journal.step)):
                save(life)
            if not ends and interrupt.pending:
                raise interrupt.error()
            yield from seen
            if ends:
                break
        predictions = predict(life, pruned=pruned)
    records = [add(life, member, predictions, pruned=pruned) for member in range(len(runs))]
    claims.finish()
    return records


def begin(claims: Claims, dataset: Dataset, pool: Pool, session: Session) -> Life:
    """Networks, optimizers and journal as they were when their state was saved, or new ones."""
    recipes = [run.recipe for run in claims.runs]
    settings = [recipe.train for recipe in recipes]
    size = settings[0].batch_size
    networks = [initial_network(recipe, dataset) for recipe in recipes]
    trainee: Trainee
    if session.execution == "fused":
        trainee = StackedTrainee(networks, dataset, settings)
    else:
        (network,), (own,) = networks, settings
        trainee = SingleTrainee(network, dataset, own)
    ids = tuple(run.id for run in claims.runs)
    progress = restore_state(claims.state.folder / STATE, trainee)
    if progress is None:
        inputs, _ = dataset.batch(dataset.rows["train"][:size])
        count = session.threads or threads_for(networks[0], inputs, len(networks))
        progress = first_progress(ids, count, reproducible=session.reproducible)
    epoch_steps = steps_per_epoch(len(dataset.rows["train"]), size, drop_last=settings[0].drop_last)
    scoring = Scoring.of(dataset, trainee.head)
    journal = Journal(progress.model_copy(update={"runs": ids}), epoch_steps, scoring)
    parameters = sum(parameter.numel() for parameter in networks[0].parameters())
    return Life(claims, dataset, pool, session, trainee, journal, parameters)


def is_pruned(life: Life) -> bool:
    """Whether a run shall not go on, at the end of an epoch that is not its last.

    Asked before the state is saved: a run that is resumed asks again, and none goes on unasked.
    """
    run, journal, should_continue = life.claims.runs[0], life.journal, life.session.should_continue
    inside = not journal.at_epoch_end or journal.step == run.policy.total
    if should_continue is None or inside or all(journal.diverged):
        return False
    return not should_continue(run, journal.histories[0][-1])


def save(life: Life) -> None:
    """Write the state, in the place of an earlier one."""
    state = life.claims.state
    with state.fenced():
        save_state(state.folder / STATE, life.journal.progress(), life.trainee)


def predict(life: Life, *, pruned: bool) -> BySplit:
    """Predictions of all members; none where no member has any."""
    if pruned or all(life.journal.diverged):
        return {}
    predictions = {split: life.trainee.predict(split).numpy() for split in ("val", "test")}
    life.journal.end(predictions)
    return predictions


def add(life: Life, member: int, predictions: BySplit, *, pruned: bool) -> MemberRecord:
    """Add a member to the pool, unless a sweep that was killed while adding has done so; what is recorded of it."""
    run, journal = life.claims.runs[member], life.journal
    status: Status = "diverged" if journal.diverged[member] else "pruned" if pruned else "finished"
    own = {split: said[member] for split, said in predictions.items()} if status == "finished" else {}
    record = record_of(life, member, status, own)
    mine = life.claims.members.get(run.id)
    if mine is not None and run.id not in life.pool:
        weights = life.trainee.weights(member) if own else None
        history = journal.histories[member]
        # The successor first: a kill in between costs nothing.
        with hand_on(life, run) if own else nullcontext(), mine.fenced():
            said = {split: life.trainee.head.predictions(stored) for split, stored in own.items()}
            life.pool.add(record, said, weights=weights, history=history, within=mine.folder)
    return record


@contextmanager
def hand_on(life: Life, run: Run) -> Iterator[None]:
    """Save the end of a run as the beginning of its successor, which counts as its own only what it adds.

    Nobody else has the successor in this block; one that is there, or under way elsewhere, is left alone.
    """
    ready = None
    if run.successor is not None and run.successor not in life.pool:
        ready = claim(unfinished(life.pool), run.successor)
    if not isinstance(ready, Claim):
        yield
        return
    try:
        begun = {"runs": (run.successor,), "inherited": life.journal.step, "seconds": 0.0}
        with ready.fenced():
            save_state(ready.folder / STATE, life.journal.progress().model_copy(update=begun), life.trainee)
        yield
    finally:
        ready.release()


def record_of(life: Life, member: int, status: Status, predictions: Mapping[str, NDArray[np.floating]]) -> MemberRecord:
    """What the pool keeps of a run beside its files; predictions are [sample, column] of each split."""
    runs, dataset, journal = life.claims.runs, life.dataset, life.journal
    run = runs[member]
    epochs = journal.step // journal.epoch_steps
    recipe = pruned_recipe(run.recipe, epochs) if status == "pruned" else run.recipe
    return MemberRecord(
        id=recipe.id,
        order=run.order,
        name=run.name,
        status=status,
        form=life.trainee.head.form,
        recipe=recipe.model_dump(mode="json"),
        scores={"val": journal.scoring.scores(predictions["val"])} if predictions else {},
        seconds=journal.seconds / len(runs),
        parameters=life.parameters,
        samples=rows_seen(len(dataset.rows["train"]), run.recipe.train, journal.steps(member)),
        steps=journal.moments.statistics(member),
        inputs=inputs_of(dataset),
        scale=dataset.scale if dataset.scale.mean else None,
        made_with=made_with(
            [run.id for run in runs], journal, dataset.device, run.recipe.train.precision, life.session.execution
        ),
    )


def inputs_of(dataset: Dataset) -> Inputs:
    """Shape, type and normalisation of a data set's inputs."""
    dtype: Literal["uint8", "float32"] = "uint8" if dataset.inputs.dtype == torch.uint8 else "float32"
    return Inputs(shape=dataset.shape, dtype=dtype, mean=tuple(dataset.mean.tolist()), std=tuple(dataset.std.tolist()))
