"""The levels of the design: a part imports only parts below it, and heavy libraries only where they are needed."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "lrensemble"

# Lower levels first. The foundation (errors … config) is a chain; parts that share a level do not know each other.
LEVELS = (
    ("errors",),
    ("spec", "files", "environment", "numerics", "rows"),
    ("registry",),
    ("config",),
    ("metrics",),
    ("policies", "consensus", "models", "data", "executors"),
    ("select", "pool"),
    ("train", "evaluate"),
    ("report", "export"),
    ("cli",),
    ("__main__",),
)
LEVEL = {part: level for level, parts in enumerate(LEVELS) for part in parts}


def part_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imports_of(path: Path) -> set[str]:
    """Parts of lrensemble that a file imports, at module level or inside a function."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are written absolute"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        found |= {name.split(".")[1] for name in names if name.startswith("lrensemble.")}
    return found


FILES = sorted(path for path in SOURCE.rglob("*.py") if path != SOURCE / "__init__.py")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_part_imports_only_parts_below_it(path: Path) -> None:
    part = part_of(path)
    assert part in LEVEL, f"{part} has no level"
    for imported in imports_of(path) - {part, "__version__"}:
        assert LEVEL[imported] < LEVEL[part], f"{path}: {part} may not import {imported}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_files_stay_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300


@pytest.mark.parametrize("statement", ["import lrensemble"])
def test_importing_is_light(statement: str) -> None:
    """`lrensemble --help` must answer at once: no torch, no numba, no scikit-learn."""
    heavy = "{'torch', 'numba', 'sklearn', 'scipy', 'numpy', 'ray', 'transformers', 'plotly', 'optuna', 'datasets'}"
    script = f"import sys; {statement}; print(*sorted({heavy} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == ""
