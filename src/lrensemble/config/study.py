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

from pydantic import Field, model_validator

from lrensemble.config.experiment import SelectSettings
from lrensemble.config.records import PositiveInt, Record
from lrensemble.errors import ConfigError
from lrensemble.registry import nearest

POOL_SECTIONS = ("model", "policy", "train", "sweep")
"""Sections of an experiment that a pool may replace; the others make the rows, which all pools share."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,63}")

Section = dict[str, Any] | None
"""Keys of a section of an experiment that replace its own; checked as part of the experiment."""
PositiveFloat = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class BudgetSettings(Record):
    """What each pool may cost in each replicate: all of its runs together, also those that end without a member."""

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
    of: str | None = None
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
    folders: Annotated[tuple[Annotated[Path, Field(strict=False)], ...], Field(strict=False)] = ()
    """Pools that were made elsewhere, one for each replicate, from the file."""
    from_: Annotated[str | None, Field(alias="from")] = None
    """A pool of the study that this one is a part of; all that it cost is counted."""
    members: Literal["seeds"] | None = None
    """Which part: `seeds` for the members of the recipe that has the most seeds, the best by val of several."""
    beyond_budget: bool = False
    """Whether it may cost something else than the budget says; the comparison is told so."""

    @property
    def elsewhere(self) -> tuple[Path, ...]:
        """Folders of a pool that was made elsewhere, the first replicate first."""
        return self.folders if self.folder is None else (self.folder,)

    @property
    def is_trained(self) -> bool:
        """Whether its members are trained for the study."""
        return not self.elsewhere and self.from_ is None


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
    pools: Annotated[dict[str, PoolSettings], Field(min_length=1)]
    """The pools, by name."""

    @model_validator(mode="after")
    def _pools_fit(self) -> Self:
        for name in self.pools:
            _check_pool(self, name)
        scaled = self.scaling.of if self.scaling else None
        if scaled is not None and scaled not in self.pools:
            raise ConfigError(f"scaling.of: the study has no pool {scaled!r}{nearest(scaled, self.pools)}")
        return self


def _check_pool(study: StudySettings, name: str) -> None:
    pool, place = study.pools[name], f"pools.{name}"
    if not _NAME.fullmatch(name):
        raise ConfigError(f"{place}: the name is that of a folder; give letters, digits, '.', '_' and '-'")
    ways = [key for key, given in (("folder", pool.folder), ("folders", pool.folders), ("from", pool.from_)) if given]
    sections = [section for section in POOL_SECTIONS if getattr(pool, section) is not None]
    if len(ways) > 1 or (ways and sections):
        raise ConfigError(f"{place}: {ways[0]} and {[*ways, *sections][1]} contradict each other; keep one of the two")
    if len(pool.elsewhere) > study.replicates:
        raise ConfigError(f"{place}: {len(pool.elsewhere)} folders for {study.replicates} replicates; raise replicates")
    if (pool.from_ is None) != (pool.members is None):
        raise ConfigError(f"{place}: give from and members together, or none of the two")
    if pool.from_ is not None and (pool.from_ not in study.pools or study.pools[pool.from_].from_ is not None):
        known = [other for other, settings in study.pools.items() if settings.from_ is None]
        raise ConfigError(
            f"{place}.from: no pool {pool.from_!r} that is no part of another{nearest(pool.from_, known)}"
        )
