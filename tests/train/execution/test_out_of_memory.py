"""Memory that does not suffice: a group is halved when what failed is let go, a run alone has failed."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tests.train import own_memory

from lrensemble.config import Experiment
from lrensemble.pool import Pool
from lrensemble.train import Ended, tune
from lrensemble.train.execution.memory import is_out_of_memory

MakeExperiment = Callable[..., Experiment]
PEAKS = [f"cosine(peak={peak})" for peak in (0.01, 0.02, 0.03, 0.04)]


@pytest.mark.parametrize("error", [MemoryError(), torch.OutOfMemoryError("CUDA out of memory. Tried …")])
def test_errors_of_a_class_of_their_own(error: Exception) -> None:
    assert is_out_of_memory(error)


def test_errors_that_say_so() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60, dtype=torch.uint8)
    assert is_out_of_memory(caught.value)
    assert is_out_of_memory(RuntimeError("MPS backend out of memory (MPS allocated: 18 GB)"))
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied (4x3 and 5x6)"))
    assert not is_out_of_memory(ValueError("out of memory"))


@pytest.mark.parametrize("execution", ["one-by-one", "fused"])
def test_a_run_that_does_not_fit_has_failed_and_the_others_go_on(
    experiment: MakeExperiment, tmp_path: Path, execution: str
) -> None:
    models = {"space": {"model": ["tests.train.own_memory:huge", "mlp(width=3)"]}}
    sweep = experiment(policy=PEAKS[:2], sweep=models, train={"epochs": 1})
    statuses = {
        e.run.name: (e.status, e.reason) for e in tune(sweep, tmp_path, execution=execution) if isinstance(e, Ended)
    }
    assert [status for name, (status, _) in sorted(statuses.items()) if "huge" not in name] == ["finished"] * 2
    reasons = [reason for name, (status, reason) in statuses.items() if "huge" in name and status == "failed"]
    assert len(reasons) == 2
    assert all("can't allocate memory" in reason for reason in reasons)
    assert len(Pool.open(tmp_path).failures()) == 2


def test_a_group_that_does_not_fit_is_halved_when_what_failed_is_let_go(
    experiment: MakeExperiment, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    own_memory.failed.clear()
    own_memory.held.clear()
    sweep = experiment(policy=PEAKS, model="tests.train.own_memory:crowded", train={"epochs": 1})
    with caplog.at_level(logging.WARNING):
        statuses = [e.status for e in tune(sweep, tmp_path, execution="fused") if isinstance(e, Ended)]
    assert statuses == ["finished"] * 4
    assert "out of memory with 4 members at once; going on with half as many" in caplog.text
    assert len(own_memory.failed) == 1
    assert own_memory.held[-1] == 0
    made = [member.made_with for member in Pool.open(tmp_path).members()]
    assert {(each.execution, each.group_size) for each in made if each} == {("fused", 2)}
    assert not list((tmp_path / "unfinished").iterdir())
