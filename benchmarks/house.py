"""How calm the house is: files, levels and arrows of its parts, calls from a verb to the computation, sizes, words.

    python -m benchmarks.house

All of it is counted from the files, and the calls from a run of the two verbs; nothing here is timed.
"""

from __future__ import annotations

import ast
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout, suppress
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import lrensemble

SOURCE = Path(lrensemble.__file__).parent

LIFE = (
    *("life", "progress/journal", "progress/events", "trainees", "loop", "single", "predictions"),
    *("arithmetic/scaled", "arithmetic/optimizers", "fused/trainee", "fused/stacked", "fused/optimizers"),
)
"""Files of `train/run` that tell the life of a run of networks, alone or in one program, from its recipe to its record.
"""

FURTHER = ("sequences", "fused/sequences", "fused/adapters", "own_loop/", "sharded/")
"""Files and folders of it for what is trained otherwise: texts, adapters, in several processes, by a user's function.
All others there serve both: claims, states, threads, numbers.
"""

NAMES_OF_VALUES = frozenset({"values", "gaussian", "regression"})
"""What a target of numbers, its forms and its learning are called in code."""

CLASSES_OF_VALUES = frozenset({"Values", "RealValues", "Gaussian"})
"""Its classes in `targets`."""

ABOUT_VALUES = (
    *("metrics/values", "metrics/distributions", "metrics/diversity/ambiguity", "consensus/values"),
    "pool/collect/reading/outputs",
    *("data/diabetes", "data/linnerud", "front/estimators/regressor"),
    *("report/sections/residuals", "report/sections/value_rows", "report/sections/ambiguity"),
)
"""Files that serve that target alone: they are its own, as those of `targets/` are."""

OTHER_WORD = ("config/sweep", "train/sweep/range_test")
"""Files where `values` is an argument of a range: what may be chosen of a list."""

EXPERIMENT = """
data = "digits"
model = "mlp(width=3)"
[train]
epochs = 1
[[policy]]
name = "constant"
peak = 0.1
"""


def files(part: str = "") -> list[Path]:
    """Source files of a part, or of all."""
    return sorted((SOURCE / part).rglob("*.py"))


def lines(path: Path) -> int:
    """Lines of a file, all counted."""
    return len(path.read_text(encoding="utf-8").splitlines())


def code_lines(path: Path) -> int:
    """Lines of a file that are no docstring, comment or import, nor blank."""
    source = path.read_text(encoding="utf-8")
    nodes = list(ast.walk(ast.parse(source)))
    left_out = {
        number
        for node in nodes
        if isinstance(node, ast.Import | ast.ImportFrom)
        or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str))
        for number in range(node.lineno, (node.end_lineno or 0) + 1)
    }
    kept = [line.strip() for number, line in enumerate(source.splitlines(), start=1) if number not in left_out]
    return sum(bool(line) and not line.startswith("#") for line in kept)


def imports(part: str) -> dict[str, set[str]]:
    """For each module of a part those of the same part that it imports; packages themselves are left out."""
    names = {".".join(path.relative_to(SOURCE).with_suffix("").parts): path for path in files(part)}
    found: dict[str, set[str]] = {}
    for name, path in names.items():
        if path.name != "__init__.py":
            nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
            taken = {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
            taken |= {f"{n.module}.{a.name}" for n in nodes if isinstance(n, ast.ImportFrom) for a in n.names}
            found[name] = {each.removeprefix("lrensemble.") for each in taken} & names.keys() - {name}
    return found


def levels(arrows: dict[str, set[str]]) -> int:
    """The longest chain of imports."""

    def height(name: str, above: tuple[str, ...] = ()) -> int:
        below = arrows.get(name, set()) - {name, *above}
        return 1 + max((height(other, (*above, name)) for other in below), default=0)

    return max(map(height, arrows))


def floors() -> dict[str, int]:
    """Files on one floor, by folder."""
    return {
        str(folder.relative_to(SOURCE)): sum(path.name != "__init__.py" for path in folder.glob("*.py"))
        for folder in sorted({path.parent for path in files()})
    }


def docstrings(tree: ast.AST) -> Iterator[str]:
    """Of modules, classes, functions, and of the names that a text in the line below them describes."""
    for node in ast.walk(tree):
        for statement in node.body if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) else []:
            value = statement.value if isinstance(statement, ast.Expr) else None
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                yield value.value


def beginning_with_of() -> list[str]:
    """Where a docstring has no noun to begin with."""
    found = []
    for path in files():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        name = path.relative_to(SOURCE)
        found += [f"{name}: {text.splitlines()[0]}" for text in docstrings(tree) if text.startswith("Of ")]
    return found


def touched_by_values() -> list[str]:
    """Files that name the target of numbers, a form or a class of it in code, beside its own.

    A target that is added is edited into these; all others ask their target. What a metric, a consensus or a measure
    says of itself where it is registered (`targets=`) is its own.
    """
    own = {SOURCE / f"{name}.py" for name in (*ABOUT_VALUES, *OTHER_WORD)}
    paths = [path for path in files() if path not in own and not path.is_relative_to(SOURCE / "targets")]
    return [str(path.relative_to(SOURCE)) for path in paths if _names_values(path)]


def _names_values(path: Path) -> bool:
    text = path.read_text(encoding="utf-8")
    quoted = (f"{quote}{name}{quote}" for name in NAMES_OF_VALUES for quote in "\"'")
    if not any(each in text for each in (*quoted, *CLASSES_OF_VALUES)):
        return False  # without a tree: hundreds of files
    tree = ast.parse(text)
    facts = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "register"
        for part in ast.walk(node)
    }
    return any(
        (isinstance(node, ast.Constant) and node.value in NAMES_OF_VALUES and id(node) not in facts)
        or (
            isinstance(node, ast.ImportFrom)
            and str(node.module).startswith("lrensemble.targets")
            and any(alias.name in CLASSES_OF_VALUES for alias in node.names)
        )
        for node in ast.walk(tree)
    )


def long_functions(limit: int) -> tuple[int, int]:
    """How many functions have more lines than that, and how many there are."""
    sizes = [
        1 + (node.end_lineno or 0) - node.lineno
        for path in files()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    ]
    return sum(size > limit for size in sizes), len(sizes)


def paths_of(*names: str) -> dict[str, list[Path]]:
    """Files of `train/run` by name; a name that ends with a slash is all of a folder."""
    home = SOURCE / "train" / "run"
    return {name: [*(home / name).glob("*.py")] if name[-1] == "/" else [home / f"{name}.py"] for name in names}


def calls_to(goal: Callable[[FrameType], bool], arguments: list[str]) -> list[str]:
    """Our functions on the way from a verb, which is the face of one of them, to the first call that is the goal.

    A generator that hands on what another yields counts as a function, and a comprehension does not.
    """
    from lrensemble.cli import main

    found: list[str] = []

    def watch(frame: FrameType, event: str, _argument: Any) -> None:
        if not found and event == "call" and goal(frame):
            found.extend(reversed(list(_ours(frame))))

    before, sys.argv = sys.argv, ["lrensemble", *arguments]
    sys.setprofile(watch)
    try:
        with suppress(SystemExit), redirect_stdout(sys.stderr):
            main()
    finally:
        sys.setprofile(None)
        sys.argv = before
    return found


def _ours(frame: FrameType | None) -> Iterator[str]:
    while frame is not None:
        if _is_ours(frame.f_code):
            yield f"{Path(frame.f_code.co_filename).relative_to(SOURCE)}:{frame.f_code.co_qualname}"
        frame = frame.f_back


def _is_ours(code: CodeType) -> bool:
    folder = Path(code.co_filename).parent
    named = not code.co_name.startswith("<")
    return named and folder.is_relative_to(SOURCE) and folder != SOURCE / "cli"


def to_a_gradient(folder: Path) -> list[str]:
    """From `lrensemble run` to the gradient of the first step."""
    experiment = folder / "experiment.toml"
    experiment.write_text(EXPERIMENT, encoding="utf-8")
    arguments = ["run", str(experiment), "--out", str(folder / "run"), "--execution", "one-by-one"]

    def is_backward(frame: FrameType) -> bool:
        return frame.f_code.co_name == "backward" and "torch" in frame.f_code.co_filename

    return calls_to(is_backward, arguments)


def to_a_score(folder: Path) -> list[str]:
    """From `lrensemble select` to the scores of the first teams."""
    scoring = str(SOURCE / "select" / "scoring")
    names = ("scores", "team_score")
    return calls_to(
        lambda frame: frame.f_code.co_name in names and frame.f_code.co_filename.startswith(scoring),
        ["select", str(folder / "run" / "pool")],
    )


def main() -> None:
    """Print the counts."""
    for part in ("train", "select"):
        arrows = imports(part)
        count = sum(map(len, arrows.values()))
        print(f"{part}: {len(arrows)} files, {levels(arrows)} levels, {count} arrows")
    counted = {"life of a run": LIFE, "what is trained otherwise": FURTHER}
    for what, names in counted.items():
        story = paths_of(*names)
        count, code = (sum(each(path) for paths in story.values() for path in paths) for each in (lines, code_lines))
        told = ", ".join(f"{name} {sum(map(lines, paths))}" for name, paths in story.items())
        print(f"{what}: {count} lines, {code} of them code, in {told}")
    sizes = [lines(path) for path in files()]
    print(f"all: {len(sizes)} files, median {statistics.median(sizes):.0f} lines, longest {max(sizes)}")
    long, count = long_functions(50)
    print(f"functions above 50 lines: {long} of {count} ({100 * long / count:.2f} %)")
    print("files on a floor:", ", ".join(f"{name} {n}" for name, n in floors().items() if n > 12) or "none above 12")
    print(f"docstrings that begin with 'Of': {len(beginning_with_of())}")
    touched = touched_by_values()
    print(f"files outside its own that name the target `values`: {len(touched)}: {', '.join(touched)}")
    with tempfile.TemporaryDirectory() as folder:
        ways = {"run to a gradient": to_a_gradient(Path(folder)), "select to a score": to_a_score(Path(folder))}
    for name, way in ways.items():
        print(f"{name}: {len(way)} of our functions: {' -> '.join(way)}")


if __name__ == "__main__":
    main()
