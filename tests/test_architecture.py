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
    ("text",),
    ("spec", "files", "environment", "numerics", "rows", "numpy_files", "class_names", "limits"),
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


PATH_CALLS = {
    *("write_text", "write_bytes", "mkdir", "rmdir", "unlink", "touch", "rename", "chmod", "symlink_to", "hardlink_to"),
    *("save_file", "save_model", "savez", "savez_compressed", "savetxt", "tofile", "to_parquet", "write_table"),
    *("write_image", "write_images", "write_html", "FileHandler", "RotatingFileHandler", "extractall"),
}
"""Methods and functions that write, whatever they are called on."""

OS_CALLS = {
    *("open", "write", "remove", "unlink", "rename", "renames", "replace", "mkdir", "makedirs", "rmdir", "removedirs"),
    *("link", "symlink", "truncate", "ftruncate", "utime", "chmod", "chown", "posix_fallocate", "mkfifo", "mknod"),
}

OPEN_THINGS = ("os", "Pool", "cls", "Image", "PIL.Image", "archive")
"""Their `open` takes a path, and no mode."""

ALLOWED = {
    ("cli/ending.py", "os.open"): "nothing, in the place of streams that are closed or full",
    ("data/cache.py", "np.save"): "to a file that the storage layer has opened",
    ("export/predictions.py", "parquet.write_table"): "to memory",
    ("export/torch_program.py", "torch.export.save"): "to memory",
    ("select/every_team.py", "np.savez"): "to a file that the storage layer has opened",
    ("select/every_team.py", "parquet.write_table"): "to a file that the storage layer has opened",
}
"""What may write elsewhere, and why; the database of an Optuna study is written by Optuna itself."""


def writing_calls(tree: ast.AST) -> set[str]:
    """The calls of a file that write to disk, as far as names tell; a mode that is not plain counts as writing."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [str(node.module)]
            found |= {f"import {name}" for name in modules if name.split(".")[0] in ("shutil", "tempfile")}
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name | ast.Attribute):
            continue
        called = ast.unparse(node.func)
        owner, _, name = called.rpartition(".")
        modes = [
            *(keyword.value for keyword in node.keywords if keyword.arg == "mode"),
            *(node.args[1:2] if owner in ("", "io") else node.args[:1]),
        ]
        plain = all(isinstance(mode, ast.Constant) and not set("wax+") & set(str(mode.value)) for mode in modes)
        if (
            (owner == "os" and name in OS_CALLS)
            or (name == "open" and owner not in OPEN_THINGS and modes and not plain)
            or (name in PATH_CALLS and owner)
            or (name == "replace" and owner and len(node.args) == 1 and not node.keywords)
            or called in ("np.save", "numpy.save", "torch.save", "torch.export.save")
            or (called == "np.memmap" and not any(getattr(arg, "value", None) == "r" for arg in node.args))
        ):
            found.add(called)
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_only_the_storage_layer_writes(path: Path) -> None:
    """Whole or not at all, no link followed, drafts cleared: that holds for every file or for none."""
    if part_of(path) == "files":
        return
    name = path.relative_to(SOURCE).as_posix()
    found = writing_calls(ast.parse(path.read_text(encoding="utf-8")))
    assert found == {call for file, call in ALLOWED if file == name}, f"{path}: write through lrensemble.files"


@pytest.mark.parametrize(
    "line",
    [
        *("open(path, 'w')", "open(path, mode='ab')", "path.open('xb')", "path.open(mode)", "open(path, 'r+')"),
        *("path.write_text('')", "path.replace(other)", "os.replace(a, b)", "os.open(path, os.O_RDONLY)"),
        *("import shutil", "from tempfile import mkdtemp", "folder.mkdir(parents=True)", "np.save(path, array)"),
        *("np.memmap(path, kind, 'r+')", "table.to_parquet(path)", "torch.save(state, path)"),
    ],
)
def test_writing_is_seen(line: str) -> None:
    assert writing_calls(ast.parse(line))


@pytest.mark.parametrize(
    "line",
    [
        *(
            "open(path)",
            "open(path, encoding='utf-8')",
            "path.open('rb')",
            "text.replace('a', 'b')",
            "path.read_text()",
        ),
        *("replace(record, team=team)", "Pool.open(folder)", "np.memmap(path, kind, 'r', 0, shape)", "os.kill(1, 9)"),
    ],
)
def test_reading_is_not_taken_for_writing(line: str) -> None:
    assert not writing_calls(ast.parse(line))


@pytest.mark.parametrize("statement", ["import lrensemble"])
def test_importing_is_light(statement: str) -> None:
    """`lrensemble --help` must answer at once: no torch, no numba, no scikit-learn."""
    heavy = "{'torch', 'numba', 'sklearn', 'scipy', 'numpy', 'ray', 'transformers', 'plotly', 'optuna', 'datasets'}"
    script = f"import sys; {statement}; print(*sorted({heavy} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == ""
