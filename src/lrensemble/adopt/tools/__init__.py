"""Tools whose models are adopted, one file each."""

from lrensemble.adopt.tools import lightgbm, onnx, sklearn, torch, xgboost  # noqa: F401 – importing registers them
