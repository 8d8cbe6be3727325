"""Only the storage layer writes: whole or not at all, no link followed, drafts cleared, whatever the file."""

import ast
import re
from pathlib import Path

import pytest
from tests.source_trees import tree_of

import lrensemble

SOURCE = Path(lrensemble.__file__).parent
FILES = sorted(SOURCE.rglob("*.py"))

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

WRITING_NAMES = {*PATH_CALLS, *OS_CALLS, "save", "memmap"}
"""The last words of all calls that may write."""

MAY_WRITE = re.compile(rf"\b({'|'.join(sorted(WRITING_NAMES))})\(|\bimport (shutil|tempfile)|\bfrom (shutil|tempfile)")
"""What is in the text of a file that writes; the others need not be read as trees."""

OPEN_THINGS = ("os", "Pool", "cls", "Image", "PIL.Image", "archive")
"""Their `open` takes a path, and no mode."""

ALLOWED = {
    ("adopt/mlflow_store.py", "links.mkdir"): "in a scratch folder of the storage layer",
    ("adopt/mlflow_store.py", "(links / each.name).symlink_to"): "in a scratch folder of the storage layer",
    ("adopt/tools/mlflow.py", "self.folder.mkdir"): "in a scratch folder of the storage layer",
    ("adopt/tools/optuna.py", "path.parent.mkdir"): "in a scratch folder of the storage layer",
    ("adopt/tools/optuna.py", "path.write_bytes"): "in a scratch folder of the storage layer",
    ("export/language/model_folder.py", "path.open"): "fsync of files in a draft of the storage layer",
    ("networks/keras.py", "path.write_bytes"): "in a scratch folder of the storage layer",
    ("cli/ending.py", "os.open"): "nothing, in the place of streams that are closed or full",
    ("data/cache.py", "np.save"): "to a file that the storage layer has opened",
    ("export/predictions.py", "parquet.write_table"): "to memory",
    ("numpy_files.py", "archive.zip.open"): "an entry of an archive, to read its header",
    ("numpy_files.py", "file.zip.open"): "an entry of an archive, to read its header",
    ("numpy_files.py", "np.memmap"): "an entry of an archive, mapped to be read",
    ("report/study_file.py", "draft.write_bytes"): "in a scratch folder of the storage layer",
    ("export/torch_program.py", "torch.export.save"): "to memory",
    ("select/scoring/every_team.py", "np.savez"): "to a file that the storage layer has opened",
    ("select/scoring/every_team.py", "parquet.write_table"): "to a file that the storage layer has opened",
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
        name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
        if name not in WRITING_NAMES:  # what it is called on need not be looked at
            continue
        called = ast.unparse(node.func)
        owner = called.rpartition(".")[0]
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


def test_only_the_storage_layer_writes() -> None:
    """Whole or not at all, no link followed, drafts cleared: that holds for every file or for none."""
    names = {path.relative_to(SOURCE).as_posix(): path for path in FILES}
    found = {
        (name, call)
        for name, path in names.items()
        if not name.startswith("files/")
        if MAY_WRITE.search(path.read_text(encoding="utf-8"))
        for call in writing_calls(tree_of(path))
    }
    assert found - ALLOWED.keys() == set(), "write through lrensemble.files"
    assert ALLOWED.keys() - found == set(), "allowed, and not there any more"


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
    assert MAY_WRITE.search(line)
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
