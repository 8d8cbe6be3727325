"""Loggers: who is told what happens in a sweep, beside the caller. One a file, behind two functions (`base`)."""

from lrensemble.train.loggers import mlflow, tensorboard, wandb  # they register
from lrensemble.train.loggers.base import LOGGERS, Logger
from lrensemble.train.loggers.logged import logged
from lrensemble.train.loggers.progress_file import ProgressFile

__all__ = ["LOGGERS", "Logger", "ProgressFile", "logged", "mlflow", "tensorboard", "wandb"]
