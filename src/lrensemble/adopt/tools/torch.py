"""Adopter of networks of torch: a module, or a file of its weights; who builds it anew must be said."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
from torch import Tensor, nn

from lrensemble.adopt.found import ADOPTERS, Asked, Found
from lrensemble.adopt.paths import content_of, has_suffix
from lrensemble.adopt.weights import load_file, state_in
from lrensemble.config import Network
from lrensemble.errors import AdoptError

SUFFIXES = (".pt", ".pth", ".bin", ".ckpt", ".safetensors")

_is_file = has_suffix(*SUFFIXES)


def _takes(given: Any) -> bool:
    return isinstance(given, nn.Module) or _is_file(given)


@ADOPTERS.register(takes=_takes, where="FILE.pt, .pth or .safetensors", module="torch")
def torch(given: nn.Module | Path | str, asked: Asked, *, key: str | None = None) -> list[Found]:
    """A module of torch, or a file that `torch.save` or safetensors wrote of its weights.

    Args:
        given: the module, or path of the file. Files are read without running any code (`weights_only`).
        asked: with the builder, a function of (shape, outputs) that gives the same network untrained.
        key: where in the file the weights are, `state_dict` or `model`, if that is not clear.

    Raises:
        AdoptError: no builder, or a file that holds something else than weights.
    """
    if asked.builder is None:
        raise AdoptError(
            "a network of torch needs its builder, so that it can be built again: builder='package.module:function' "
            "of (shape, outputs), or a model of ours such as 'resnet-20'"
        )
    if isinstance(given, nn.Module):
        weights: Mapping[str, Tensor] = {name: each.detach().cpu() for name, each in given.state_dict().items()}
        found = Found(
            asked.name or type(given).__name__,
            Network(model=asked.builder, gives=asked.gives or "logits"),
            weights=weights,
        )
        return [found]
    path = Path(given)
    if path.suffix == ".safetensors":
        weights = safetensors.torch.load(content_of(path))
    else:
        weights = state_in(load_file(path), path, key)
    network = Network(model=asked.builder, gives=asked.gives or "logits")
    return [Found(asked.name or path.stem, network, weights=weights, facts={"file": path.name})]
