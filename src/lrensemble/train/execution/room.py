"""What a language model costs on a device, counted before it is loaded: memory, which is refused where it cannot
suffice, and padding.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

import torch

from lrensemble.config import TrainSettings
from lrensemble.data import Learnable
from lrensemble.errors import TrainingError
from lrensemble.language.batches import padding_of
from lrensemble.language.dataset import SequenceDataset
from lrensemble.models.room import machine_memory
from lrensemble.spec import Spec
from lrensemble.train.run.needed import GB, NeededMemory, needed_memory

MUCH_PADDING = 0.2
"""Share of the computed positions from which on padding is told."""

MEMINFO = "/proc/meminfo"


def check_room(
    parts: Iterable[tuple[Spec, TrainSettings]], dataset: Learnable, device: torch.device, shards: int = 1
) -> str | None:
    """Line on the memory of the largest of some runs, and of the device; None where nothing is large.

    Args:
        parts: model and settings of each.
        dataset: what they learn.
        device: where.
        shards: devices that share the base and each batch.

    Raises:
        TrainingError: what is there from the first step to the last does not fit the device, however empty it is.
    """
    if not isinstance(dataset, SequenceDataset):
        return None
    found = {str(each): needed_memory(*each, dataset, shards=shards) for each in parts}
    counted = [each for each in found.values() if each is not None]
    if not counted:
        return None
    return room_line(max(counted, key=lambda each: each.total), str(device), *memory_of(device))


def padding_line(settings: TrainSettings, dataset: Learnable) -> str | None:
    """Line on how much of what a run computes is padding, and on what leaves less; None where it is not much."""
    if not isinstance(dataset, SequenceDataset):
        return None
    train = dataset.sequences["train"]
    found = padding_of(train, settings, packing=dataset.packing)
    if found.share < MUCH_PADDING:
        return None
    by_length = settings.model_copy(update={"sampler": Spec("by_length")})
    others = {
        "train.sampler = 'by_length'": padding_of(train, by_length, packing=dataset.packing),
        "data.packing = true": padding_of(train, settings, packing=True),
    }
    less = {how: each.share for how, each in others.items() if each.share < found.share / 2}
    said = " and ".join(f"{how} would leave {share:.0%}" for how, share in less.items())
    return f"{found.share:.0%} of what an epoch computes is padding; {said}" if less else None


def room_line(needed: NeededMemory, device: str, free: float, total: float) -> str:
    """Line on what is needed, and on what a device has.

    Args:
        needed: by a run.
        device: its name.
        free: bytes of its memory that are free.
        total: bytes that it has.

    Raises:
        TrainingError: as `check_room`.
    """
    if needed.lasting > total:
        raise TrainingError(
            f"a run needs {needed}, and {device} has {total / GB:.1f} GB in all; {_smaller(needed)}, or take a larger "
            "device"
        )
    line = f"a run needs about {needed}; {device} has {free / GB:.1f} of {total / GB:.1f} GB free"
    return line if needed.total <= free else f"{line}: it may not fit; {_smaller(needed)}"


def memory_of(device: torch.device) -> tuple[float, float]:
    """Bytes of memory of a device that are free, and all that it has."""
    if device.type == "cuda":
        on_device = torch.cuda.mem_get_info(device)
        return float(on_device[0]), float(on_device[1])
    total = machine_memory()
    return min(total, available_memory() or total), total


def available_memory() -> float | None:
    """Bytes of this machine's memory that programs can have without others giving any back; None where it says not."""
    if not os.path.exists(MEMINFO):
        return None
    with open(MEMINFO, encoding="ascii") as file:
        lines = dict(line.split(":", 1) for line in file)
    said = lines.get("MemAvailable", "").split()
    return 1024 * float(said[0]) if said else None


def _smaller(needed: NeededMemory) -> str:
    """What makes the largest part smaller."""
    if needed.activations > needed.lasting / 2:
        return "raise train.accumulate, set model.checkpointing = true, or shorten data.length"
    if needed.base > needed.trained:
        return 'give model.dtype = "bfloat16", or a smaller base'
    return "train an adapter, model = lora, or a smaller base"
