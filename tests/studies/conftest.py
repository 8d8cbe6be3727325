"""A study of tiny networks on digits, and what happens in it."""

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from lrensemble.config.study_file import Study, load_study
from lrensemble.pool import Pool
from lrensemble.studies import PoolBegins, Pools, train_pools
from lrensemble.train import Ended, Step, tune

HEAD = """
experiment = "e.toml"
"""

EXPERIMENT = """
data = "digits"
model = "mlp(width=7)"
policy = ["constant(peak=0.1)", "one_cycle(peak=0.4)"]
[split]
val = 0.2
test = 0.35
[train]
epochs = 2
batch_size = 100
"""
"""Two runs of two epochs of eight steps."""

POOLS = """
[pools.each]
[pools.shared]
sweep.seed = "shared"
"""

MakeStudy = Callable[..., Study]


class Trained:
    """What a study has told, and its pools; the part that was told where it was stopped."""

    def __init__(self, study: Study, out: Path, stop_after: int | None = None, **more: Any) -> None:
        self.begun: list[PoolBegins] = []
        self.ended: list[str] = []
        self.steps = 0
        self.pools: Pools = {}
        events = train_pools(study, out, partial(tune, **more))
        while True:
            try:
                event = next(events)
            except StopIteration as end:
                self.pools = end.value
                return
            self.begun += [event] if isinstance(event, PoolBegins) else []
            self.ended += [event.status] if isinstance(event, Ended) else []
            self.steps += isinstance(event, Step)
            if stop_after is not None and self.steps >= stop_after:
                events.close()
                return


@pytest.fixture(autouse=True)
def one_thread() -> Iterable[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def study(tmp_path: Path) -> MakeStudy:
    """The study that a file says, in a folder whose name has a space."""
    folder = tmp_path / "a study"
    folder.mkdir()
    (folder / "e.toml").write_text(EXPERIMENT)

    def make(text: str = POOLS, head: str = "") -> Study:
        path = folder / "s.toml"
        path.write_text(f"{HEAD}{head}\n{text}")
        return load_study(path)

    return make


def ids(pool: Pool) -> list[str]:
    return [member.id for member in pool.members(include_diverged=True)]
