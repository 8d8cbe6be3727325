"""Models of one's own, tried before any training: whether all that they learn is in what is kept of them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import lru_cache

import safetensors.torch
import torch
from torch import Tensor, nn

from lrensemble import models
from lrensemble.errors import SpecError
from lrensemble.models import MODELS
from lrensemble.models.room import machine_memory
from lrensemble.spec import Spec
from lrensemble.train.run.predictions import say_the_same

logger = logging.getLogger(__name__)

ROWS = 2


def check_own_model(model: Spec, shape: tuple[int, ...], outputs: int) -> None:
    """Refuse a model that cannot learn, or whose weights, when they are loaded, say something else than it did: its
    members could not be kept, or would be others when they are exported. What its layers raise the run tells itself.

    Args:
        model: with its arguments; those of this package are left out.
        shape: shape of one input.
        outputs: number of outputs.

    Raises:
        SpecError: with what to change.
    """
    found = MODELS.find(model.name)
    if not found.shipped and (fault := _fault(model, shape, outputs, found.written)):
        raise SpecError(f"model {str(model)!r} {fault}")


@lru_cache(maxsize=64)
def _fault(
    model: Spec,
    shape: tuple[int, ...],
    outputs: int,
    written: Callable[..., nn.Module],  # noqa: ARG001 – asked anew where it was edited and loaded again
) -> str | None:
    """What is wrong with a model; None where nothing is, where it cannot be run at all, or where that is not sure."""
    with torch.random.fork_rng(devices=[]):
        try:
            network = models.build(model, shape, outputs, 0)
            if 2 * _bytes(network) > machine_memory() / 2:  # a second one may be one too many here
                return _is_not_kept(network)
            again = models.build(model, shape, outputs, 1)
            rows = torch.randn(ROWS, *shape)
            said = network.train()(rows)
        except SystemExit as stop:
            return f"ends the program, with status {stop.code}, when it learns from a batch; raise an error instead"
        except Exception:  # whatever its layers raise
            return None
        if fault := _cannot_learn(network, said) or _is_not_kept(network) or _does_not_load(network, again):
            return fault
        first, repeated, other = (_said(network, rows, seed=seed) for seed in (0, 0, 1))
        if first is None or repeated is None or other is None:
            return None
        if not say_the_same(first, repeated):  # by whatever it draws from, or keeps: no other network can be compared
            logger.warning(
                "model %r says something else when it is asked the same again: it draws random numbers when it "
                "predicts, or keeps what it has seen. An exported ensemble says something else than what was judged; "
                "draw, and keep, where self.training is true alone",
                str(model),
            )
            return None
        if fault := _is_another(first, again, rows):
            return fault
        if not say_the_same(first, other):
            logger.warning(
                "model %r draws random numbers when it predicts: asked again, an exported ensemble says something else "
                "than what was judged; draw where self.training is true alone",
                str(model),
            )
        return None


def _bytes(network: nn.Module) -> int:
    return sum(each.numel() * each.element_size() for each in (*network.parameters(), *network.buffers()))


def _cannot_learn(network: nn.Module, said: object) -> str | None:
    if not any(parameter.requires_grad for parameter in network.parameters()):
        return "has no parameter that is trained; give it one, with requires_grad"
    if isinstance(said, Tensor) and not said.requires_grad:
        return "gives outputs that none of its parameters has a gradient of; leave out detach and no_grad"
    return None


def _is_not_kept(network: nn.Module) -> str | None:
    """Why a state dict cannot be written, which is done when the training is over."""
    for name, value in network.state_dict().items():
        if not isinstance(value, Tensor):
            return f"has {name!r} in its state dict, of type {type(value).__name__}; only tensors can be kept"
        try:
            safetensors.torch.save({name: value.detach().cpu().flatten()[:1].clone()})
        except Exception:
            return f"has {name!r} in its state dict, {_kind(value)}, which cannot be kept; give dense real numbers"
    return None


def _kind(value: Tensor) -> str:
    return " ".join(str(each).removeprefix("torch.") for each in (value.layout, value.dtype))


def _does_not_load(network: nn.Module, again: nn.Module) -> str | None:
    """Why a second network does not take the weights of a first, which has seen a batch; it has them afterwards."""
    try:
        again.load_state_dict(network.state_dict())
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:300]
        return f"does not take the weights of another of its kind ({reason}); build it alike, whatever it has seen"
    return None


def _is_another(said: Tensor, again: nn.Module, rows: Tensor) -> str | None:
    """Whether a second network with the weights of a first says something else."""
    loaded = _said(again, rows, seed=0)
    if loaded is not None and not say_the_same(said, loaded):
        return (
            "says something else when its weights are loaded into another of its kind: part of what it is lies "
            "outside of its state dict; make that a parameter or a buffer that is kept (register_buffer)"
        )
    return None


@torch.no_grad()
def _said(network: nn.Module, rows: Tensor, *, seed: int) -> Tensor | None:
    torch.default_generator.manual_seed(seed)
    try:
        said = network.eval()(rows)
    except Exception:  # whatever its layers raise
        return None
    return said if isinstance(said, Tensor) else None
