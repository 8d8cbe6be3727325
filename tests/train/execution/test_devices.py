"""Where a run computes: threads follow from the size of the work, and are put back."""

import os

import pytest
import torch

from lrensemble.environment import cores
from lrensemble.errors import TrainingError
from lrensemble.models import build
from lrensemble.train.execution.devices import check_devices, to_device
from lrensemble.train.run.arithmetic.numerics import check_precision, threads, threads_for


def test_a_small_network_has_one_thread_and_a_larger_one_all() -> None:
    with threads(2):
        assert threads_for(build("cnn(width=8)", (1, 8, 8), 10, 0), torch.zeros(128, 1, 8, 8)) == 1
        assert threads_for(build("cnn(width=8)", (1, 28, 28), 10, 0), torch.zeros(128, 1, 28, 28)) == 2
        assert threads_for(build("cnn(width=8)", (1, 28, 28), 10, 0), torch.zeros(8, 1, 28, 28)) == 1


def test_a_group_has_all_threads_sooner_than_its_members_alone() -> None:
    network, inputs = build("cnn(width=8)", (1, 8, 8), 10, 0), torch.zeros(128, 1, 8, 8)
    with threads(2):
        assert [threads_for(network, inputs, copies) for copies in (1, 2, 16)] == [1, 1, 2]


def test_the_cores_are_those_that_this_process_may_use() -> None:
    assert 1 <= cores() <= (os.cpu_count() or 1)


def test_measuring_the_work_leaves_no_trace() -> None:
    model = build("cnn(width=3, dropout=0.5)", (1, 8, 8), 10, 0)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    state = torch.get_rng_state()
    with threads(2):
        threads_for(model, torch.ones(4, 1, 8, 8))
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state)


def test_threads_are_put_back_also_after_an_error() -> None:
    def fail_on_three_threads() -> None:
        with threads(3):
            raise ZeroDivisionError(torch.get_num_threads())

    with pytest.raises(ZeroDivisionError, match="3"):
        fail_on_three_threads()
    assert torch.get_num_threads() == 1


def test_devices_by_name() -> None:
    assert to_device("cpu") == torch.device("cpu")
    assert to_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    with pytest.raises(TrainingError, match="no device named 'gpu' here; choose from auto, cpu"):
        to_device("gpu")


@pytest.mark.skipif(torch.backends.mps.is_available(), reason="has a GPU of Apple's")
def test_a_gpu_of_apples_is_known_where_there_is_none() -> None:
    with pytest.raises(
        TrainingError, match="torch finds no GPU of Apple's here for device 'mps'; choose from auto, cpu"
    ):
        to_device("mps")


def test_what_a_gpu_of_apples_lacks_is_refused() -> None:
    apple = torch.device("mps")
    with pytest.raises(
        TrainingError, match="execution fused is refused on mps, which has no float64; choose one-by-one"
    ):
        check_devices(["cpu", "mps"], "fused")
    check_devices(["mps"], "auto")
    check_devices(["cpu", "cuda:0"], "fused")
    with pytest.raises(
        TrainingError, match=r"train.precision = 'float16' is refused on mps, .* give bfloat16 or float32"
    ):
        check_precision(apple, "float16")
    check_precision(apple, "bfloat16")
    check_precision(torch.device("cpu"), "float16")
