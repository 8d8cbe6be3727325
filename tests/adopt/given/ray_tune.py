"""An experiment of three trials, in the layout of Ray Tune."""

from functools import partial
from pathlib import Path
from typing import Any

import torch
from tests.adopt.given.digits import build, rows, trained
from tests.adopt.ray_layout import write_trial
from torch import nn


def made() -> dict[str, Any]:
    for number, rate in enumerate((0.1, 0.3, 1)):
        network = trained(number, rate)
        report = {"val_accuracy": _accuracy(network)}
        experiment = Path("ray_results") / "sweep"
        write_trial(experiment, number, {"lr": rate, "epochs": 5}, [report], {0: partial(_save, network)})
    return {"build": build}


def _save(network: nn.Module, folder: Path) -> None:
    torch.save(network.state_dict(), folder / "model.pt")


@torch.no_grad()
def _accuracy(network: nn.Module) -> float:
    given = rows()
    said = network(torch.tensor(given["x_val"], dtype=torch.float32) / 16).argmax(dim=1)
    return float((said.numpy() == given["y_val"]).mean())
