"""`faults.c` as a library, where there is a compiler and LD_PRELOAD."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).with_name("faults.c")


def reason_against() -> str:
    """Why there can be no faults here; nothing where there can."""
    if sys.platform != "linux":
        return f"faults at system calls need Linux and its LD_PRELOAD; this is {sys.platform}"
    return "" if compiler() else "faults at system calls need a C compiler: cc, gcc or clang"


def compiler() -> str | None:
    """The command of a C compiler."""
    return next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)


def build(folder: Path) -> Path:
    """Compile the library into a folder."""
    library = folder / "faults.so"
    flags = ("-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-D_LARGEFILE64_SOURCE")
    subprocess.run([str(compiler()), *flags, "-o", library, SOURCE, "-ldl"], check=True)
    return library
