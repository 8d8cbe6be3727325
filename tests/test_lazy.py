"""A package whose names are imported when they are first used gives them as one that imports all of them at once."""

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import FunctionType

import pytest

PACKAGES = ("data", "export", "export.language", "networks", "train")


@pytest.mark.parametrize("part", PACKAGES)
def test_all_names_are_there(part: str) -> None:
    package = import_module(f"lrensemble.{part}")
    assert {*package._homes} <= {*package.__all__}
    for name in package.__all__:
        assert getattr(package, name).__name__ == name if name[0].islower() else getattr(package, name) is not None
    assert {*package.__all__, "__doc__"} <= set(dir(package))


@pytest.mark.parametrize("part", PACKAGES)
def test_a_name_has_one_home_for_the_type_checker_too(part: str) -> None:
    """What an editor is told under `TYPE_CHECKING` is what comes."""
    package = import_module(f"lrensemble.{part}")
    told: dict[str, str] = {}
    for block in ast.parse(Path(str(package.__file__)).read_text(encoding="utf-8")).body:
        if isinstance(block, ast.If):
            told |= {
                name.name: str(line.module)
                for line in block.body
                if isinstance(line, ast.ImportFrom)
                for name in line.names
            }
    assert told.keys() == package._homes.keys()
    for name, module in told.items():
        assert getattr(package, name) is getattr(import_module(module), name)


@pytest.mark.parametrize("name", ["tune", "reproduce"])
def test_a_function_stays_where_a_file_of_its_name_is_imported(name: str) -> None:
    package, file = (import_module(f"lrensemble.{each}") for each in ("train", f"train.{name}"))
    assert isinstance(getattr(package, name), FunctionType)
    assert getattr(package, name) is getattr(file, name)


def test_other_names_are_not_there() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'tuna'"):
        import_module("lrensemble.train").tuna  # noqa: B018


def test_nothing_is_imported_before_a_name_is_used() -> None:
    parts = ", ".join(f"lrensemble.{part}" for part in PACKAGES)
    script = f"import sys, {parts}; print('torch' in sys.modules, 'lrensemble.train.tune' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["False", "False"]
