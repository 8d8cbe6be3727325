"""What lies in a folder, so that whatever a command touched can be seen afterwards."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from pathlib import Path

State = tuple[object, ...]


def snapshot(folder: Path) -> dict[str, State]:
    """Kind, size, time and place on disk of everything in a folder, by its path in it; links are not followed."""
    found: dict[str, State] = {}
    waiting = [folder]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                state = entry.stat(follow_symlinks=False)
                kind = stat.S_IFMT(state.st_mode)
                path = str(Path(entry.path).relative_to(folder))
                if entry.is_dir(follow_symlinks=False):
                    found[path] = (kind,)
                    waiting.append(Path(entry.path))
                else:
                    found[path] = (kind, state.st_size, state.st_mtime_ns, state.st_ino)
    return found


def touched(before: dict[str, State], after: dict[str, State], allowed: tuple[str, ...]) -> list[str]:
    """Paths that are new, gone or changed, and are none of those that a command may write."""
    paths = sorted({*before, *after})
    return [path for path in paths if before.get(path) != after.get(path) and not _within(path, allowed)]


def _within(path: str, allowed: tuple[str, ...]) -> bool:
    return any(path == each or path.startswith(f"{each}/") for each in allowed)


MEASURED = re.compile(rb"<h2>The price.*?</section>", re.DOTALL)
"""Part of a report that says how long members take to predict, which is measured when the page is written."""


def contents(folder: Path) -> dict[str, str]:
    """SHA-256 of every file in a folder, without what is measured, by its path; empty where there is none."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(MEASURED.sub(b"", path.read_bytes())).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
