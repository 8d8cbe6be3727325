"""The processes that train one member together, as `accelerate launch` or `torchrun` has started them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import Any

import torch
from torch import Tensor

from lrensemble.errors import MissingExtraError, TrainingError
from lrensemble.train.run.sharded.share import Share


@dataclass
class Processes:
    """All of them, and which this one is; the first leads, and tells the others what to do."""

    share: Share
    device: torch.device
    """Device of this process."""
    in_step: bool = True
    """Whether the others wait for word; not where something failed half-way."""

    @property
    def leads(self) -> bool:
        """Whether this process has the run."""
        return self.share.number == 0

    @cached_property
    def mesh(self) -> Any:
        """Devices that weights are sharded over, a `DeviceMesh`."""
        from torch.distributed.device_mesh import init_device_mesh  # late, as all that is large

        return init_device_mesh(self.device.type, (self.share.of,))

    def tell(self, **word: object) -> None:
        """Tell those who follow what to do; by the leader alone."""
        content = torch.frombuffer(bytearray(json.dumps(word).encode()), dtype=torch.uint8).to(self.device)
        torch.distributed.broadcast(torch.tensor(len(content), device=self.device), 0)
        torch.distributed.broadcast(content, 0)

    def hear(self) -> dict[str, Any]:
        """What the leader tells; waits for it."""
        length = torch.tensor(0, device=self.device)
        torch.distributed.broadcast(length, 0)
        content = torch.empty(int(length), dtype=torch.uint8, device=self.device)
        torch.distributed.broadcast(content, 0)
        word: dict[str, Any] = json.loads(content.cpu().numpy().tobytes())
        return word

    def give(self, tensors: Mapping[str, Tensor]) -> None:
        """Give tensors to those who follow."""
        kinds = {name: [list(each.shape), str(each.dtype).removeprefix("torch.")] for name, each in tensors.items()}
        self.tell(tensors=kinds)
        for each in tensors.values():
            torch.distributed.broadcast(each.to(self.device).contiguous(), 0)

    def take(self) -> dict[str, Tensor]:
        """Tensors that the leader gives."""
        found = {}
        for name, (shape, dtype) in self.hear()["tensors"].items():
            found[name] = torch.empty(shape, dtype=getattr(torch, dtype), device=self.device)
            torch.distributed.broadcast(found[name], 0)
        return found


def follows() -> bool:
    """Whether this process was started as one of several, and is not the first."""
    return int(os.environ.get("RANK", "0")) > 0


def joined(device: str) -> Processes:
    """The processes that this one was started with.

    Args:
        device: `cpu`, or anything else for a GPU each.

    Raises:
        TrainingError: it was started alone.
        MissingExtraError: `accelerate` is not installed.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) < 2:
        raise TrainingError(
            "execution sharded trains one member in several processes, and this is one; start them: accelerate launch "
            "--num_processes 2 -m lrensemble tune EXPERIMENT --device gpus --execution sharded"
        )
    try:
        accelerate: Any = import_module("accelerate")
    except ImportError:
        raise MissingExtraError("execution sharded needs accelerate; pip install 'lrensemble[llm]'") from None
    state = accelerate.PartialState(cpu=device == "cpu")
    here = torch.device("cpu") if state.device.type == "cpu" else state.device
    return Processes(Share(state.process_index, state.num_processes), here)
