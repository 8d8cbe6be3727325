"""What is trained: a network with its optimizer, and what its recipe keeps beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ParamSpec

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from lrensemble.config import TrainSettings
from lrensemble.errors import TrainingError
from lrensemble.train.run.optimizers import build_optimizer

P = ParamSpec("P")

_DRAW_NOTHING = (
    nn.Sequential,
    nn.Linear,
    nn.modules.conv._ConvNd,
    nn.modules.batchnorm._BatchNorm,
    nn.modules.pooling._MaxPoolNd,
    nn.ReLU,
    nn.Flatten,
)


class Learner:
    """A network, its optimizer, the scale of its losses (float16) and the moving average of its weights (`ema`)."""

    def __init__(self, model: nn.Module, settings: TrainSettings) -> None:
        """Make the optimizer of a recipe for a network, and lay its weights out as the recipe asks.

        Args:
            model: on the device to train on; trained in place.
            settings: `optimizer` and what it takes, `precision`, `channels_last`, `compile` and `ema`.

        Raises:
            UnknownNameError, TrainingError: as `build_optimizer` and `check_precision`.
        """
        device = next(model.parameters()).device
        check_precision(device, settings.precision)
        self.model = model
        self.memory_format = torch.contiguous_format
        if settings.channels_last and any(parameter.ndim == 4 for parameter in model.parameters()):
            self.memory_format = torch.channels_last
            model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.draws = may_draw(model)
        """Whether its randomness must be set at every step."""
        self.parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self.optimizer = build_optimizer(settings, self.parameters)
        self.forward: Callable[[Tensor], Tensor] = compiled(model) if settings.compile else model
        self.scaler = torch.amp.GradScaler(device.type, enabled=settings.precision == "float16")
        self._average: AveragedModel | None = None
        if settings.ema:
            rule = get_ema_multi_avg_fn(settings.ema)  # type: ignore[no-untyped-call]
            self._average = AveragedModel(self.model, multi_avg_fn=rule, use_buffers=True)

    @property
    def evaluated(self) -> nn.Module:
        """The network that is scored, predicts and becomes the member: the average where there is one."""
        return self.model if self._average is None else self._average.module

    def forget(self) -> None:
        """Drop the gradients."""
        for parameter in self.parameters:
            parameter.grad = None

    def step(self) -> None:
        """Update the weights by the gradients that `backward` has left, and the average by the weights."""
        if self.scaler.is_enabled():
            self.scaler.step(self.optimizer)
            self.scaler.update()
        else:
            self.optimizer.step()
        if self._average is not None:
            self._average.update_parameters(self.model)

    def state(self) -> dict[str, Tensor]:
        """Every tensor that it takes to go on, by name: for a file."""
        tensors = {f"model/{name}": tensor for name, tensor in self.model.state_dict().items()}
        for index, entries in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer/{index}/{key}": tensor for key, tensor in entries.items()}
        if self._average is not None:
            tensors |= {f"average/{name}": tensor for name, tensor in self._average.state_dict().items()}
        return tensors | {f"scaler/{key}": torch.tensor(value) for key, value in self.scaler.state_dict().items()}

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over what `state` gave; nothing is touched unless all of it fits.

        Raises:
            ValueError: it is that of another model or recipe.
        """
        expected = self.state()
        parts: dict[str, dict[str, Tensor]] = {"model": {}, "optimizer": {}, "average": {}, "scaler": {}}
        for name, tensor in tensors.items():
            kind, _, rest = name.partition("/")
            parts[kind][rest] = tensor
            # What an optimizer keeps is not there before its first step, so it has nothing to be compared with.
            alike = name in expected and (tensor.shape, tensor.dtype) == (expected[name].shape, expected[name].dtype)
            if kind != "optimizer" and not alike:
                raise ValueError("its weights are those of another model")
        if any(name not in tensors for name in expected if not name.startswith("optimizer/")):
            raise ValueError("its weights are those of another model")
        self.model.load_state_dict(parts["model"])
        states: dict[int, dict[str, Tensor]] = {}
        for name, tensor in parts["optimizer"].items():
            index, _, key = name.partition("/")
            # Laid out as the weights are: a fused optimizer goes through both in the order of their memory.
            images = tensor.ndim == 4 and self.memory_format == torch.channels_last
            placed = tensor.to(memory_format=torch.channels_last) if images else tensor
            states.setdefault(int(index), {})[key] = placed
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": states, "param_groups": groups})
        if self._average is not None:
            self._average.load_state_dict(parts["average"])
        if parts["scaler"]:
            self.scaler.load_state_dict({key: tensor.item() for key, tensor in parts["scaler"].items()})


def may_draw(model: nn.Module) -> bool:
    """Whether a network may draw random numbers in training; False only where all its parts are known to draw none."""
    return not all(
        isinstance(part, _DRAW_NOTHING) and type(part).__module__.startswith("torch.nn.modules.")
        for part in model.modules()
    )


def compiled(function: Callable[P, Tensor]) -> Callable[P, Tensor]:
    """The same network or function, compiled when it is first called.

    Raises:
        TrainingError: by the call: it cannot be compiled, or not here.
    """
    from torch._dynamo.exc import TorchDynamoException  # late: the compiler is large, and few ask for it
    from torch._inductor.exc import InductorError

    program = torch.compile(function)

    def run(*args: P.args, **kwargs: P.kwargs) -> Tensor:
        try:
            return program(*args, **kwargs)
        except (TorchDynamoException, InductorError) as error:
            reason = str(error).strip().split("\n", 1)[0]
            raise TrainingError(f"the model cannot be compiled here ({reason}); set train.compile = false") from error

    return run


def check_precision(device: torch.device, precision: str) -> None:
    """Refuse a precision that a device has no means for.

    Raises:
        TrainingError: float16 on `mps`.
    """
    if device.type == "mps" and precision == "float16":
        raise TrainingError(
            "train.precision = 'float16' is refused on mps, where torch does not scale losses; give bfloat16 or float32"
        )
