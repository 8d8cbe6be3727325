"""Folders of Ray Tune become members, read as they are."""

from __future__ import annotations

import importlib
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from tests.adopt.given.digits import rows, training_rows
from tests.adopt.ray_layout import SPRUNG, write_state, write_trial
from tests.adopt.whole_team import assert_bundle_predicts_as_its_tools
from torch import nn

import lrensemble
from lrensemble.adopt import AdoptResult
from lrensemble.errors import AdoptError

RATES = (0.1, 0.5)


def network(shape: tuple[int, ...], outputs: int, *, width: int) -> nn.Module:
    return nn.Sequential(nn.Linear(shape[0], width), nn.ReLU(), nn.Linear(width, outputs))


def learned(rate: float, epochs: int, width: int = 16) -> nn.Module:
    x, y = training_rows()
    inputs, truth = torch.tensor(x, dtype=torch.float32) / 16, torch.tensor(y)
    torch.manual_seed(0)
    made = network((64,), 10, width=width)
    optimizer = torch.optim.SGD(made.parameters(), rate)
    for _ in range(10 * epochs):
        optimizer.zero_grad()
        nn.functional.cross_entropy(made(inputs), truth).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return made.eval()


def accuracy_of(made: nn.Module) -> float:
    given = rows()
    return float((said(made)(given["x_val"]).argmax(axis=1) == given["y_val"]).mean())


def said(made: nn.Module) -> Callable[[Any], Any]:
    @torch.no_grad()
    def probs(x: Any) -> Any:
        return made(torch.tensor(x, dtype=torch.float32) / 16).double().softmax(dim=1).numpy()

    return probs


def saver(made: nn.Module, name: str = "model.pt") -> Callable[[Path], object]:
    def write(folder: Path) -> None:
        if name.endswith(".safetensors"):
            safetensors.torch.save_file(made.state_dict(), folder / name)
        else:
            torch.save(made.state_dict(), folder / name)

    return write


@pytest.fixture
def experiment(tmp_path: Path) -> Path:
    """Four trials: two that finished and were best in the middle, one that failed, one that kept no checkpoint."""
    folder = tmp_path / "ray results" / "sweep"
    for number, rate in enumerate(RATES):
        networks = [learned(rate, epochs) for epochs in (1, 3, 2)]
        write_trial(
            folder,
            number,
            {"lr": rate, "width": 16, "momentum": 0.0},
            [{"val_accuracy": accuracy_of(each), "loss": 2.0 - place} for place, each in enumerate(networks)],
            {place: saver(networks[place]) for place in (1, 2)},
        )
    failed = learned(0.9, 1)
    write_trial(folder, 2, {"lr": 0.9, "width": 16}, [{"val_accuracy": 0.5}], {0: saver(failed)}, error=True)
    write_trial(folder, 3, {"lr": 0.2, "width": 16}, [{"val_accuracy": 0.5}], {})
    return folder


def adopt(pool: Path, given: Any, **own: Any) -> AdoptResult:
    return lrensemble.adopt(pool, given, data=rows(), builder=network, std=16, **own)


def test_trials_predict_as_their_networks(experiment: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        result = adopt(tmp_path / "pool", experiment)
    assert [member.name for member in result] == ["lr=0.1", "lr=0.5"]
    assert "2 of 4 trials are left out: train_a1b2c_00002" in caplog.text
    assert caplog.text.count("(failed)") == caplog.text.count("(no checkpoint)") == 1
    assert not any(member.logged for member in result)  # what was reported holds here
    predict = {f"lr={rate}": said(learned(rate, 2)) for rate in RATES}
    assert_bundle_predicts_as_its_tools(tmp_path / "pool", predict, rows()["x_test"])
    assert not (experiment / SPRUNG).exists()


def test_what_is_known_of_a_trial(experiment: Path, tmp_path: Path) -> None:
    member = adopt(tmp_path / "pool", experiment).pool.members()[0]
    assert member.facts == {
        "file": "model.pt",
        "lr": 0.1,
        "width": 16,
        "momentum": 0.0,
        "trial": "a1b2c_00000",
        "checkpoint": "checkpoint_000002",
    }
    assert member.seconds == 1.5
    assert [line["epoch"] for line in member.history()] == [1, 2, 3]
    assert set(member.history()[0]) == {"epoch", "val_accuracy", "loss", "time_this_iter_s", "time_total_s"}
    assert member.network is not None
    assert member.network.model.arguments == {"width": 16}


def test_the_best_checkpoint_by_a_metric(experiment: Path, tmp_path: Path) -> None:
    def checkpoints(**own: Any) -> list[Any]:
        result = adopt(tmp_path / str(own), experiment, **own)
        return [member.facts["checkpoint"][-1] for member in result.pool.members()]

    scores = [[accuracy_of(learned(rate, epochs)) for epochs in (3, 2)] for rate in RATES]
    assert all(three > two for three, two in scores)
    assert checkpoints() == ["2", "2"]
    assert checkpoints(metric="val_accuracy") == ["1", "1"]
    assert checkpoints(metric="val_accuracy", mode="min") == ["2", "2"]
    assert checkpoints(metric="loss") == ["2", "2"]
    for own, message in (
        ({"metric": "width"}, "say mode='min' or mode='max'"),
        ({"metric": "val_nll"}, "no checkpoint was reported with 'val_nll'; trials reported epoch, val_accuracy, loss"),
        ({"metric": "loss", "mode": "maximum"}, "mode='maximum' is refused"),
    ):
        with pytest.raises(AdoptError, match=message):
            checkpoints(**own)


def test_a_trial_that_was_tried_again_is_finished(tmp_path: Path) -> None:
    one, other = (
        write_trial(tmp_path / "e", place, {"lr": place, "width": 16}, [{}], {0: saver(learned(0.1, 1))}, error=True)
        for place in range(2)
    )
    with pytest.raises(AdoptError, match=r"no trial of .* finished with a checkpoint: train_.*\(failed\)"):
        adopt(tmp_path / "pool", tmp_path / "e")
    write_state(tmp_path / "e", {one: "TERMINATED", other: "ERROR"})
    result = adopt(tmp_path / "pool", tmp_path / "e")
    assert [member.name for member in result] == ["lr=0, width=16"]
    assert not (tmp_path / "e" / SPRUNG).exists()


def test_the_model_in_a_checkpoint(tmp_path: Path) -> None:
    made = learned(0.1, 1)

    def checkpoint(*names: str) -> Path:
        def write(folder: Path) -> None:
            for name in names:
                saver(made, name)(folder)

        place = len(list(tmp_path.iterdir()))
        return write_trial(tmp_path / f"e{place}", 0, {"width": 16}, [{}], {0: write})

    for names in (("model.pt", "optimizer.pt"), ("net.safetensors",), ("weights.pth", "rng_state.pth")):
        assert len(adopt(tmp_path / "p", checkpoint(*names))) == 1
    unclear = checkpoint("a.pt", "b.pt")
    with pytest.raises(AdoptError, match=r"holds a\.pt, b.pt: several that may be the model; name the file: file="):
        adopt(tmp_path / "p", unclear)
    result = adopt(tmp_path / "p", unclear, file="b.pt", name="b")
    assert [(member.name, member.new) for member in result] == [("b", True)]
    with pytest.raises(AdoptError, match=r"has no c\.pt that is a model; it holds a.pt, b.pt"):
        adopt(tmp_path / "p", unclear, file="c.pt")
    with pytest.raises(AdoptError, match=r"state\.pkl is a pickle, and reading it would run code"):
        adopt(tmp_path / "p", checkpoint("state.pkl"))


def test_equal_parameters_are_told_apart_and_inner_ones_are_laid_flat(tmp_path: Path) -> None:
    for number, rate in enumerate((0.1, 0.1, 0.2)):
        inner = {"train_loop_config": {"lr": rate, "width": 16}, "workers": 1}
        write_trial(tmp_path / "e", number, inner, [{}], {0: saver(learned(rate, number + 1))})
    result = adopt(tmp_path / "pool", tmp_path / "e")
    assert [member.name for member in result] == ["lr=0.1 (a1b2c_00000)", "lr=0.1 (a1b2c_00001)", "lr=0.2"]
    assert result.pool.members()[2].facts["lr"] == 0.2


def test_a_trial_that_was_killed_and_one_of_an_older_ray(tmp_path: Path) -> None:
    made = learned(0.1, 1)
    folder = write_trial(tmp_path / "e", 0, {"width": 16}, [{"val_accuracy": 0.5}] * 2, {1: saver(made)})
    results = folder / "result.json"
    old = [json.loads(line) for line in results.read_text().splitlines()]
    for line in old:
        del line["checkpoint_dir_name"]
    results.write_text("".join(json.dumps(line) + "\n" for line in old) + "[" * 10**5 + '\n{"val_accuracy": 0.')
    result = adopt(tmp_path / "pool", folder)
    assert len(result.pool.members()[0].history()) == 2
    assert result[0].logged == {"val_accuracy": (0.5, accuracy_of(made))}
    with pytest.raises(AdoptError, match="without metric= the last checkpoint is taken"):
        adopt(tmp_path / "pool", folder, metric="val_accuracy")


def test_folders_of_nothing(tmp_path: Path) -> None:
    with pytest.raises(AdoptError, match="is no folder of Ray Tune: give that of an experiment"):
        adopt(tmp_path / "pool", f"ray_tune:{tmp_path}")
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "params.json").write_text("[1]")
    (tmp_path / "t" / "result.json").write_text("")
    with pytest.raises(AdoptError, match=r"params\.json is no table of parameters"):
        adopt(tmp_path / "pool", tmp_path)
    assert not (tmp_path / "pool" / "members").exists() or not list((tmp_path / "pool" / "members").iterdir())


REAL = """
import os, sys, tempfile, torch
import ray
from ray import tune

def train(config):
    from tests.adopt.test_ray_tune import accuracy_of, learned
    for epochs in (1, 2):
        network = learned(config["lr"], epochs, config["width"])
        if config["lr"] == 9.0:
            raise ValueError("too high")
        with tempfile.TemporaryDirectory() as folder:
            torch.save(network.state_dict(), os.path.join(folder, "model.pt"))
            checkpoint = tune.Checkpoint.from_directory(folder)
            tune.report({"val_accuracy": accuracy_of(network)}, checkpoint=checkpoint)

ray.init(num_cpus=1, include_dashboard=False, object_store_memory=100 * 2**20, log_to_driver=False)
space = {"lr": tune.grid_search([0.1, 0.5, 9.0]), "width": 16}
tune.Tuner(train, param_space=space, run_config=tune.RunConfig(name="s", storage_path=sys.argv[1], verbose=0)).fit()
ray.shutdown()
"""


@pytest.mark.long
def test_what_ray_itself_writes(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    pytest.importorskip("tensorboardX")
    root = Path(__file__).parents[2]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(root), str(root / "src")]),
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_AIR_NEW_OUTPUT": "0",
    }
    script = tmp_path / "sweep.py"
    script.write_text(REAL)
    subprocess.run([sys.executable, script, tmp_path / "ray"], env=environment, check=True, capture_output=True)
    result = adopt(tmp_path / "pool", tmp_path / "ray" / "s")
    assert [member.name for member in result] == ["lr=0.1", "lr=0.5"]
    assert not any(member.logged for member in result)
    predict = {f"lr={rate}": said(learned(rate, 2)) for rate in RATES}
    assert_bundle_predicts_as_its_tools(tmp_path / "pool", predict, rows()["x_test"])
    tune = importlib.import_module("ray.tune")
    grid = tune.ResultGrid(tune.ExperimentAnalysis(str(tmp_path / "ray" / "s")))
    assert len(grid) == 3
    assert [member.new for member in adopt(tmp_path / "pool", grid)] == [False, False]
