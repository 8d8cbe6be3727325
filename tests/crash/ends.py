"""All that must be equal at the end of a command that met a fault and was run again, and of one that was left alone."""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

VOLATILE = {"checksum", "looks", "seconds", "when"}
"""Keys whose values are times, numbers of looks, or follow from them."""
LOOK = re.compile(r"\b(first look|look \d+)\b")
HEADING = re.compile(r"<h[1-6][^>]*>.*?</h[1-6]>", re.DOTALL)
STUDY = (
    "SELECT value FROM trial_values",
    "SELECT DISTINCT step, intermediate_value FROM trial_intermediate_values",
    "SELECT DISTINCT param_name, param_value FROM trial_params",
)

Ends = dict[str, str]
"""By the path of a file or an empty folder in the folder of a case, what is in it."""


def ends(folder: Path) -> Ends:
    """What lies in a folder, without times and without how often test rows were looked at."""
    found: Ends = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        elif path.name in (PROGRESS, STUDY_BESIDE):
            continue
        elif path.is_file():
            found["looks" if path.parent.name == "looks" and not hidden(path) else name] = content(path)
        elif not any(path.iterdir()) and path.name not in UNSTEADY:
            found[name] = "empty folder"
    return found


PROGRESS = "progress.jsonl"
"""File that says what happened when, and is no content."""

STUDY_BESIDE = "study.log"
"""File beside a page, which is good without it; the next page brings it."""

UNSTEADY = ("unfinished", "failed", "claims")
"""Folders that may be there, or not, while nothing is in them."""


def hidden(path: Path) -> bool:
    """Whether a file or folder is no content: a draft, whatever its form."""
    return path.name.startswith(".") or path.suffix == ".draft"


def content(path: Path) -> str:
    """What a file says, as far as it must be equal."""
    if hidden(path):
        return "a draft"
    if path.parent.name == "looks":
        return "some"
    return READERS.get(path.suffix, digest)(path)


def digest(path: Path) -> str:
    """Of the file as it stands."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def read_json(path: Path) -> str:
    """JSON, without what is volatile."""
    try:
        return json.dumps(steady(json.loads(path.read_bytes())), indent=1)
    except ValueError:
        return "not JSON"


def steady(given: Any) -> Any:
    """A value of JSON without what is volatile."""
    if isinstance(given, dict):
        return {key: steady(value) for key, value in given.items() if key not in VOLATILE}
    if isinstance(given, list):
        return [steady(value) for value in given]
    return LOOK.sub("look", given) if isinstance(given, str) else given


def read_page(path: Path) -> str:
    """The headings of a page, which must be whole: its figures show what is in the result, and how long things took."""
    text = path.read_text(encoding="utf-8")
    whole = "whole" if text.rstrip().endswith("</html>") else "cut"
    return "\n".join([whole, *HEADING.findall(text)])


def read_database(path: Path) -> str:
    """What the trials of a study came to; how many were begun and given up may differ."""
    with sqlite3.connect(path) as database:
        return "\n".join(str(row) for query in STUDY for row in sorted(database.execute(query)))


READERS: dict[str, Callable[[Path], str]] = {".json": read_json, ".html": read_page, ".db": read_database}


def difference(expected: Ends, found: Ends) -> str:
    """The first thing that differs, in words; none where nothing does."""
    for name in sorted(found.keys() - expected.keys()):
        return f"left behind: {name} ({found[name][:40]})"
    for name, value in expected.items():
        if name not in found:
            return f"missing: {name}"
        if found[name] != value:
            lines = zip(value.splitlines(), found[name].splitlines(), strict=False)
            first = next((f"{old.strip()} != {new.strip()}" for old, new in lines if old != new), "its length")
            return f"another {name}: {first[:160]}"
    return ""
