"""The life of a run, or of a group in one program, from its recipe or where it was interrupted to the pool."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

import torch

from lrensemble.data import Dataset, Learnable, rows_seen, steps_per_epoch
from lrensemble.files.claims import Claim, claim
from lrensemble.pool import MemberRecord, Pool
from lrensemble.train.run.arithmetic.numerics import reproducibly, threads
from lrensemble.train.run.loop import Steps, Trainee, chunks, largest_chunk, momenta_of, to_numbers
from lrensemble.train.run.own_loop.life import live_by_function
from lrensemble.train.run.predictions import Scoring
from lrensemble.train.run.progress.claims import Claims
from lrensemble.train.run.progress.endings import best_epoch, early_end, note_over_chance
from lrensemble.train.run.progress.events import Epoch, Step
from lrensemble.train.run.progress.journal import BySplit, Journal
from lrensemble.train.run.progress.kept import Kept
from lrensemble.train.run.progress.made import made_with
from lrensemble.train.run.progress.record import first_progress, stacked_in
from lrensemble.train.run.progress.state import restore_state, save_state
from lrensemble.train.run.runs import STATE, Run, pruned_recipe, unfinished
from lrensemble.train.run.session import SaveClock, Session
from lrensemble.train.run.trainees import suitable_threads, trainee_of

MIN_STACK = 2
"""Fewest members of a stack that others have left."""

Training = Generator[Step | Epoch, None, list[MemberRecord]]
"""What happens in runs while they are trained; at the end [member] what is recorded of them."""


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


def train_runs(claims: Claims, dataset: Learnable, pool: Pool, session: Session) -> Training:
    """Train runs by the library's loop, or by the function that the recipe of a run alone names. As `live`."""
    if claims.runs[0].recipe.train.function is None:
        return live(claims, dataset, pool, session)
    assert isinstance(dataset, Dataset)  # no other is handed to a function (`check_training`)
    return live_by_function(claims, dataset, pool, session)


def live(claims: Claims, dataset: Learnable, pool: Pool, session: Session) -> Training:
    """Train runs, from the start or from their saved state, and add them to the pool, however they end.

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
    runs, journal, interrupt, clock = claims.runs, life.journal, session.interrupt, SaveClock(session.save_steps)
    cuts = (largest_chunk(dataset.device), journal.epoch_steps, session.save_steps or journal.epoch_steps)
    with threads(journal.begun.threads), reproducibly(journal.begun.reproducible):
        for steps in chunks(journal.step, runs[0].policy.total, *cuts):
            policies = [runs[member].policy for member in journal.stacked]
            rates = [[policy(step) for policy in policies] for step in steps]
            pairs = zip(steps, rates, strict=True)
            updates = [life.trainee.step(step, own, momenta_of(policies, step)) for step, own in pairs]
            seen: list[Step | Epoch] = [*journal.add(Steps(steps, rates, *to_numbers(updates)))]
            claims.beat()
            going_on = journal.going_on
            if journal.at_epoch_end and going_on:
                seen += end_epoch(life)
                going_on = journal.going_on
            if going_on and (interrupt.pending or clock.strikes(journal.step)):
                save(life)
                if interrupt.pending:
                    raise interrupt.error()
            yield from seen
            if not going_on:
                break
        if len(runs) > 1:  # a kill after the first is added leaves the others their group, and so their bits
            save(life)
        predictions = predict(life)
    records = [add(life, member, predictions) for member in range(len(runs))]
    claims.finish()
    return records


def begin(claims: Claims, dataset: Learnable, pool: Pool, session: Session) -> Life:
    """Networks, optimizers and journal as they were when their state was saved, or new ones."""
    runs, path, kept = claims.runs, claims.state.folder / STATE, Kept()
    ids, train = tuple(run.id for run in runs), runs[0].recipe.train
    trained = [runs[member] for member in stacked_in(path) or range(len(runs))]
    network, trainee = trainee_of(trained, dataset, session)
    progress = restore_state(path, trainee, kept)
    if progress is None and len(trained) < len(runs):  # its tensors are damaged, and all begin again
        network, trainee = trainee_of(runs, dataset, session)
    if progress is None:
        count = session.threads or suitable_threads(network, runs, dataset, session)
        progress = first_progress(ids, count, reproducible=session.reproducible)
    journal = Journal(
        progress.model_copy(update={"runs": ids}),
        Scoring.of(dataset, trainee.head),
        epoch_steps=steps_per_epoch(len(dataset.rows["train"]), train.batch_size, drop_last=train.drop_last),
        total=runs[0].policy.total,
        batch_size=train.batch_size,
    )
    return Life(claims, dataset, pool, session, trainee, kept, journal, sum(map(torch.numel, network.parameters())))


def end_epoch(life: Life) -> list[Epoch]:
    """Write the lines of an epoch, keep the weights of the best, and let members go that end here."""
    journal, runs, metric = life.journal, life.claims.runs, life.journal.scoring.aim
    should_continue, is_last = life.session.should_continue, life.journal.step == runs[0].policy.total
    said = life.trainee.predict("val").numpy()
    seen = journal.end_epoch(said)
    note_over_chance(journal, said, [each for each in journal.going_on if runs[each].recipe.train.learn_within])
    for member in journal.going_on:
        train, history = runs[member].recipe.train, journal.histories[member]
        if train.keep == "best" and best_epoch(history, metric) == len(history) - 1:
            keep(life, member)
        if is_last:
            continue
        how = early_end(history, train, metric)
        if how is not None:
            journal.stop(member, how)
        # Asked before the state is saved: a run that is resumed asks again, and none goes on unasked.
        elif should_continue is not None and not should_continue(runs[member], history[-1]):
            journal.stop(member, "pruned")
        if how == "stopped" and member not in life.kept:
            keep(life, member)
    if not is_last:
        drop(life)
    return seen


def keep(life: Life, member: int) -> None:
    """Copy the weights that a member is to end with."""
    life.kept.take(member, life.trainee.weights(life.journal.stacked.index(member)))


def drop(life: Life) -> None:
    """Go on without the members of a group that have ended, diverged ones among them.

    The others keep their bits where the widths of the network are multiples of 8; elsewhere the kernels of a CPU may
    sum in another order in a smaller stack, and the last bits differ. In a stack of one they would do so everywhere, so
    that the last one keeps a companion. Compiled networks stay as they are: another size would be compiled anew.
    """
    journal, runs, staying = life.journal, life.claims.runs, life.journal.going_on
    if life.session.execution != "fused" or not staying or runs[0].recipe.train.compile:
        return
    companions = [member for member in journal.stacked if member not in staying]
    staying = sorted([*staying, *companions[: max(0, MIN_STACK - len(staying))]])
    if staying == journal.stacked:
        return
    places = [journal.stacked.index(member) for member in staying]
    state = {name: tensor[places] for name, tensor in life.trainee.state().items()}
    _, life.trainee = trainee_of([runs[member] for member in staying], life.dataset, life.session)
    life.trainee.load(state)
    journal.stacked = staying


def save(life: Life) -> None:
    """Write the state, in the place of an earlier one."""
    state = life.claims.state
    with state.fenced():
        save_state(state.folder / STATE, life.journal.progress(), life.trainee, life.kept)


def predict(life: Life) -> BySplit:
    """Predictions, [place, …], of the members that have finished, by the weights that they end with."""
    journal, kept, finished = life.journal, life.kept, life.journal.finished
    if not finished:
        return {}
    if not set(finished) <= set(journal.stacked):  # of a group, some ended before the others
        for member in finished:
            if member not in kept:
                keep(life, member)
        _, life.trainee = trainee_of([life.claims.runs[member] for member in finished], life.dataset, life.session)
        journal.stacked = finished
    for place, member in enumerate(journal.stacked):
        if member in kept:
            kept.put(member, life.trainee.weights(place))
    predictions = {split: life.trainee.predict(split).numpy() for split in ("val", "test")}
    journal.end(predictions)
    return predictions


def add(life: Life, member: int, predictions: BySplit) -> MemberRecord:
    """Add a member to the pool, unless a sweep that was killed while adding has done so; what is recorded of it."""
    run, journal = life.claims.runs[member], life.journal
    place = journal.stacked.index(member) if journal.status_of(member) == "finished" else None
    own = {} if place is None else {split: said[place] for split, said in predictions.items()}
    record = record_of(life, member, own)
    mine = life.claims.members.get(run.id)
    if mine is not None and run.id in life.pool:
        mine.check()  # whoever took the run over has added it, and it is theirs to tell
    elif mine is not None:
        weights = None if place is None else life.trainee.weights(place)
        # The successor first: a kill in between costs nothing.
        with nullcontext() if place is None else hand_on(life, run), mine.fenced():
            said = {split: life.trainee.head.predictions(stored) for split, stored in own.items()}
            history = journal.histories[member]
            added = life.pool.add(record, said, weights=weights, history=history, within=mine.folder)
        if not added:
            mine.check()
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
    begun = {"runs": (run.successor,), "inherited": life.journal.step, "seconds": 0.0}
    try:
        with ready.fenced():
            save_state(ready.folder / STATE, life.journal.progress().model_copy(update=begun), life.trainee)
        yield
    finally:
        ready.release()


def record_of(life: Life, member: int, predictions: BySplit) -> MemberRecord:
    """What the pool keeps of a run beside its files; predictions are [sample, column] of each split."""
    runs, dataset, journal = life.claims.runs, life.dataset, life.journal
    run, status, begun = runs[member], journal.status_of(member), journal.begun
    epochs = journal.steps_of(member) // journal.epoch_steps
    recipe = pruned_recipe(run.recipe, epochs) if status == "pruned" else run.recipe
    return MemberRecord(
        id=recipe.id,
        order=run.order,
        name=run.name,
        status=status,
        form=life.trainee.head.form,
        recipe=recipe.model_dump(mode="json"),
        scores={"val": journal.scoring.scores(predictions["val"])} if predictions else {},
        seconds=journal.seconds_of(member),
        parameters=life.parameters,
        samples=rows_seen(len(dataset.rows["train"]), run.recipe.train, journal.steps(member)),
        steps=journal.moments.statistics(member),
        inputs=dataset.inputs_of_members,
        scale=dataset.scale if dataset.scale.mean else None,
        adapter=None if life.trainee.adapter is None else dict(life.trainee.adapter),
        made_with=made_with(
            runs, dataset.device, life.session.execution, threads=begun.threads, reproducible=begun.reproducible
        ),
    )
