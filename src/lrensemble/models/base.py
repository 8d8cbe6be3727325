"""The registry of models, and how one is built: by name, or as any `package.module:function`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lrensemble.errors import LREnsembleError, SpecError
from lrensemble.models.room import require_room
from lrensemble.registry import Call, Registry, is_shipped, reason_of
from lrensemble.spec import Spec, SpecLike


@dataclass(frozen=True)
class ModelFacts:
    """A model says which inputs it takes."""

    smallest_image: int = 0
    """Shorter side in pixels of the smallest image that it takes; 0 where features serve as well."""
    outside: tuple[str, ...] = ()
    """Arguments that name what is asked of a hub."""
    any_size: bool = False
    """Whether its arguments or its name say how large it is: it is counted before it is built."""
    sequences: bool = False
    """Whether it is a language model, which learns sequences of tokens and predicts the next one."""


def _tried(name: str, function: Callable[..., nn.Module]) -> Callable[..., nn.Module]:
    """A model of one's own: what it builds is tried on one input."""
    if is_shipped(function):
        return function

    @functools.wraps(function)
    def build(shape: tuple[int, ...], outputs: int, **own: object) -> nn.Module:
        try:
            network = function(shape, outputs, **own)
        except LREnsembleError:
            raise
        except Exception as error:
            raise SpecError(
                f"model {name!r} cannot be built for inputs of shape {shape} and {outputs} outputs: {reason_of(error)}"
            ) from error
        if not isinstance(network, nn.Module):
            raise SpecError(f"model {name!r} returned {type(network).__name__}; it must return a torch.nn.Module")
        return require_outputs(name, network, shape, outputs)

    return build


MODELS: Registry[nn.Module, ModelFacts] = Registry("model", ModelFacts, call=Call(("shape", "outputs")), adapt=_tried)
"""Functions of (shape of one input, number of outputs); the module they return gives outputs [batch, output]: logits of
classes, or whatever else the target makes of them."""


def require_images(model: str, shape: tuple[int, ...], smallest: int = 1) -> None:
    """Refuse inputs that are no images of (channel, height, width), or too small for the model.

    Raises:
        SpecError: the shape does not suit.
    """
    if len(shape) != 3 or min(shape[1:]) < smallest:
        size = f" of at least {smallest}x{smallest}" if smallest > 1 else ""
        raise SpecError(f"model {model!r} needs images{size}; an input here has shape {shape}; use mlp")


@torch.no_grad()
def require_outputs(model: str, module: nn.Module, shape: tuple[int, ...], outputs: int) -> nn.Module:
    """The module, after a trial on one input of zeros: for those whose needs only they themselves know.

    Raises:
        SpecError: it cannot take such an input, or does not give outputs [batch, output].
    """
    training = {part: part.training for part in module.modules()}
    device = next((weights.device for weights in module.parameters()), None)
    try:
        found = module.eval()(torch.zeros(1, *shape, device=device))
    except Exception as error:  # whatever its layers raise
        raise SpecError(f"model {model!r} does not fit inputs of shape {shape}: {reason_of(error)}") from error
    finally:
        for part, was in training.items():
            part.training = was
    if not isinstance(found, Tensor) or found.shape != (1, outputs):
        given = f"shape {tuple(found.shape)}" if isinstance(found, Tensor) else type(found).__name__
        raise SpecError(
            f"model {model!r} gave {given} for one input of shape {shape}; it must give outputs of shape (1, {outputs})"
        )
    return module


def check(model: SpecLike) -> Spec:
    """The spec of a model, its name known and its arguments accepted.

    Raises:
        UnknownNameError: no such name.
        SpecError: an argument that is refused, or `package.module:function` that cannot be imported.
    """
    return MODELS.check(model)


def build(model: SpecLike, shape: tuple[int, ...], outputs: int, seed: int) -> nn.Module:
    """Build a model whose initial weights are a function of the seed; the global random generator is left alone.

    Args:
        model: a registered name with its arguments, or `package.module:function` with keyword arguments; the function
            takes `(shape, outputs, *, …)`.
        shape: of one input, (channel, height, width) or (feature,).
        outputs: how many.
        seed: of the initialisation.

    Raises:
        SpecError: as `check`; or the shape does not suit the model, there is no room to train it, or the function
            returns no module that takes such inputs and gives so many outputs.
    """
    spec = MODELS.check(model)
    facts = MODELS.facts(spec)
    if facts.smallest_image:
        require_images(spec.name, shape, facts.smallest_image)
    if facts.any_size:
        require_room(str(spec), lambda: MODELS.call(spec, shape, outputs))
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would seed every GPU as well
        return MODELS.call(spec, shape, outputs)


def unwrapped(network: nn.Module) -> nn.Module:
    """The network itself, of one that was compiled, is trained on several devices, or is a mean of weights."""
    while True:
        inner = getattr(network, "_orig_mod", None)
        if inner is None and isinstance(
            network, nn.DataParallel | nn.parallel.DistributedDataParallel | torch.optim.swa_utils.AveragedModel
        ):
            inner = network.module
        if not isinstance(inner, nn.Module):
            return network
        network = inner
