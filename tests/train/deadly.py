"""A network that takes the process with it, wherever it is not the first one."""

import multiprocessing
import os
import signal

from torch import nn

from lrensemble import models


def deadly(shape: tuple[int, ...], classes: int) -> nn.Module:
    """An ordinary network in the process that a program begins in; the end of a worker process."""
    if multiprocessing.parent_process() is not None:
        os.kill(os.getpid(), signal.SIGKILL)
    return models.build("mlp(width=3)", shape, classes, 0)
