"""Record of what a study's pools were begun with: a file that was edited since is noticed before anything is mixed.

```
OUT/pools/<name>/experiment.json    the experiment of the pool, without what changes none of its members
```
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lrensemble.config import Experiment, Record
from lrensemble.config.study_file import Study
from lrensemble.errors import ConfigError
from lrensemble.files import seal, write_new
from lrensemble.pool.sealed import unseal

BEGUN = "experiment.json"


class Begun(Record):
    """What the members of a pool follow from."""

    experiment: Experiment


def write_begun(study: Study, name: str, pools: Path) -> None:
    """Write down what a pool is begun with, unless it was begun before.

    Raises:
        StorageError: it cannot be written.
    """
    write_new(pools / name / BEGUN, seal(Begun(experiment=study.experiment(name, 0)).model_dump(mode="json")))


def check_as_begun(study: Study, pools: Path) -> None:
    """Refuse to go on with pools of another experiment: their members would be mixed, and the costs not equal.

    Raises:
        ConfigError: a pool was begun with something else; the line names it.
        PoolError: a record is damaged.
    """
    for name in study.trained:
        path = pools / name / BEGUN
        if not path.exists():
            continue
        before, now = (_what_decides(each) for each in (unseal(Begun, path).experiment, study.experiment(name, 0)))
        changed = sorted(key for key in {**before, **now} if before.get(key) != now.get(key))
        if changed:
            key = changed[0]
            raise ConfigError(
                f"{study.source}: pools.{name}: {pools / name} was begun with {key} = {before.get(key)}, and now it is "
                f"{now.get(key)}; give another --out, or remove that folder"
            )


def _what_decides(experiment: Experiment) -> dict[str, Any]:
    """All of an experiment that decides which members it trains, by the path of the key."""
    content = experiment.model_dump(
        mode="json", exclude={"plugins": True, "select": True, "benchmarks": True, "data": {"folder"}}
    )
    return {
        f"{section}.{key}" if isinstance(keys, dict) else section: value
        for section, keys in content.items()
        for key, value in (keys.items() if isinstance(keys, dict) else [(section, keys)])
    }
