"""Networks by name, one file per architecture, with an initialisation that is a function of a seed."""

from lrensemble.models import (  # noqa: F401 – importing registers them
    cnn,
    hugging_face,
    mlp,
    resnet,
    resnet9,
    resnext,
    timm_models,
    vit,
    wrn,
)
from lrensemble.models.base import MODELS, build, check

__all__ = ["MODELS", "build", "check"]
