"""How a network computes: its precision, its threads, whether to the same bits every time, whether it is compiled."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import ParamSpec

import torch
from torch import Tensor, nn

from lrensemble.config import TrainSettings
from lrensemble.errors import TrainingError
from lrensemble.models.arithmetic import cuda_arithmetic, threads
from lrensemble.train.run.arithmetic.flops import forward_flops
from lrensemble.train.run.arithmetic.work import FLOPS_FOR_THREADS, FLOPS_OF_A_GROUP

__all__ = [
    "arithmetic",
    "autocast",
    "check_precision",
    "compiled",
    "reproducibly",
    "rounds_float32",
    "threads",
    "threads_for",
]

P = ParamSpec("P")


def autocast(device: torch.device, settings: TrainSettings) -> AbstractContextManager[object]:
    """The context that a network computes in at the precision of a recipe."""
    if settings.precision in ("float32", "tf32"):
        return nullcontext()
    return torch.autocast(device.type, getattr(torch, settings.precision))


def arithmetic(device: torch.device, settings: TrainSettings) -> AbstractContextManager[object]:
    """The context of a step, forward and backward: TF32 where a recipe asks for it and nowhere else; the convolutions
    that a trial finds fastest, unless torch is told to be deterministic.
    """
    return cuda_arithmetic(
        device, tf32=settings.precision == "tf32", trial=not torch.are_deterministic_algorithms_enabled()
    )


def check_precision(device: torch.device, precision: str) -> None:
    """Refuse a precision that a device has no means for.

    Raises:
        TrainingError: float16 on `mps`.
    """
    if device.type == "mps" and precision == "float16":
        raise TrainingError(
            "train.precision = 'float16' is refused on mps, where torch does not scale losses; give bfloat16 or float32"
        )


def rounds_float32(device: torch.device, precision: str) -> bool:
    """Whether products of float32 numbers are rounded on a device: as the recipe asks, or elsewhere as torch is set."""
    return precision == "tf32" if device.type == "cuda" else torch.get_float32_matmul_precision() != "highest"


@contextmanager
def reproducibly(wanted: bool) -> Iterator[None]:
    """Where it is wanted, compute on one thread in this block, and keep torch to algorithms that give the same bits
    every time.

    An operation that has none fails with torch's own error. On a GPU of CUDA's, matrix products need a workspace of
    fixed size (cuBLAS, "Results reproducibility"), which is asked for before the first of them.
    """
    if not wanted:
        yield
        return
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    before = torch.get_deterministic_debug_mode(), torch.backends.cudnn.benchmark
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
    try:
        with threads(1):
            yield
    finally:
        torch.set_deterministic_debug_mode(before[0])
        torch.backends.cudnn.benchmark = before[1]


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


def threads_for(model: nn.Module, inputs: Tensor, copies: int = 1) -> int:
    """How many threads a run uses: one for a small network, all that torch has for a larger one.

    The number is part of what a result depends on to the last bit, so it follows from the network and the size of a
    batch, is kept with the state of a run, and is recorded with the member.

    Args:
        model: the network.
        inputs: of a batch.
        copies: networks that compute side by side in one program.
    """
    if torch.get_num_threads() == 1:  # counting would cost a forward pass
        return 1
    enough = FLOPS_OF_A_GROUP if copies > 1 else FLOPS_FOR_THREADS
    return torch.get_num_threads() if copies * forward_flops(model, inputs) >= enough else 1
