"""Record of every look at the test rows, kept in the pool: the more there are, the less the last one proves."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime

from pydantic import Field

from lrensemble.config import Record
from lrensemble.environment import environment
from lrensemble.files import own_files, seal, write_whole
from lrensemble.pool import Pool
from lrensemble.pool.sealed import unseal

FOLDER = "looks"
NAME = r"\d{8}T\d{6}-[0-9a-f]{8}\.json"


class Look(Record):
    """One evaluation."""

    when: str
    """Time in UTC, ISO 8601."""
    version: str
    """Version of lrensemble."""
    teams: tuple[str, ...] = Field(strict=False)
    """Teams that were scored: method, metric, consensus and members of each."""
    tests: tuple[str, ...] = Field(default=("test",), strict=False)
    """Test sets whose rows were looked at."""


def write_look(pool: Pool, teams: Sequence[str], tests: Sequence[str]) -> dict[str, int]:
    """Write a look into the pool, before it is taken, and count all of them, by test set.

    Args:
        pool: whose rows are looked at.
        teams: description of each team that is scored, as by `described`.
        tests: test sets that are looked at.

    Raises:
        StorageError: the pool cannot be written to.
    """
    now = datetime.now(UTC)
    look = Look(
        when=now.isoformat(timespec="seconds"),
        version=str(environment()["lrensemble"]),
        teams=tuple(teams),
        tests=tuple(tests),
    )
    name = f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(4)}.json"
    write_whole(pool.folder / FOLDER / name, seal(look.model_dump(mode="json")))
    every = looks(pool)
    return {test: sum(test in each.tests for each in every) for test in tests}


def described(method: str, metric: str, consensus: str, members: Sequence[str]) -> str:
    """Line that says in a look which team was scored."""
    return f"{method} by {metric}, {consensus}: {', '.join(members)}"


def looks(pool: Pool) -> tuple[Look, ...]:
    """All looks so far, the first one first.

    Raises:
        PoolError: a file is damaged.
    """
    return tuple(unseal(Look, path) for path in own_files(pool.folder / FOLDER, NAME))
