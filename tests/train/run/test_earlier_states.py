"""States as versions before wrote them: a run alone had no member axis, a group said nothing of what it
inherits, and divergence was told apart.
"""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch

from lrensemble.config import Experiment
from lrensemble.train import Step, tune

MakeExperiment = Callable[..., Experiment]
Contents = Callable[[Path], dict[str, Any]]


def as_before(path: Path) -> None:
    """Write a state again in the form that it had before."""
    content = path.read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    progress = json.loads(header["__metadata__"]["progress"])
    stops = progress.pop("stops") or [None] * len(progress["histories"])
    progress["diverged"] = [stop is not None for stop in stops]  # there was no other stop
    if path.parent.parent.name.startswith("group-"):
        assert progress["diverged"] == [False, False, True]
        del progress["inherited"]
    else:
        (progress["history"],) = progress.pop("histories")
        (progress["loss_sum"],) = progress.pop("loss_sums")
        del progress["runs"], progress["diverged"]
    tensors, text = safetensors.torch.load(content), json.dumps(progress)
    checksum = hashlib.sha256(safetensors.torch.save(tensors, {"progress": text})).hexdigest()
    path.write_bytes(safetensors.torch.save(tensors, {"progress": text, "checksum": checksum}))


@pytest.mark.parametrize("execution", ["one-by-one", "fused"])
def test_a_run_goes_on_from_an_earlier_state(
    experiment: MakeExperiment, tmp_path: Path, contents: Contents, execution: str
) -> None:
    sweep = experiment(model="mlp(width=7)", policy=["constant(peak=0.01)", "cosine(peak=0.02)", "constant(peak=1e30)"])
    list(tune(sweep, tmp_path / "whole", execution=execution))
    events = tune(sweep, tmp_path / "broken", execution=execution, save_steps=3)
    for event in events:
        if isinstance(event, Step) and event.step == 12:
            events.close()
            break
    (state,) = (tmp_path / "broken" / "unfinished").glob("*/*/state.safetensors")
    as_before(state)
    resumed = [event for event in tune(sweep, tmp_path / "broken", execution=execution) if isinstance(event, Step)]
    assert resumed[0].step == 12
    assert contents(tmp_path / "whole") == contents(tmp_path / "broken")
