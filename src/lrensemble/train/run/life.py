"""The life of a run, or of a group in one program, from its recipe or where it was interrupted to the pool."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, nullcontext

import numpy as np
from numpy.typing import NDArray

from lrensemble.data import Dataset, Learnable, rows_seen
from lrensemble.files.claims import Claim, claim
from lrensemble.pool import MemberRecord, Pool
from lrensemble.pool.member import Status
from lrensemble.train.run.claims import Claims
from lrensemble.train.run.epochs import Epoch, epochs_ended
from lrensemble.train.run.journal import BySplit, Journal
from lrensemble.train.run.loop import Step, Steps, chunks, largest_chunk, momenta_of, to_numbers
from lrensemble.train.run.made import made_with
from lrensemble.train.run.numerics import reproducibly, threads
from lrensemble.train.run.own_loop.life import live_by_function
from lrensemble.train.run.runs import STATE, Run, pruned_recipe, unfinished
from lrensemble.train.run.session import SaveClock, Session
from lrensemble.train.run.state import save_state
from lrensemble.train.run.under_way import Life, begin, end_epoch, keep, trainee_of

Training = Generator[Step | Epoch, None, list[MemberRecord]]
"""What happens in runs while they are trained; at the end [member] what is recorded of them."""


def train_runs(claims: Claims, dataset: Learnable, pool: Pool, session: Session) -> Training:
    """Train runs by the library's loop, or by the function that the recipe of a run alone names. As `live`."""
    if claims.runs[0].recipe.train.function is None:
        return live(claims, dataset, pool, session)
    assert isinstance(dataset, Dataset)  # no other is handed to a function (`check_training`)
    return live_by_function(claims, dataset, pool, session)


def live(claims: Claims, dataset: Learnable, pool: Pool, session: Session) -> Training:
    """Train runs, from the start or from their saved state, and add them to the pool, however they end.

    Members that end early leave their group at the end of the epoch; see `drop` on the bits of the others.

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
    runs, journal, interrupt = claims.runs, life.journal, session.interrupt
    cuts = (largest_chunk(dataset.device), journal.epoch_steps, session.save_steps or journal.epoch_steps)
    clock, since = SaveClock(session.save_steps), (journal.step, journal.seconds)
    with threads(journal.threads), reproducibly(journal.reproducible):
        for steps in chunks(journal.step, runs[0].policy.total, *cuts):
            policies = [runs[member].policy for member in journal.stacked]
            rates = [[policy(step) for policy in policies] for step in steps]
            pairs = zip(steps, rates, strict=True)
            updates = [life.trainee.step(step, own, momenta_of(policies, step)) for step, own in pairs]
            seen: list[Step | Epoch] = [*journal.add(Steps(steps, rates, *to_numbers(updates)))]
            claims.beat()
            if journal.at_epoch_end and journal.going_on:
                end_epoch(life, rates[-1])
                now = journal.seconds
                seen += epochs_ended(runs, journal, since, now)
                since = journal.step, now
            ends = not journal.going_on
            if not ends and (interrupt.pending or clock.strikes(journal.step)):
                save(life)
            if not ends and interrupt.pending:
                raise interrupt.error()
            yield from seen
            if ends:
                break
        predictions = predict(life)
    records = [add(life, member, predictions) for member in range(len(runs))]
    claims.finish()
    return records


def save(life: Life) -> None:
    """Write the state, in the place of an earlier one."""
    state = life.claims.state
    with state.fenced():
        save_state(state.folder / STATE, life.journal.progress(), life.trainee, life.kept)


def predict(life: Life) -> BySplit:
    """Predictions, [place, …], of the members that have finished, by the weights that they end with; none where nobody
    has.
    """
    journal, kept = life.journal, life.kept
    finished = [member for member in range(len(life.claims.runs)) if journal.has_finished(member)]
    if not finished:
        return {}
    if not set(finished) <= set(journal.stacked):  # of a group, some ended before the others
        for member in finished:
            if member not in kept:
                keep(life, member)
        runs = [life.claims.runs[member] for member in finished]
        _, life.trainee = trainee_of(runs, life.dataset, life.session)
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
    status = status_of(journal, member)
    place = journal.stacked.index(member) if status == "finished" else -1
    own = {split: said[place] for split, said in predictions.items()} if status == "finished" else {}
    record = record_of(life, member, status, own)
    mine = life.claims.members.get(run.id)
    if mine is not None and run.id in life.pool:
        mine.check()  # whoever took the run over has added it, and it is theirs to tell
    elif mine is not None:
        weights = life.trainee.weights(place) if own else None
        history = journal.histories[member]
        # The successor first: a kill in between costs nothing.
        with hand_on(life, run) if own else nullcontext(), mine.fenced():
            said = {split: life.trainee.head.predictions(stored) for split, stored in own.items()}
            added = life.pool.add(record, said, weights=weights, history=history, within=mine.folder)
        if not added:
            mine.check()
    return record


def status_of(journal: Journal, member: int) -> Status:
    """Status in the pool; a run that was stopped has finished."""
    stop = journal.stops[member]
    if journal.diverged[member]:
        return "diverged"
    return "finished" if stop is None or stop.how == "stopped" else stop.how


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
            [run.id for run in runs],
            dataset.device,
            run.recipe.train.precision,
            life.session.execution,
            threads=journal.threads,
            reproducible=journal.reproducible,
        ),
    )
