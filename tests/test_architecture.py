"""The levels of the design: a part imports only parts below it, a room only rooms below it."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from tests.source_trees import tree_of

import lrensemble

SOURCE = Path(__file__).parent.parent / "src" / "lrensemble"

# Lower levels first. The foundation (errors … config) is a chain; parts that share a level do not know each other.
LEVELS = (
    ("errors",),
    ("text",),
    ("spec", "here", "files", "environment", "numerics", "rows", "numpy_files", "class_names", "limits", "lazy"),
    ("registry",),
    ("notebook",),
    ("config",),
    ("targets",),
    ("metrics",),
    ("policies", "consensus", "models", "data", "executors"),
    ("networks",),
    ("select", "pool"),
    ("language",),
    ("train", "evaluate", "adopt"),
    ("report", "export"),
    ("studies",),
    ("front",),
    ("cli",),
    ("__main__",),
)
LEVEL = {part: level for level, parts in enumerate(LEVELS) for part in parts}

# Inside a part, lower rooms first; a room is a file or a folder. Those that share a level do not know each other.
ROOMS = {
    "train": (
        ("pace", "progress_lines", "run"),
        ("sweep",),
        ("execution",),
        ("loggers",),
        ("agreement", "status", "tune"),
        ("reproduce",),
    ),
    "select": (
        ("reading",),
        ("validation",),
        ("base",),
        ("scoring",),
        ("methods",),
        ("replicates", "returned"),
        ("cross_fit", "stability"),
        ("cautions",),
    ),
    "select.scoring": (
        ("kernels", "resample"),
        ("known_values", "learned", "losses", "mixtures", "squares"),
        ("team_scores",),
        ("bounds", "few_members", "incremental", "subset_scorer"),
        ("every_team",),
    ),
}

FILES = sorted(path for path in SOURCE.rglob("*.py") if path != SOURCE / "__init__.py")
MODULES = {
    ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts).removesuffix(".__init__")
    for path in SOURCE.rglob("*.py")
}
NAMED = MODULES - {"lrensemble"}


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts).removesuffix(".__init__")


def names_in(tree: ast.AST) -> Iterator[str]:
    """What a file takes from the package, dotted: imported at any place in it, by a name in a text, or as an attribute
    of the front door."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name != "lrensemble")
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are written absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in NAMED:
            yield node.value
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "lrensemble":
            yield f"lrensemble.{node.attr}"


def imports_of(tree: ast.AST) -> set[str]:
    """Modules of lrensemble that a file imports; what the front door gives by another name is where it comes from."""
    found = set()
    for name in names_in(tree):
        if not name.startswith("lrensemble."):
            continue
        first = name.split(".")[1]
        home = lrensemble._HOME.get(first)
        is_function = home and name.count(".") == 1  # which stays, where a part has its name as well
        module = f"lrensemble.{home}" if is_function else name
        while module not in MODULES:
            module = module.rpartition(".")[0]
        found.add(module)
    return found - {"lrensemble"}


def part_of(module: str) -> str:
    return module.split(".")[1]


BY_NAME = ("lrensemble.registry.catalogue", "lrensemble.adopt.callbacks")
"""They import by name, when it is asked for: packages whose import fills the registries; and the front door, by which
whoever uses a callback comes in."""


PATHS = {module: path for path in FILES if (module := module_of(path)) not in BY_NAME}


@pytest.fixture(scope="module")
def imports() -> dict[str, set[str]]:
    """Modules that each one imports."""
    return {module: imports_of(tree_of(path)) for module, path in PATHS.items()}


def test_a_part_imports_only_parts_below_it(imports: dict[str, set[str]]) -> None:
    assert {part_of(module) for module in imports} <= LEVEL.keys(), "a part has no level"
    wrong = [
        f"{module}: {part_of(module)} may not import {imported}"
        for module, taken in imports.items()
        for imported in {part_of(name) for name in taken} - {part_of(module)}
        if LEVEL[imported] >= LEVEL[part_of(module)]
    ]
    assert not wrong


@pytest.mark.parametrize("part", ROOMS)
def test_a_room_imports_only_rooms_below_it(part: str, imports: dict[str, set[str]]) -> None:
    """Nor the front of its own part, which knows all of them."""
    level = {room: place for place, rooms in enumerate(ROOMS[part]) for room in rooms}
    front = f"lrensemble.{part}"
    for module in sorted(name for name in imports if name.startswith(f"{front}.")):
        room = module.removeprefix(f"{front}.").split(".")[0]
        assert room in level, f"{module}: {room} has no level in {part}"
        assert front not in imports[module], f"{module} imports {front}, which imports it"
        inside = {
            name.removeprefix(f"{front}.").split(".")[0] for name in imports[module] if name.startswith(f"{front}.")
        }
        for imported in inside - {room}:
            assert level[imported] < level[room], f"{module}: {room} may not import {imported}"


def test_no_file_imports_itself_by_a_detour(imports: dict[str, set[str]]) -> None:
    below: dict[str, int] = {}

    def depth(module: str, path: tuple[str, ...]) -> int:
        assert module not in path, " <- ".join((*path[path.index(module) :], module))
        if module not in below:
            below[module] = 1 + max((depth(name, (*path, module)) for name in imports.get(module, ())), default=0)
        return below[module]

    assert max(depth(module, ()) for module in imports) > 1


@pytest.mark.parametrize(
    ("line", "module"),
    [
        ("import lrensemble.train.tune", "lrensemble.train.tune"),
        ("from lrensemble.train import tune", "lrensemble.train.tune"),
        ("from lrensemble.train.tune import tune", "lrensemble.train.tune"),
        ("from lrensemble import tune", "lrensemble.front.sweep"),
        ("from lrensemble import select", "lrensemble.front.teams"),
        ("from lrensemble import train", "lrensemble.train"),
        ("import lrensemble; lrensemble.tune(experiment, folder)", "lrensemble.front.sweep"),
        ("import_module('lrensemble.train.tune')", "lrensemble.train.tune"),
        ("homes = {'tune': 'lrensemble.train'}", "lrensemble.train"),
    ],
)
def test_an_import_is_seen_however_it_is_written(line: str, module: str) -> None:
    assert imports_of(ast.parse(line)) == {module}


@pytest.mark.parametrize("line", ["import torch", "'lrensemble'", "'lrensemble.nowhere'", "lrensemble.__version__"])
def test_nothing_is_taken_for_an_import(line: str) -> None:
    assert not imports_of(ast.parse(line))


def test_the_rooms_are_those_that_there_are() -> None:
    for part, levels in ROOMS.items():
        folder = Path(str(import_module(f"lrensemble.{part}").__file__)).parent
        there = {path.stem for path in folder.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
        assert {room for rooms in levels for room in rooms} == there - {"__init__"}, part


def test_a_docstring_begins_with_its_noun() -> None:
    texts = [
        (path.relative_to(SOURCE), node.value.value)
        for path in FILES
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    ]
    assert len(texts) > len(FILES)
    assert [(str(name), text.splitlines()[0]) for name, text in texts if text.startswith("Of ")] == []


def test_files_stay_short() -> None:
    sizes = {str(path.relative_to(SOURCE)): len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}
    assert {name: lines for name, lines in sizes.items() if lines > 300} == {}


@pytest.mark.parametrize("statement", ["import lrensemble"])
def test_importing_is_light(statement: str) -> None:
    """`lrensemble --help` must answer at once: no torch, no numba, no scikit-learn."""
    heavy = "{'torch', 'numba', 'sklearn', 'scipy', 'numpy', 'ray', 'transformers', 'plotly', 'optuna', 'datasets'}"
    script = f"import sys; {statement}; print(*sorted({heavy} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == ""
