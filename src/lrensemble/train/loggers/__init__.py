"""Loggers: who is told what happens in a sweep, beside the caller. One a file, behind two functions (`base`)."""

from lrensemble.train.loggers import mlflow, ray, tensorboard, wandb  # they register
from lrensemble.train.loggers.base import LOGGERS, Logger
from lrensemble.train.loggers.composite import Loggers
from lrensemble.train.loggers.progress_file import ProgressFile

__all__ = ["LOGGERS", "Logger", "Loggers", "ProgressFile", "mlflow", "ray", "tensorboard", "wandb"]
