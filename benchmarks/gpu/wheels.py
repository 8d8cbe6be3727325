"""What a machine without a package registry lacks, carried there as wheels; nothing but Python is imported.

Such a machine has torch for its GPU, numba, safetensors and scikit-learn; the rest is pure Python or small.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from zipfile import ZipFile

CARRIED = (
    *("annotated-doc", "annotated-types", "array-api-compat", "click", "colorama", "markdown-it-py", "mdurl"),
    *(
        "pydantic",
        "pydantic-core",
        "pygments",
        "rich",
        "shellingham",
        "typer",
        "typing-extensions",
        "typing-inspection",
    ),
    *("alembic", "colorlog", "greenlet", "mako", "markupsafe", "optuna", "packaging", "pyyaml", "sqlalchemy", "tqdm"),
    *("execnet", "iniconfig", "narwhals", "plotly", "pluggy", "pytest", "pytest-xdist"),
)
"""What the library, its search, its page and its tests import, without what computes."""

PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")


def pack(root: Path, folder: Path, python: str) -> None:
    """Download wheels of `CARRIED` in the tested versions, for Linux and a version of Python such as `3.12`.

    Raises:
        CalledProcessError: pip cannot; it has said why.
    """
    versions = _tested(root / "constraints.txt")
    wanted = [f"{name}=={versions[name]}" for name in CARRIED if name in versions]
    platforms = [part for platform in PLATFORMS for part in ("--platform", platform)]
    target = ["--only-binary=:all:", "--no-deps", "--implementation", "cp", "--python-version", python, *platforms]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--dest", str(folder)]
    subprocess.run([*command, *target, *wanted], check=True)


def unpack(root: Path, wheels: Path | None, site: Path) -> None:
    """Lay wheels out as an installer would, and beside them the name and version of this library, which it reads."""
    site.mkdir(parents=True, exist_ok=True)
    for wheel in sorted(wheels.glob("*.whl")) if wheels else ():
        with ZipFile(wheel) as archive:
            archive.extractall(site)
    version = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    facts = site / f"lrensemble-{version}.dist-info" / "METADATA"
    facts.parent.mkdir(exist_ok=True)
    facts.write_text(f"Metadata-Version: 2.1\nName: lrensemble\nVersion: {version}\n", encoding="utf-8")


def _tested(constraints: Path) -> dict[str, str]:
    """Versions by normalised name."""
    lines = [line.split("==") for line in constraints.read_text(encoding="utf-8").splitlines() if "==" in line]
    return {re.sub(r"[-_.]+", "-", name).lower(): version.strip() for name, version in lines}
