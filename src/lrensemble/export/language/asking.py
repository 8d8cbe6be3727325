"""Members of a pool of language models, asked multiple-choice questions: what they say is a pool of its own.

```
OUT/benchmarks/        the pool of answers: the same members by the same ids and names, `val` from validation rows,
                       every benchmark a test set of its own
OUT/benchmarks-base/   the same rows, of which the base alone says something: a yardstick that no team can hold
```

Whoever is there already is not asked again, and several processes may ask at once: each claims one member at a time.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from lrensemble.config import Base
from lrensemble.config.benchmarks import Normalisation
from lrensemble.errors import ConfigError, PoolError
from lrensemble.export.language.alone import Alone
from lrensemble.files.claims import Claim, claim, poll_pause
from lrensemble.language.answering import predictions_of, rows_asked
from lrensemble.language.benchmarks import Benchmark
from lrensemble.language.members import Predicted, pool_of
from lrensemble.pool import Member, MemberRecord, Pool

logger = logging.getLogger(__name__)

ANSWERS, OF_BASE = "benchmarks", "benchmarks-base"
BASE = "base"
"""Id of the base in its own pool."""


@dataclass(frozen=True)
class Asked:
    """What was said of the questions."""

    answers: Pool
    """Answers of the members, by the ids that they have in their own pool."""
    base: Pool
    """Answers of the base alone."""


def ask_members(
    pool: Pool,
    benchmarks: Sequence[Benchmark],
    out: Path,
    *,
    normalisation: Normalisation | None = None,
    device: torch.device | str = "cpu",
) -> Asked:
    """Ask the base and every member of a pool that has not been asked yet; the base is loaded once.

    Args:
        pool: of language models on one base, adapters or whole ones.
        benchmarks: what `read_benchmarks` gave.
        out: folder of the two pools of answers.
        normalisation: how answers are compared; as each benchmark states unless given.
        device: where the models are.

    Raises:
        ConfigError: members that are no language models, or no validation rows.
        PoolError: no members, or pools of answers to other questions.
        SpecError: the base is not where it was, or has other weights.
        UntrustedError: a base of a hub, and the pool is not trusted.
        DataError, PredictionsError: a question or a model that cannot be used.
        StorageError: the pools cannot be written.
    """
    base = _base_of(pool)
    rows = rows_asked(benchmarks, normalisation=normalisation)
    answers, alone = _pool_of(out / ANSWERS, rows), _pool_of(out / OF_BASE, rows)
    alone_record = MemberRecord(id=BASE, order=0, name="base alone")
    waiting: list[tuple[Pool, MemberRecord, Member | None]] = [(alone, alone_record, None)]
    waiting += [(answers, _record_of(member), member) for member in _with_weights(pool.members(), answers)]
    waiting = [each for each in waiting if each[1].id not in each[0]]
    speak = Alone(base, pool.members(), device)
    for done, (home, record, member, mine) in enumerate(_claimed(waiting), start=1):
        logger.info("%s is asked, %d of %d", record.name, done, len(waiting))

        def ask(model: Any, mine: Claim = mine) -> Predicted:
            hook = model.register_forward_hook(lambda *_: mine.beat())  # after each batch: the work goes on
            try:
                return predictions_of(model, speak.tokenizer, benchmarks, normalisation=normalisation)
            finally:
                hook.remove()

        _add(home, record, speak.as_it_speaks(member, ask), mine)
    return Asked(Pool.open(answers.folder), Pool.open(alone.folder))


def _base_of(pool: Pool) -> Base:
    if pool.task.base is None:
        raise ConfigError(
            f"{pool.folder} refers to no base model: its members are no language models, and cannot be asked; "
            "give a pool of adapters ([model] name = 'lora')"
        )
    if not pool.members():
        raise PoolError(f"{pool.folder} has no finished member to ask; train some first")
    return pool.task.base


def _pool_of(folder: Path, rows: Predicted) -> Pool:
    try:
        return pool_of(folder, rows)
    except PoolError as error:
        raise PoolError(f"{error}, or the very benchmarks that were asked before") from None


def _record_of(member: Member) -> MemberRecord:
    """Record of a member in the pool of answers, but for its scores there."""
    kept = {name: getattr(member, name) for name in ("id", "order", "name", "parameters", "seconds", "samples")}
    return MemberRecord(**kept)


def _with_weights(members: Sequence[Member], answers: Pool) -> list[Member]:
    """Members that can be asked, or were; it is said where there are others."""
    without = [member for member in members if not member.has_weights and member.id not in answers]
    if without:
        more = f" and {len(without) - 1} more" if len(without) > 1 else ""
        logger.warning(
            "the weights of %s%s were dropped (lrensemble slim, or sweep.keep_weights), and they are not asked",
            without[0].name,
            more,
        )
    return [member for member in members if member not in without]


def _claimed(
    waiting: Sequence[tuple[Pool, MemberRecord, Member | None]],
) -> Iterator[tuple[Pool, MemberRecord, Member | None, Claim]]:
    """Those that are to be asked, each claimed, as they can be had; not those that another process asks to the end."""
    left, began = list(waiting), time.monotonic()
    while left:
        held = []
        for home, record, member in left:
            mine = claim(home.folder / "unfinished", record.id)
            if not isinstance(mine, Claim):
                held.append((home, record, member))
                continue
            try:
                if record.id not in home:
                    yield home, record, member, mine
            finally:
                mine.finish()
        if len(held) == len(left):
            time.sleep(poll_pause(began))
        left = [each for each in held if each[1].id not in each[0]]


def _add(home: Pool, record: MemberRecord, said: Predicted, mine: Claim) -> None:
    mine.beat()
    full = record.model_copy(update={"form": said.said["val"].form, "scores": {"val": said.scores}})
    with mine.fenced():
        home.add(full, said.said, within=mine.folder)
