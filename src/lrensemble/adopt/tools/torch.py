"""Adopter of networks of torch: a module, or a file of its weights together with who builds it anew."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from lrensemble.adopt.conversion import converted, copied, predictor
from lrensemble.adopt.found import ADOPTERS, Asked, Found
from lrensemble.adopt.logged import of_validation
from lrensemble.adopt.parameters import plain_values, with_arguments
from lrensemble.adopt.paths import has_suffix
from lrensemble.adopt.prefixes import prefix_of
from lrensemble.adopt.weights import classes_in, is_state, load_file, load_safetensors, state_in
from lrensemble.config import Network
from lrensemble.errors import AdoptError
from lrensemble.models.base import unwrapped
from lrensemble.spec import Spec

SUFFIXES = (".pt", ".pth", ".bin", ".ckpt", ".safetensors")

ARCHIVES = (".pth.tar", ".pt.tar")
"""Ends of names of files that are no archives: many training scripts call theirs so."""

_is_file = has_suffix(*SUFFIXES)


def _takes(given: Any) -> bool:
    named = isinstance(given, str | os.PathLike) and str(given).lower().endswith(ARCHIVES)
    return isinstance(given, nn.Module) or _is_file(given) or named


@ADOPTERS.register(takes=_takes, where="FILE.pt, .pth or .safetensors", module="torch")
def torch(given: nn.Module | Path | str, asked: Asked, *, key: str | None = None) -> list[Found]:
    """A module of torch, or a file that `torch.save` or safetensors wrote of its weights.

    Numbers and texts beside the weights are facts of the member, and arguments of the builder where it takes them.

    Args:
        given: the module, or path of the file. Files are read without running any code (`weights_only`).
        asked: with the builder, a function of (shape, outputs) that gives the same network untrained. A module without
            one is converted to ONNX.
        key: where in the file the weights are, `state_dict` or `model`, if that is not clear.

    Raises:
        AdoptError: no such file, one without a builder, or one that holds something else than weights; a module that
            does not convert.
        MissingExtraError: a module without a builder, and no ONNX.
    """
    return [_of_module(given, asked) if isinstance(given, nn.Module) else _of_file(Path(given), asked, key)]


def _of_module(given: nn.Module, asked: Asked) -> Found:
    network = unwrapped(given)
    name, gives = asked.name or type(network).__name__, asked.gives or "logits"
    copy = copied(network, name)
    own = predictor(copy, asked.inputs)
    if asked.builder is not None:
        weights: Mapping[str, Tensor] = {key: each.detach().cpu().clone() for key, each in network.state_dict().items()}
        return Found(name, Network(model=asked.builder, gives=gives), weights=weights, own=own)
    content = converted(copy, asked.inputs.shape, name)
    kind = Network(model=Spec("onnx"), file="network.onnx", gives=gives)
    return Found(name, kind, content=content, own=own, facts={"class": type(network).__qualname__})


def _of_file(path: Path, asked: Asked, key: str | None) -> Found:
    if not path.exists():
        raise AdoptError(f"there is no file {path}; name one that is there")
    if asked.builder is None:
        raise AdoptError(
            f"{path} holds weights at best: say what builds their network anew, builder='package.module:function' of "
            "(shape, outputs), or a model of ours such as 'resnet-20'; a module at hand needs none"
        )
    beside: Mapping[str, Any]
    if path.suffix.lower() == ".safetensors":
        content, beside = load_safetensors(path)
    else:
        content = beside = load_file(path)
    weights = state_in(content, path, key)
    values = {} if is_state(beside) else plain_values(beside)  # buffers of one number are no facts
    builder = with_arguments(asked.builder, values)
    if prefix := prefix_of(weights, builder, asked):
        weights = {name.removeprefix(prefix): each for name, each in weights.items() if name.startswith(prefix)}
    network = Network(model=builder, gives=asked.gives or "logits")
    return Found(
        asked.name or path.stem.removesuffix(".pth").removesuffix(".pt"),
        network,
        weights=weights,
        classes=classes_in(beside, asked.target.names),
        facts={"file": path.name, **values},
        logged=of_validation(values),
    )
