"""Records of a comparison of variants, and their file in the pool: `variants/comparison.json`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from lrensemble.config import Record
from lrensemble.evaluate.gain import Gain
from lrensemble.evaluate.result import STANDARD, Scores
from lrensemble.files import seal, write_whole
from lrensemble.notebook import Shown
from lrensemble.pool import Pool
from lrensemble.pool.sealed import unseal

FOLDER, FILE = "variants", "comparison.json"

SINGLE, TEAM = "best single", "team"
"""Names of the two rows that all others are compared with."""

Kind = Literal["better", "worse", "no reliable difference", "the same"]


class Latency(Record):
    """Time to predict one batch."""

    seconds: float
    """Median over the rounds."""
    ratio: float
    """Median over the rounds of the time divided by that of the best single model in the same round."""


class VariantResult(Record):
    """One row: a variant, the team or the best single model. Where it could not be made, it says why."""

    name: str
    """Variant in its text form; `best single` or `team`."""
    what: str
    """What it is: a soup of 2 members, say."""
    not_made: str = ""
    """Reason why there is no such variant of this team."""
    test: Scores | None = None
    gain: dict[str, Gain] = Field(default={})
    """Gain over the best single model, by metric; adjusted for the rows of the table."""
    gain_over_tempered: dict[str, Gain] = Field(default={})
    """Gain over that model after temperature scaling on `val`, by `nll` and `brier`."""
    gain_over_team: dict[str, Gain] = Field(default={})
    """Gain over the whole team, by metric; adjusted for the rows of the table."""
    kind: Kind | None = None
    """Outcome against the best single model by the metric of the team; a gain by calibration alone does not count."""
    networks: int | None = None
    """Networks that it holds."""
    runs: float | None = None
    """Mean number of networks that are run on a test row, of a cascade."""
    parameters: int | None = None
    bytes: int | None = None
    """Bytes of its weights, as a bundle holds them."""
    latency: Latency | None = None
    """Time of a batch; None where nobody has its networks."""
    ensemble: str | None = None
    """Folder of the ensemble in the pool, where it has weights of its own."""


class VariantComparison(Shown, Record):
    """Every variant of a team beside the team and the best single model, on the same test rows."""

    task: str
    split: str
    """Test set."""
    rows: int
    """Test rows."""
    looks: int
    """Number of looks at them, this one included."""
    method: str
    """Method that chose the team."""
    metric: str
    """Metric that the team aims at."""
    headline: str
    """Metric that people know best for this target."""
    batch: int
    """Rows of the batch that is timed."""
    inputs: Literal["val", "random"] | None
    """Where these rows are from; None where nothing was timed."""
    device: str
    """Device that is timed on."""
    threads: int
    """Threads of the CPU."""
    variants: tuple[VariantResult, ...] = Field(strict=False)
    """The best single model, the team, and then its variants."""
    members: tuple[str, ...] = Field(strict=False)
    """Ids of the members of the pool."""
    fingerprints: dict[str, dict[str, str]]
    """SHA-256 of rows and labels by split, as in `result.json`."""
    environment: dict[str, object]

    @property
    def made(self) -> tuple[VariantResult, ...]:
        """Rows that were measured."""
        return tuple(each for each in self.variants if each.test is not None)

    def _headline(self) -> str:
        better = [each.what for each in self.made if each.kind == "better"]
        return f"better than the best single model: {', '.join(better) or 'none'}"

    def _table(self) -> list[dict[str, Any]]:
        """One row for each variant."""
        rows = []
        for each in self.variants:
            row: dict[str, Any] = {"variant": each.name, "what": each.what, "judged": each.kind or each.not_made}
            if each.test is not None:
                row |= {f"test_{name}": value for name in STANDARD if (value := each.test.by(name)) is not None}
                row |= {f"test_{name}": value for name, value in each.test.others.items() if value is not None}
            row |= {"parameters": each.parameters, "bytes": each.bytes}
            rows.append(row | ({} if each.latency is None else {"seconds": each.latency.seconds}))
        return rows


def write_variants(pool: Pool, comparison: VariantComparison) -> None:
    """Write a comparison into its pool, with a checksum, in place of an earlier one.

    Raises:
        StorageError: it cannot be written.
    """
    write_whole(pool.folder / FOLDER / FILE, seal(comparison.model_dump(mode="json")))


def stored_variants(pool: Pool) -> VariantComparison | None:
    """The comparison in a pool; None where there is none, or the pool has other members or rows by now.

    Raises:
        PoolError: the file is damaged.
        StorageError: it cannot be read.
    """
    path = pool.folder / FOLDER / FILE
    if not path.is_file():
        return None
    found = unseal(VariantComparison, path)
    rows = {name: split.fingerprints() for name, split in pool.task.splits.items()}
    now = tuple(member.id for member in pool.members())
    return found if (found.members, found.fingerprints) == (now, rows) else None
