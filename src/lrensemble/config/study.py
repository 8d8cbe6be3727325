"""The study file: pools of one experiment that are compared at equal cost.

```toml
experiment = "digits"                      # a name that ships, or a path from this file
replicates = 3

[budget]
epochs = 128                               # of each pool, all of its runs together

[pools.shared]
sweep.seed = "shared"
[pools.each]
[pools.split]
sweep.strategy = "tune_then_seed(runs=16)"
[pools.deep]                               # the seeds of one recipe, with the runs that found it counted
from = "split"
members = "seeds"
[pools.elsewhere]
folders = ["collected/a", "collected/b", "collected/c"]
```
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from lrensemble.config.experiment import SelectSettings
from lrensemble.config.records import PositiveInt, Record

PoolName = str
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,63}")

Section = dict[str, Any] | None
"""Keys of a section of an experiment that replace its own; checked as part of the experiment."""
PositiveFloat = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class BudgetSettings(Record):
    """What each pool may cost in each replicate: all of its runs together, also those that no team can be chosen from."""

    epochs: PositiveInt | None = None
    """Passes over the training rows; checked before anything is trained."""
    seconds: PositiveFloat | None = None
    """Seconds of training, as measured; no run begins after them."""

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.epochs is None) == (self.seconds is None):
            raise ValueError("give epochs or seconds, one of the two")
        return self


class ScalingSettings(Record):
    """Sub-pools that are drawn from one large pool, to see how the gain grows with its size."""

    pool: Annotated[tuple[PositiveInt, ...], Field(min_length=1, strict=False)] = (16, 32, 64, 128)
    """Members of a sub-pool; sizes that the pool does not reach are left out."""
    of: PoolName | None = None
    """The pool that they are drawn from; the one with the most members unless given."""
    draws: PositiveInt = 10
    """Sub-pools of each size."""


class PoolSettings(Record):
    """One pool of a study: what is trained for it in place of the experiment's own, or where it lies."""

    model: Section | str = None
    """The network, in place of the experiment's."""
    policy: Any = None
    """The policies, in place of the experiment's."""
    train: Section = None
    """Keys of `[train]` that replace the experiment's."""
    sweep: Section = None
    """Keys of `[sweep]` that replace the experiment's."""
    folder: Path | None = Field(default=None, strict=False)
    """A pool that was made elsewhere, from the file; nothing is trained."""
    folders: Annotated[tuple[Path, ...], Field(strict=False)] = ()
    """Pools that were made elsewhere, one for each replicate, from the file."""
    from_: Annotated[PoolName | None, Field(alias="from")] = None
    """A pool of the study that this one is a part of; all that it cost is counted."""
    members: Literal["seeds"] | None = None
    """Which part: `seeds` for the members that share the recipe which has the most seeds, the best by val of several."""
    beyond_budget: bool = False
    """Whether it may cost something else than the budget says; every table says so."""


class StudySettings(Record):
    """Pools that are compared, and what they have in common."""

    experiment: str
    """The experiment that all pools begin with: a name that ships, or a path from the file."""
    plugins: Annotated[tuple[str, ...], Field(strict=False)] = ()
    """Modules that register names, beside those of the experiment."""
    replicates: PositiveInt = 1
    """How often every pool is trained, each time from another base seed (`train.seed`)."""
    budget: BudgetSettings | None = None
    """What each pool may cost; the same for all, whatever it is, unless given."""
    data: Section | str = None
    """The data set, for all pools."""
    split: Section = None
    """Keys of `[split]`, for all pools."""
    model: Section | str = None
    """The network, for all pools that name none."""
    policy: Any = None
    """The policies, for all pools that name none."""
    train: Section = None
    """Keys of `[train]`, for all pools."""
    sweep: Section = None
    """Keys of `[sweep]`, for all pools."""
    select: SelectSettings = SelectSettings()
    """The selectors that are run on every pool, and what teams aim at."""
    scaling: ScalingSettings | None = None
    """How the gain grows with the size of a pool; not looked at unless given."""
    pools: Annotated[dict[PoolName, PoolSettings], Field(min_length=1)]
    """The pools, by name."""

    @field_validator("pools")
    @classmethod
    def _named_for_folders(cls, pools: dict[str, PoolSettings]) -> dict[str, PoolSettings]:
        for name in pools:
            if not _NAME.fullmatch(name):
                raise ValueError(f"pool {name!r} is refused; name it by letters, digits, '.', '_' and '-'")
        return pools
