"""Tools whose models are adopted, one file each."""

from lrensemble.adopt.tools import hf, lightning, onnx, torch  # noqa: F401 – importing registers them
