"""A process that has imported all of the command line, and forks a child for every command: a command costs no imports.

It reads requests as lines of JSON from standard input and answers each in a line. `faults.c` is loaded into it; the
child's first act is to arm the plan, so that only the command's own calls are counted.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import multiprocessing
import os
import signal
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

from tests.crash.commands import predictions
from tests.crash.plan import Fault, Plan

IMPORTED = (
    "lrensemble.cli",
    "lrensemble.evaluate.tables",
    "lrensemble.export",
    "lrensemble.export.formats",
    "lrensemble.pool.collect",
    "lrensemble.report",
    "lrensemble.select",
    "lrensemble.train",
    "optuna.storages",
    "plotly.graph_objects",
    "torch._dynamo",
)
WARMED = (
    ("collect", "first.npz", "second.npz", "--out", "pool", "--holdout", "0.4"),
    ("select", "pool", "-m", "all", "-m", "best", "-m", "greedy(size=2, bootstrap=0)", "--every-team", "teams.npz"),
    ("evaluate", "pool"),
    ("report", "pool"),
)
SUBREAPER = 36
"""PR_SET_CHILD_SUBREAPER: what a child has started and left behind is waited for here."""
SECONDS = 120


def main() -> None:
    """Answer requests until there are no more."""
    plan = Plan(Path(os.environ["FAULTS_PLAN"]))
    ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)
    for name in IMPORTED:
        importlib.import_module(name)
    # Workers are forked too: a fresh interpreter takes seconds.
    multiprocessing.context._concrete_contexts["spawn"] = multiprocessing.get_context("fork")  # type: ignore[attr-defined]
    warm()
    gc.freeze()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(answer(json.loads(line), plan)) + "\n")
        sys.stdout.flush()


def warm() -> None:
    """Run commands that train nothing here, so that what is compiled or loaded at first use is there in every child.

    Nothing may be trained here: the threads of a backward pass do not survive a fork.
    """
    import torch

    from lrensemble.cli import main as command

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder, Path(os.devnull).open("w") as nowhere:
        predictions(Path(folder))
        os.chdir(folder)
        told = sys.stdout, sys.stderr
        sys.stdout = sys.stderr = nowhere
        for arguments in WARMED:
            sys.argv = ["lrensemble", *arguments]
            with contextlib.suppress(SystemExit):
                command()
        sys.stdout, sys.stderr = told
        os.chdir("/")


def answer(request: dict[str, Any], plan: Plan) -> dict[str, Any]:
    """Run a command in a child, and wait for it and for all that it has started."""
    fault = None if request["fault"] is None else Fault(**request["fault"])
    child = os.fork()
    if child == 0:
        end(request, plan, fault)
    status = None
    while True:
        try:
            process, ended = os.waitpid(-1, 0)
        except ChildProcessError:
            break
        if process == child:
            status = os.waitstatus_to_exitcode(ended)
    plan.disarm()
    return {"status": status, "calls": [vars(call) for call in plan.calls()]}


def end(request: dict[str, Any], plan: Plan, fault: Fault | None) -> None:
    """The child: the command line, from its arguments to its exit status."""
    status = 70
    try:
        signal.alarm(SECONDS)
        for place, name in ((0, os.devnull), (1, request["out"]), (2, request["err"])):
            os.dup2(os.open(name, os.O_RDONLY if place == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC), place)
        sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")  # noqa: SIM115
        os.chdir(request["folder"])
        os.environ.update(request["environment"])
        sys.argv = ["lrensemble", *request["arguments"]]
        from lrensemble.cli import main as command

        plan.arm(Path(request["folder"]), fault, os.getpid())
        command()
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    main()
