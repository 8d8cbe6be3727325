"""Run the tests with the newest version of everything, beyond the upper bounds of pyproject.toml too.

A fresh environment is made each time. What passes here may have its bound raised; what fails says what a new version
breaks before a user meets it. Its last lines name the packages that are beyond their bounds.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXTRAS = ("hub", "mlflow", "onnx", "report", "search", "serve", "tensorboard")
"""That the tests use, as `make test` installs them."""


def requirements(project: dict[str, object]) -> list[str]:
    """What the tests need, as pyproject.toml has it."""
    described: dict[str, list[str] | dict[str, list[str]]] = project["project"]  # type: ignore[assignment]
    groups: dict[str, list[str]] = project["dependency-groups"]  # type: ignore[assignment]
    extras: dict[str, list[str]] = described["optional-dependencies"]  # type: ignore[assignment]
    own = [*described["dependencies"], *(each for extra in EXTRAS for each in extras[extra]), *groups["dev"]]
    return list(dict.fromkeys(own))


def loosened(requirement: str) -> str:
    """A requirement without its upper bound: `numpy>=2.0,<3` to `numpy>=2.0`."""
    return re.sub(r",?\s*<=?\s*[\w.*]+", "", requirement)


def name_of(requirement: str) -> str:
    """`huggingface-hub` of `huggingface_hub>=0.26`."""
    return re.split(r"[\s\[<>=!~;]", requirement, maxsplit=1)[0].lower().replace("_", "-")


def wanted(project: dict[str, object], keep: list[str]) -> list[str]:
    """What is installed: everything without its upper bound, but what is kept as it is given."""
    kept = {name_of(each) for each in keep}
    return [*(loosened(each) for each in requirements(project) if name_of(each) not in kept), *keep]


def main() -> int:
    """Make the environment, run the tests, and name what is beyond its bound; the status of the tests."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--keep", action="append", default=[], metavar="NAME==VERSION", help="a version to stay at")
    parser.add_argument("--environment", type=Path, default=ROOT / ".venv-newest", metavar="DIR", help="made afresh")
    parser.add_argument("tests", nargs="*", metavar="PYTEST", help="arguments of pytest, after --; all tests if none")
    given = parser.parse_args()
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)
    venv.create(given.environment, clear=True, with_pip=True)
    python = given.environment / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*install, *wanted(project, given.keep)], check=True)
    # Without its dependencies: their bounds are what is tried here.
    subprocess.run([*install, "--no-deps", "--editable", str(ROOT)], check=True)
    tested = subprocess.run([str(python), "-m", "pytest", *(given.tests or ["-n", "auto"])], cwd=ROOT, check=False)
    beyond = subprocess.run([str(python), "-m", "pip", "check"], capture_output=True, text=True, check=False).stdout
    lines = [line for line in beyond.splitlines() if line.startswith("lrensemble")]
    sys.stdout.write("\n".join(lines or ["nothing newer than the bounds has been released"]) + "\n")
    return tested.returncode


if __name__ == "__main__":
    sys.exit(main())
