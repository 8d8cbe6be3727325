"""Weights of three networks, one folder each."""

from pathlib import Path
from typing import Any

import torch
from tests.adopt.given.digits import build, trained


def made() -> dict[str, Any]:
    for seed in range(3):
        folder = Path("runs") / f"seed-{seed}"
        folder.mkdir(parents=True)
        torch.save({"epoch": 5, "model_state_dict": trained(seed).state_dict()}, folder / "model.pt")
    return {"build": build, "network": trained(3)}
