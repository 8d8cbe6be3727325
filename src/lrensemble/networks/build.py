"""A member's network as a module of torch, whoever trained it and whatever runs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from lrensemble import models
from lrensemble.config import Inputs, Network
from lrensemble.errors import DataError
from lrensemble.networks.foreign import Foreign, as_outputs


def build(
    network: Network,
    shape: tuple[int, ...],
    outputs: int,
    *,
    inputs: Inputs | None = None,
    weights: Mapping[str, Tensor] | None = None,
    content: bytes | None = None,
) -> nn.Module:
    """A network that takes prepared inputs [sample, *shape] and gives outputs that a head takes.

    Args:
        network: how it is run.
        shape: shape of one input.
        outputs: number of outputs.
        inputs: what it does with raw inputs; None where it is given normalised ones.
        weights: parameters and buffers by name, of a model.
        content: content of its file, where it has one.

    Raises:
        SpecError: an unknown model or kind, or one that does not suit the inputs.
        DataError: weights that do not fit the model, or content that cannot be read.
        MissingExtraError: the library that runs it is not installed.
    """
    if network.file is None:
        module = models.build(network.model, shape, outputs, seed=0)
        try:
            module.load_state_dict(dict(weights or {}))
        except RuntimeError as error:
            reason = " ".join(str(error).split())
            raise DataError(f"the weights do not fit its model {network.model}: {reason}") from None
    else:
        module = Foreign(network.model, content or b"")
    # Hooks and no module around it: the names of its weights stay those that it was saved with.
    if inputs is not None:
        normalise = normaliser(inputs, keep=network.file is not None)
        module.register_forward_pre_hook(lambda _module, given: (normalise(given[0]),))
    if network.gives == "probs" or (network.gives == "logits" and network.file is not None):
        module.register_forward_hook(lambda _module, _given, found: as_outputs(found, network.gives, outputs))
    return module


def normaliser(inputs: Inputs, *, keep: bool) -> Callable[[Tensor], Tensor]:
    """Function that normalises raw inputs as a network was trained on them.

    Args:
        inputs: mean and deviation of each channel.
        keep: whether inputs that are not normalised keep their type.
    """
    axes = (1, -1, *[1] * (len(inputs.shape) - 1))
    mean, std = torch.tensor(inputs.mean).view(axes), torch.tensor(inputs.std).view(axes)
    is_raw = not bool(mean.any()) and bool((std == 1).all())

    def normalise(raw: Tensor) -> Tensor:
        if is_raw:
            return raw if keep else raw.float()
        return (raw.float() - mean.to(raw.device)) / std.to(raw.device)

    return normalise
