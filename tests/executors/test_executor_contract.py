"""The contract of executors, over all that are registered but Ray's, whose cluster all of its tests share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.executors.contract import CONTRACT

from lrensemble.errors import LREnsembleError
from lrensemble.executors import EXECUTORS, Executor

HERE = {"in_process": "in_process", "processes": "processes(workers=2)"}


@pytest.mark.parametrize("promise", CONTRACT, ids=lambda promise: promise.__name__)
@pytest.mark.parametrize("spec", HERE.values())
def test_the_contract(spec: str, promise: Callable[[Executor, Path], None], tmp_path: Path) -> None:
    promise(EXECUTORS.call(spec), tmp_path)


def test_all_that_are_registered_are_tested() -> None:
    assert {name for name in EXECUTORS if EXECUTORS.find(name).shipped} == {*HERE, "ray"}


def test_a_device_in_another_process_needs_one() -> None:
    with pytest.raises(LREnsembleError, match=r"executor in_process has one device \(cpu, cpu:0 were given\)"):
        EXECUTORS.call("in_process").places(["cpu", "cpu:0"])
    assert EXECUTORS.call("processes").places(["cpu", "cpu:0"]) == ("cpu", "cpu:0")
    assert EXECUTORS.call("processes(workers=3)").places(["cpu"]) == ("cpu", "cpu", "cpu")
