"""Models of one's own: what would fail when a run has ended, or be lost, is said before it begins."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lrensemble import models
from lrensemble.config import Experiment
from lrensemble.data import Dataset
from lrensemble.errors import ConfigError, SpecError
from lrensemble.pool import Pool
from lrensemble.train import tune
from lrensemble.train.run.predictions import predict

MakeExperiment = Callable[..., Experiment]
OWN = "tests.train.own_models"


def trained(experiment: Experiment, folder: Path, execution: str) -> Pool:
    list(tune(experiment, folder, execution=execution))
    return Pool.open(folder)


def test_tied_weights_are_one_in_a_group_as_well(experiment: MakeExperiment, digits: Dataset, tmp_path: Path) -> None:
    """Each member is what it is alone, and its weights make the network that has predicted."""
    policies = ["constant(peak=0.01)", "cosine(peak=0.02)"]
    tied = experiment(model=f"{OWN}:Tied", policy=policies)
    together, alone = (trained(tied, tmp_path / execution, execution) for execution in ("fused", "one-by-one"))
    for member, other in zip(together, alone, strict=True):
        assert (member.id, member.made_with and member.made_with.execution) == (other.id, "fused")
        np.testing.assert_allclose(member.predictions("val").main, other.predictions("val").main, atol=1e-3)
        weights = member.weights()
        assert weights.keys() == other.weights().keys() > {"up.weight", "down.weight"}
        network = models.build(f"{OWN}:Tied", digits.shape, len(digits.target.names), seed=0)
        network.load_state_dict(weights)
        said = predict(network, digits.head(None), digits, "val").numpy()
        np.testing.assert_allclose(said, member.predictions("val").main, atol=1e-5)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("Counting", "says something else when its weights are loaded into another of its kind: .*register_buffer"),
        ("Growing", "does not take the weights of another of its kind .*size mismatch for seen"),
        ("Complex", "has 'phases' in its state dict, strided complex128, which cannot be kept"),
        ("Further", "has '_extra_state' in its state dict, of type dict; only tensors can be kept"),
        ("Frozen", "has no parameter that is trained"),
        ("Ending", "ends the program, with status 3, when it learns from a batch; raise an error instead"),
        ("Detached", "gives outputs that none of its parameters has a gradient of; leave out detach and no_grad"),
    ],
)
def test_what_cannot_be_kept_is_not_trained(
    experiment: MakeExperiment, tmp_path: Path, model: str, message: str
) -> None:
    with pytest.raises(SpecError, match=f"model '{OWN}:{model}' {message}") as caught:
        tune(experiment(model=f"{OWN}:{model}"), tmp_path / "pool")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "pool").exists()


def test_who_draws_in_predictions_is_told(
    experiment: MakeExperiment, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tune(experiment(model=f"{OWN}:Drawing"), tmp_path / "pool").close()
    assert f"model '{OWN}:Drawing' draws random numbers when it predicts" in caplog.text


@pytest.mark.parametrize("model", ["DrawingElsewhere", "Remembering"])
def test_who_says_something_else_when_asked_again_is_told(
    experiment: MakeExperiment, tmp_path: Path, caplog: pytest.LogCaptureFixture, model: str
) -> None:
    """No other network can be compared with it, and so none is refused."""
    tune(experiment(model=f"{OWN}:{model}"), tmp_path / "pool").close()
    assert f"model '{OWN}:{model}' says something else when it is asked the same again" in caplog.text


@pytest.mark.parametrize(
    ("train", "message"),
    [  # of 809 rows
        ({"batch_size": 101, "drop_last": False}, r"train\.drop_last = false is refused: with 809 training rows and"),
        ({"batch_size": 1}, r"train\.batch_size = 1 is refused"),
        ({"batch_size": 10, "accumulate": 4}, r"train\.accumulate = 4 is refused"),  # 3, 3, 3 and 1
        ({"batch_size": 8, "accumulate": 8}, r"train\.accumulate = 8 is refused"),
        ({"batch_size": 19, "drop_last": False, "accumulate": 8}, r"train\.accumulate = 8 is refused"),  # 11 are left
        ({"batch_size": 100, "drop_last": False}, None),
        ({"batch_size": 101}, None),
        ({"batch_size": 10, "accumulate": 3}, None),  # 4, 4 and 2
    ],
)
def test_one_row_has_no_statistics(
    experiment: MakeExperiment, tmp_path: Path, train: dict[str, Any], message: str | None
) -> None:
    batched = experiment(model=f"{OWN}:Batched", train=train)
    if message is None:
        tune(batched, tmp_path / "pool").close()
        return
    with pytest.raises(ConfigError, match=message) as caught:
        tune(batched, tmp_path / "pool")
    assert f"a batch has one row, of which {OWN}:Batched cannot learn (ValueError: Expected more than 1" in str(
        caught.value
    )
    assert not (tmp_path / "pool").exists()
    tune(experiment(model=f"{OWN}:Plain", train=train), tmp_path / "plain").close()
