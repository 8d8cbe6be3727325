"""Every dependency has an upper bound, the tested versions are within the bounds, and check-newest goes beyond them."""

import importlib.util
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
OWN = [
    *PROJECT["project"]["dependencies"],
    *(each for extra in PROJECT["project"]["optional-dependencies"].values() for each in extra),
]
TESTED = dict(
    line.lower().replace("_", "-").split("==")
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    if re.match(r"[\w-]+==", line)
)


@pytest.fixture(scope="module")
def script() -> Any:
    place = importlib.util.spec_from_file_location("check_newest", ROOT / ".ci" / "check_newest.py")
    assert place is not None
    assert place.loader is not None
    module = importlib.util.module_from_spec(place)
    place.loader.exec_module(module)
    return module


@pytest.mark.parametrize("text", OWN)
def test_every_dependency_has_bounds_that_hold_the_tested_version(text: str) -> None:
    requirement = Requirement(text)
    assert {each.operator for each in requirement.specifier} == {">=", "<"}
    if (tested := TESTED.get(requirement.name.lower())) is not None:
        assert requirement.specifier.contains(tested)
        assert not requirement.specifier.contains(f"{int(tested.split('.')[0]) + 1}.0"), "a new major version"


def test_newest_has_no_upper_bound(script: Any) -> None:
    found = [Requirement(each) for each in script.wanted(PROJECT, ["torch==2.13.0"])]
    assert {each.operator for one in found for each in one.specifier if one.name != "torch"} == {">="}
    assert [str(one) for one in found if one.name == "torch"] == ["torch==2.13.0"]
    needed = {Requirement(each).name for each in PROJECT["project"]["dependencies"]}
    assert needed <= {one.name for one in found}
    assert script.loosened("ray[default]>=2.40,<3") == "ray[default]>=2.40"


def test_it_says_how_it_is_used() -> None:
    command = [sys.executable, str(ROOT / ".ci" / "check_newest.py"), "--help"]
    assert "--keep NAME==VERSION" in subprocess.run(command, capture_output=True, text=True, check=True).stdout
