"""Tools whose models are adopted, one file each."""

# Networks of other tools on torch are modules of torch too: who takes them is asked before `torch`.
from lrensemble.adopt.tools import (  # noqa: F401 – importing registers them
    hf,
    keras,
    lightgbm,
    lightning,
    mlflow,
    onnx,
    optuna,
    ray_tune,
    sklearn,
    torch,
    xgboost,
)
