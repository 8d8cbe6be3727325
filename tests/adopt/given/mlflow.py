"""Runs in a folder of MLflow's, each with its weights as an artifact."""

from pathlib import Path
from typing import Any

import pytest
import torch
from tests.adopt.given.digits import trained
from tests.adopt.given.optuna import build, loss_of

NEEDS = ("mlflow",)


def log(uri: str, folder: Path, rates: tuple[float, ...] = (0.1, 0.3)) -> None:
    """Log a run for each rate in the experiment `digits`."""
    from mlflow.tracking import MlflowClient

    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
        client, place = MlflowClient(tracking_uri=uri), (folder / "of-runs").as_uri()
        known = client.get_experiment_by_name("digits")
        home = (
            known.experiment_id
            if known
            else client.create_experiment("digits", None if uri.startswith("file:") else place)
        )
        for rate in rates:
            network = trained(0, rate)
            run = client.create_run(home, run_name=f"rate {rate}").info.run_id
            client.log_param(run, "lr", rate)
            client.log_param(run, "width", 16)
            for step, loss in ((1, 2.0), (5, loss_of(network))):
                client.log_metric(run, "val_nll", loss, step=step)
            client.log_metric(run, "loss", 0.1)
            torch.save(network.state_dict(), folder / "model.pt")
            client.log_artifact(run, str(folder / "model.pt"), "model")
            client.set_terminated(run)


def made() -> dict[str, Any]:
    log(f"file:{Path.cwd()}/mlruns", Path.cwd())  # MLflow remembers what it opened by a relative name
    return {"build": build}
