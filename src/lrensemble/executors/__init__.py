"""Executors, which do work beside this process: in worker processes on this machine."""

from lrensemble.executors.processes import Crashed, in_processes

__all__ = ["Crashed", "in_processes"]
