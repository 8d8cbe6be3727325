"""Worker processes that are forked from one that has imported the library already.

A fresh worker computes for three seconds before it does anything, most of it imports. A few tests of `tests/executors`
and programs in processes of their own have fresh ones, as everybody else has; those that tests start themselves are
forked.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import context, forkserver
from typing import Any

import pytest

FORKED_WORKERS = """
import multiprocessing
multiprocessing.context._concrete_contexts["spawn"] = multiprocessing.get_context("fork")
"""
"""What a script of a forked child begins with whose workers shall be forked too."""

PRELOADED = ["lrensemble.train", "lrensemble.export.predicting", "optuna.storages", "sklearn.datasets", "torch._dynamo"]


class ForkedWorker(context.ForkServerProcess):
    """A worker with the environment of the moment that it is started in, which the process it is forked from lacks."""

    _args: tuple[Any, ...]

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self.starter, self.environment = os.getpid(), dict(os.environ)

    def run(self) -> None:
        """Do the work; the parent, whose end is waited for, is the process that this one was forked from."""
        os.environ.clear()
        os.environ.update(self.environment)
        self._args = tuple(os.getppid() if each == self.starter else each for each in self._args)
        super().run()


class ForkingContext(context.ForkServerContext):
    """What `multiprocessing.get_context` gives, with such workers."""

    Process = ForkedWorker


@contextmanager
def forked_workers() -> Iterator[None]:
    """A block in which workers are forked."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        yield
        return
    forkserver.set_forkserver_preload(PRELOADED)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(context._concrete_contexts, "spawn", ForkingContext())  # type: ignore[attr-defined]
        yield
