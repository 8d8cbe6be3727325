"""Networks of members, whoever trained them: `build` makes each a module of torch.

Those of torch are models (`lrensemble.models`) with weights; those that another library runs are one file a kind here,
and `foreign` makes a module of them. What brings torch is imported when it is first used: who runs a graph of ONNX
needs none.
"""

from typing import TYPE_CHECKING

from lrensemble.lazy import lazily
from lrensemble.networks import keras, lightgbm, onnx, skops, xgboost  # noqa: F401 – importing registers them
from lrensemble.networks.base import NETWORKS, NetworkFacts, Runs
from lrensemble.networks.library import library

if TYPE_CHECKING:
    from lrensemble.networks.build import build, normaliser
    from lrensemble.networks.foreign import Foreign, as_outputs
    from lrensemble.networks.timing import seconds

__all__ = ["NETWORKS", "Foreign", "NetworkFacts", "Runs", "as_outputs", "build", "library", "normaliser", "seconds"]

lazily(
    __name__,
    {"Foreign": "foreign", "as_outputs": "foreign", "build": "build", "normaliser": "build", "seconds": "timing"},
)
