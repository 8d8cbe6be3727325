"""A study that is done, an objective that is not, and where its trials left their weights."""

from pathlib import Path
from typing import Any

import torch
from tests.adopt.given.digits import VAL, rows, training_rows
from torch import nn

NEEDS = ("optuna",)


def build(shape: tuple[int, ...], outputs: int, *, width: int = 8) -> nn.Module:
    return nn.Sequential(nn.Linear(shape[0], width), nn.ReLU(), nn.Linear(width, outputs))


def fitted(trial: Any) -> nn.Module:
    """A network that was trained as a trial says."""
    rate, width = trial.suggest_float("lr", 0.05, 0.5, log=True), trial.suggest_categorical("width", [8, 12])
    x, y = training_rows()
    inputs, truth = torch.tensor(x, dtype=torch.float32) / 16, torch.tensor(y)
    torch.manual_seed(trial.number)
    network = build((64,), 10, width=width)
    optimizer = torch.optim.SGD(network.parameters(), rate)
    for start in range(0, len(inputs), 50):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(network(inputs[start : start + 50]), truth[start : start + 50])
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return network.eval()


@torch.no_grad()
def loss_of(network: nn.Module) -> float:
    """Negative log-likelihood on the validation rows."""
    x, y = rows()["x_val"], rows()["y_val"]
    assert len(x) == VAL.stop - VAL.start
    return float(nn.functional.cross_entropy(network(torch.tensor(x, dtype=torch.float32) / 16), torch.tensor(y)))


def uploading(store: Any) -> Any:
    """An objective that uploads its weights."""
    import optuna

    def objective(trial: Any) -> float:
        network, path = fitted(trial), Path(f"{trial.number}.pt")
        torch.save(network.state_dict(), path)
        optuna.artifacts.upload_artifact(artifact_store=store, file_path=str(path), study_or_trial=trial)
        return loss_of(network)

    return objective


def made() -> dict[str, Any]:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    Path("artifacts").mkdir()
    sampler = optuna.samplers.RandomSampler(seed=0)
    study = optuna.create_study(study_name="digits", sampler=sampler)
    study.optimize(uploading(optuna.artifacts.FileSystemArtifactStore("artifacts")), n_trials=3)
    return {"build": build, "study": study, "optuna": optuna, "fitted": fitted, "loss_of": loss_of}
