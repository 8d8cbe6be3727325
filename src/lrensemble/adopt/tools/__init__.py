"""Tools whose models are adopted, one file each."""

from lrensemble.adopt.tools import (  # noqa: F401 – importing registers them
    lightgbm,
    mlflow,
    onnx,
    optuna,
    sklearn,
    torch,
    xgboost,
)
