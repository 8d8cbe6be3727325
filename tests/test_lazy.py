"""A package whose names are imported when they are first used gives them as one that imports all of them at once."""

import subprocess
import sys
from importlib import import_module
from types import FunctionType

import pytest

import lrensemble.train as package


def test_all_names_are_there_and_none_else_is_announced() -> None:
    assert sorted(vars(package)["_homes"]) == sorted(package.__all__)
    for name in package.__all__:
        assert getattr(package, name).__name__ == name if name[0].islower() else getattr(package, name) is not None
    assert {*package.__all__, "__doc__"} <= set(dir(package))


@pytest.mark.parametrize("name", ["tune", "reproduce"])
def test_a_function_stays_where_a_file_of_its_name_is_imported(name: str) -> None:
    file = import_module(f"lrensemble.train.{name}")
    assert isinstance(getattr(package, name), FunctionType)
    assert getattr(package, name) is getattr(file, name)


def test_other_names_are_not_there() -> None:
    with pytest.raises(AttributeError, match="has no attribute"):
        package.tuna  # type: ignore[attr-defined]  # noqa: B018


def test_nothing_is_imported_before_a_name_is_used() -> None:
    script = "import sys, lrensemble.train; print('torch' in sys.modules, 'lrensemble.train.tune' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["False", "False"]
