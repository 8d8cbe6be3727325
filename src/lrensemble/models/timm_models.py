"""The networks of `timm` (PyTorch Image Models), where it is installed: `timm/NAME`, from scratch."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from importlib import import_module
from typing import Any

from torch import nn

from lrensemble.errors import MissingExtraError, SpecError, UnknownNameError
from lrensemble.models.base import MODELS, require_outputs


@MODELS.family(
    r"timm/(.+)",
    "timm/NAME",
    "The networks of timm (PyTorch Image Models) with new weights, where it is installed.",
    smallest_image=1,
)
def timm_model(name: str) -> Callable[..., nn.Module]:
    """The function that builds `timm/NAME`.

    Raises:
        MissingExtraError: timm cannot be imported; the message says why.
        UnknownNameError: timm has no network of that name.
    """
    timm = _timm()
    if not timm.is_model(name):
        close = difflib.get_close_matches(name, timm.list_models(), n=1)
        hint = f"; did you mean 'timm/{close[0]}'?" if close else "; timm.list_models() lists them"
        raise UnknownNameError(f"timm has no model named {name!r}{hint}")

    def build(shape: tuple[int, ...], outputs: int) -> nn.Module:
        """A network of timm with new weights.

        Args:
            shape: of one input, (channel, height, width).
            outputs: how many.

        Raises:
            SpecError: the input is no image, or the network does not fit it.
        """
        config = timm.get_pretrained_cfg(name)
        fixed = {"img_size": shape[1:]} if config is not None and config.fixed_input_size else {}
        try:
            network: nn.Module = timm.create_model(name, num_classes=outputs, in_chans=shape[0], **fixed)
        except Exception as error:  # whatever its many networks refuse a shape with
            raise SpecError(f"model 'timm/{name}' does not fit inputs of shape {shape}: {error}") from error
        return require_outputs(f"timm/{name}", network, shape, outputs)

    return build


def _timm() -> Any:
    try:
        return import_module("timm")
    except Exception as error:  # not only ImportError: a torchvision made for another torch raises RuntimeError
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise MissingExtraError(
            f"models timm/NAME need timm, which cannot be imported here ({reason}); "
            "pip install 'lrensemble[vision]', with a torchvision made for this torch"
        ) from None
