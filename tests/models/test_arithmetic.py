"""Float32 on a GPU of CUDA's: what is asked for holds in the block, and the process is as it was after it.

The flags are torch's own and are there without a GPU; what they do is tested in `tests/train/run/test_on_a_gpu.py`.
"""

from collections.abc import Iterator

import pytest
import torch
from torch.backends import cuda, cudnn

from lrensemble.config import TrainSettings
from lrensemble.models.arithmetic import cuda_arithmetic
from lrensemble.train.run.arithmetic.numerics import arithmetic, autocast

GPU, CPU = torch.device("cuda"), torch.device("cpu")


def flags() -> tuple[bool, bool, bool]:
    return cuda.matmul.allow_tf32, cudnn.allow_tf32, cudnn.benchmark


def set_flags(*values: bool) -> None:
    cuda.matmul.allow_tf32, cudnn.allow_tf32, cudnn.benchmark = values


@pytest.fixture(autouse=True)
def as_a_user_may_have_it() -> Iterator[None]:
    before = flags()
    set_flags(False, True, True)
    yield
    set_flags(*before)


def test_predictions_have_all_bits_and_the_same_ways_each_time() -> None:
    before = flags()
    with cuda_arithmetic(GPU):
        assert flags() == (False, False, False)
    assert flags() == before == (False, True, True)


@pytest.mark.parametrize(("precision", "tf32"), [("float32", False), ("tf32", True), ("bfloat16", False)])
@pytest.mark.parametrize("deterministic", [False, True])
def test_a_step_has_tf32_if_asked_and_trials_if_the_same_bits_are_not(
    precision: str, tf32: bool, deterministic: bool
) -> None:
    settings, before = TrainSettings.model_validate({"precision": precision}), flags()
    torch.use_deterministic_algorithms(deterministic)
    try:
        with arithmetic(GPU, settings):
            assert flags() == (tf32, tf32, not deterministic)
            with cuda_arithmetic(GPU):
                assert flags() == (False, False, False)
            assert flags() == (tf32, tf32, not deterministic)
    finally:
        torch.use_deterministic_algorithms(False)
    assert flags() == before


def test_tf32_is_no_smaller_type() -> None:
    with autocast(CPU, TrainSettings(precision="tf32")):
        assert (torch.ones(2, 3) @ torch.ones(3, 5)).dtype == torch.float32


def test_elsewhere_nothing_is_set() -> None:
    before = flags()
    with cuda_arithmetic(CPU, tf32=True):
        assert flags() == before


def test_the_process_is_as_it_was_after_an_error_too() -> None:
    def fail() -> None:
        with cuda_arithmetic(GPU, tf32=True, trial=True):
            raise ZeroDivisionError

    expected = flags()
    with pytest.raises(ZeroDivisionError):
        fail()
    assert flags() == expected
