"""Executors, which do work in this process or beside it: worker processes, clusters. One a file, behind `Executor`."""

from lrensemble.executors import in_process, processes, ray  # they register
from lrensemble.executors.base import EXECUTORS, Crashed, Executor
from lrensemble.executors.processes import WORKER_PROCESSES, in_processes

__all__ = ["EXECUTORS", "WORKER_PROCESSES", "Crashed", "Executor", "in_process", "in_processes", "processes", "ray"]
