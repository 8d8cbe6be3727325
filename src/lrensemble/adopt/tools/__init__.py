"""Tools whose models are adopted, one file each."""

from lrensemble.adopt.tools import mlflow, onnx, optuna, torch  # noqa: F401 – importing registers them
