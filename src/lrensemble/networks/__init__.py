"""Networks of members, whoever trained them: `build` makes each a module of torch.

Those of torch are models (`lrensemble.models`) with weights; those that another library runs are one file a kind here.
"""

from lrensemble.networks import keras, lightgbm, onnx, skops, xgboost  # noqa: F401 – importing registers them
from lrensemble.networks.base import NETWORKS, Foreign, NetworkFacts, Runs, as_outputs
from lrensemble.networks.build import build, normaliser
from lrensemble.networks.library import library

__all__ = ["NETWORKS", "Foreign", "NetworkFacts", "Runs", "as_outputs", "build", "library", "normaliser"]
