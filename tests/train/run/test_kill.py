"""`kill -9` at random moments of a sweep: nothing is lost, and the pool is equal to the last bit.

`LRENSEMBLE_KILLS=50` kills fifty times; twice otherwise.
"""

import json
import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.forked import ForkedProcess

from lrensemble.config import Experiment
from lrensemble.train import tune

KILLS = int(os.environ.get("LRENSEMBLE_KILLS", "2"))

SCRIPT = """
import json, sys
from pathlib import Path
from lrensemble.config import Experiment, to_record
from lrensemble.train import Step, tune

experiment = to_record(Experiment, json.loads(sys.argv[2]), "test")
for event in tune(experiment, Path(sys.argv[1]), save_steps=3):
    print(f"step {event.step}" if isinstance(event, Step) else type(event).__name__, flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kill -9 needs a POSIX system")
def test_killed_at_random_moments(
    experiment: Callable[..., Experiment],
    sweep: dict[str, Any],
    contents: Callable[[Path], dict[str, object]],
    forking: Path,
    tmp_path: Path,
) -> None:
    list(tune(experiment(), tmp_path / "whole"))
    expected = contents(tmp_path / "whole")
    moments = random.Random(0)
    kills = rounds = 0
    while kills < KILLS:
        folder = tmp_path / str(rounds)
        while kills < KILLS and run(
            forking, sweep, folder, stop_after=moments.randrange(25), wait=moments.random() / 50
        ):
            kills += 1
        assert not run(forking, sweep, folder, stop_after=None)
        assert contents(folder) == expected
        rounds += 1


def run(forking: Path, sweep: dict[str, Any], folder: Path, *, stop_after: int | None, wait: float = 0) -> bool:
    """Whether the sweep was killed, `wait` seconds after it printed so many lines; else it ended well."""
    with ForkedProcess(forking, ["-c", SCRIPT, folder, json.dumps(sweep)]) as process:
        for printed, _ in enumerate(process.stdout):
            if printed == stop_after:
                time.sleep(wait)
                process.kill()
                break
        process.stdout.read()
    if process.returncode == 0:
        return False
    assert process.returncode == -9
    return True
