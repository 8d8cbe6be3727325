"""Tools whose models are adopted, one file each."""

from lrensemble.adopt.tools import keras, onnx, ray_tune, torch  # noqa: F401 – importing registers them

# Networks of other tools on torch are modules of torch too: who takes them is asked before `torch`.
