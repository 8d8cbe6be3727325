"""One adapter trained by two processes on the CPU, its base in parts: the same losses, and one member."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.forked import ForkedProcess
from tests.language.models import tiny_base

from lrensemble.config import Experiment, to_record
from lrensemble.errors import TrainingError
from lrensemble.pool import Pool
from lrensemble.train import Step, tune
from lrensemble.train.execution.jobs import check_execution, refuse_sharded
from lrensemble.train.run.sharded.share import WHOLE, Share

pytest.importorskip("peft")
pytest.importorskip("accelerate")

ROOT = Path(__file__).parents[3]
SCRIPT = """
import json, os, sys
from pathlib import Path
from lrensemble.config import Experiment, to_record
from lrensemble.train import Step, tune
from lrensemble.train.run.sharded import trainee

def base_parts(network):
    return sorted({type(each).__name__ for each in network.parameters() if not each.requires_grad})

stop, seen = int(sys.argv[3]), []
made = trainee.sharded
trainee.sharded = lambda *given: seen.append(made(*given)) or seen[-1]
experiment = to_record(Experiment, json.loads(sys.argv[2]), "test")
losses = []
for event in tune(experiment, Path(sys.argv[1]), execution="sharded", save_steps=1):
    if isinstance(event, Step):
        losses.append(event.loss)
    if len(losses) == stop:
        break
if os.environ["RANK"] == "0":
    own = seen[0].model
    whole = sum(each.numel() for each in own.parameters() if not each.requires_grad)
    here = sum(each.to_local().numel() for each in own.parameters() if not each.requires_grad)
    print("told", json.dumps({"losses": losses, "parts": base_parts(own), "share": here / whole}))
"""


@pytest.fixture
def content(tmp_path: Path) -> dict[str, Any]:
    return {
        "plugins": ["tests.language.toy_texts"],
        "data": "toy-texts",
        "model": {"name": "lora", "base": str(tiny_base(tmp_path / "a base")), "rank": 3, "checkpointing": True},
        "policy": ["cosine(peak=0.03)"],
        "train": {"epochs": 2, "batch_size": 8, "optimizer": "adamw", "clip_norm": 1.0, "accumulate": 2},
    }


def launched(pool: Path, content: dict[str, Any], stop: int) -> dict[str, Any]:
    """What the first of two processes tells, as `torchrun`, which `accelerate launch` calls, starts them."""
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "--no-python"]
    command += [sys.executable, "-c", SCRIPT, str(pool), json.dumps(content), str(stop)]
    search = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    own = {"OMP_NUM_THREADS": "1", "PYTHONPATH": search}
    done = subprocess.run(command, env={**os.environ, **own}, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return told_in(done.stdout)


def forked(address: Path, pool: Path, content: dict[str, Any], stop: int = 99) -> dict[str, Any]:
    """What the first of two forked processes tells, which have the variables that `torchrun` sets."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    own = {"OMP_NUM_THREADS": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "PYTHONPATH": str(ROOT)}
    own |= {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}
    command = ["-c", SCRIPT, pool, json.dumps(content), stop]
    with ExitStack() as stack:
        leader, other = (
            stack.enter_context(
                ForkedProcess(address, command, errors=False, folder=ROOT, RANK=rank, LOCAL_RANK=rank, **own)
            )
            for rank in "01"
        )
        output, _ = leader.communicate(timeout=300)
        assert (leader.returncode, other.wait(timeout=300)) == (0, 0)
    return told_in(output)


def told_in(output: str) -> dict[str, Any]:
    """The line that the first process writes."""
    (line,) = [each for each in output.splitlines() if each.startswith("told ")]
    told: dict[str, Any] = json.loads(line.removeprefix("told "))
    return told


@pytest.mark.parametrize("by", ["hand", pytest.param("torchrun", marks=pytest.mark.long)])
@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")  # peft asks
def test_it_is_as_in_one_process_and_goes_on_where_it_was_stopped(
    content: dict[str, Any], tmp_path: Path, forking: Path, by: str
) -> None:
    pool = tmp_path / "pool"
    begun = launched(pool, content, stop=2) if by == "torchrun" else forked(forking, pool, content, stop=2)
    told = forked(forking, pool, content)
    assert told["parts"] == ["DTensor"]
    assert told["share"] == pytest.approx(0.5, abs=0.05)
    alone = [
        event.loss
        for event in tune(to_record(Experiment, content, "test"), tmp_path / "alone", save_steps=1)
        if isinstance(event, Step)
    ]
    np.testing.assert_allclose([*begun["losses"], *told["losses"]], alone, rtol=1e-4)
    (member,), (expected,) = Pool.open(tmp_path / "pool").members(), Pool.open(tmp_path / "alone").members()
    assert member.id == expected.id
    assert member.record()["made_with"]["execution"] == "sharded"
    np.testing.assert_allclose(member.predictions("test").main, expected.predictions("test").main, atol=1e-3)
    for name, tensor in expected.weights().items():
        assert torch.allclose(torch.as_tensor(member.weights()[name]), torch.as_tensor(tensor), atol=1e-3), name
    assert not list((tmp_path / "pool" / "unfinished").iterdir())


def test_shares_of_a_batch_are_all_of_it_once() -> None:
    rows = np.arange(12)
    parts = [Share(number, 3).rows(rows) for number in range(3)]
    assert sorted(np.concatenate(parts).tolist()) == rows.tolist()
    assert {len(each) for each in parts} == {4}
    assert WHOLE.rows(rows).tolist() == rows.tolist()
    assert WHOLE.seed(7) == 7
    assert len({Share(number, 3).seed(7) for number in range(3)}) == 3


def test_what_is_refused_is_one_line(content: dict[str, Any], tmp_path: Path) -> None:
    experiment = to_record(Experiment, content, "test")
    with pytest.raises(
        TrainingError, match=r"trains one member in several processes, and this is one; start them: acc"
    ):
        tune(experiment, tmp_path / "pool", execution="sharded")
    with pytest.raises(TrainingError, match="execution sharded is not reproducible"):
        check_execution("sharded", None, reproducible=True)
    with pytest.raises(TrainingError, match="give it to tune, and then select and evaluate in one process"):
        refuse_sharded("sharded")
