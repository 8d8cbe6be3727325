"""The chain on systems that lack what only some have: the names are taken away, in worker processes as well."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.forked import ForkedProcess
from tests.forked_workers import FORKED_WORKERS

from lrensemble.pool import Pool

# Beside Linux: macOS has no posix_fallocate and no sched_getaffinity, Windows has none of these.
MISSING = {
    "os": (
        *("posix_fallocate", "posix_fadvise", "sched_getaffinity", "sysconf", "setpgrp", "getpgrp", "killpg"),
        *("O_DIRECTORY", "O_NOFOLLOW", "mkfifo", "statvfs", "nice", "getloadavg"),
    ),
    "signal": ("pthread_sigmask", "sigwait", "setitimer", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGALRM"),
}

SCRIPT = f"""
import os, signal, sys

for module, names in {MISSING!r}.items():
    for name in names:
        if hasattr(sys.modules[module], name):
            delattr(sys.modules[module], name)

if __name__ == "__main__":
    import contextlib
    from lrensemble.cli import main

    *before, last = " ".join(sys.argv[1:]).split(" then ")
    for command in before:
        sys.argv = ["lrensemble", *command.split()]
        with contextlib.suppress(SystemExit):
            main()
    sys.argv = ["lrensemble", *last.split()]
    main()
"""

TOML = """
data = "digits"
model = "mlp(width=4)"
policy = [{name = "cosine", peak = [0.05, 0.1]}]
[train]
epochs = EPOCHS
batch_size = 100
[select]
methods = ["greedy(bootstrap=0)"]
"""


def lrensemble(folder: Path, *arguments: object) -> "subprocess.Popen[str]":
    """A fresh interpreter, so that the names are missing when the modules are imported."""
    (folder / "chain.py").write_text(SCRIPT, encoding="utf-8")
    command = [sys.executable, str(folder / "chain.py"), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder)


def with_workers(forking: Path, folder: Path, *arguments: object) -> ForkedProcess:
    """A forked child, whose workers are forked from it: the names are missing in them as well."""
    (folder / "chain.py").write_text(FORKED_WORKERS + SCRIPT, encoding="utf-8")
    return ForkedProcess(forking, [folder / "chain.py", *arguments], errors=True, folder=folder)


def end(process: "subprocess.Popen[str] | ForkedProcess", status: int = 0) -> str:
    out, err = process.communicate(timeout=300)
    assert process.returncode == status, err
    assert "Traceback" not in err
    return out + err


@pytest.mark.parametrize("execution", [pytest.param("one-by-one", marks=pytest.mark.long), "fused", "workers"])
def test_the_chain(tmp_path: Path, execution: str, forking: Path) -> None:
    (tmp_path / "e.toml").write_text(TOML.replace("EPOCHS", "1"))
    command = f"run e.toml --out run --execution {execution}"
    words = f"{command} then {command}"
    with with_workers(forking, tmp_path, words) if execution == "workers" else lrensemble(tmp_path, words) as process:
        said = end(process)
    assert said.index("2 trained") < said.index("2 there already")
    assert (tmp_path / "run" / "result.json").exists()
    assert len(Pool.open(tmp_path / "run" / "pool").members()) == 2


@pytest.mark.skipif(os.name != "posix", reason="sends Ctrl-C to one process")
def test_workers_that_cannot_be_signalled_save_when_they_are_told(tmp_path: Path, forking: Path) -> None:
    import signal

    (tmp_path / "e.toml").write_text(TOML.replace("EPOCHS", "3000"))
    command = ("tune", "e.toml", "--out", "pool", "--execution", "workers")
    with with_workers(forking, tmp_path, *command) as process:
        while "unfinished" not in os.listdir(tmp_path / "pool" if (tmp_path / "pool").exists() else tmp_path):
            assert process.poll() is None
            time.sleep(0.02)
        while len(list((tmp_path / "pool" / "unfinished").glob("[0-9a-f]*"))) < 2:
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        assert "the same command continues" in end(process, status=130)
    assert len(list((tmp_path / "pool" / "unfinished").glob("*/free-*/state.safetensors"))) == 2
