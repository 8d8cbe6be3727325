"""A module that learns from pixels from 0 to 1, its rows, a quiet Trainer and what writes checkpoints of a run."""

import logging
import warnings
from functools import partial
from pathlib import Path
from typing import Any

import torch
from tests.adopt.given.digits import build, rows, training_rows
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

NEEDS = ("lightning",)


def made() -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import lightning
        from lightning.pytorch.callbacks import ModelCheckpoint
    warnings.filterwarnings("ignore", module="lightning")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)

    class Net(lightning.LightningModule):  # type: ignore[misc]
        def __init__(self, lr: float = 0.1) -> None:  # noqa: ARG002  (Lightning reads it from the frame)
            super().__init__()
            self.save_hyperparameters()
            self.net = build((64,), 10)

        def forward(self, inputs: Tensor) -> Tensor:
            outputs: Tensor = self.net(inputs)
            return outputs

        def training_step(self, batch: Any, place: int) -> Tensor:  # noqa: ARG002
            return nn.functional.cross_entropy(self(batch[0]), batch[1])

        def validation_step(self, batch: Any, place: int) -> None:  # noqa: ARG002
            self.log("val_loss", nn.functional.cross_entropy(self(batch[0]), batch[1]))

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.parameters(), self.hparams.lr)

    def loader(x: Any, y: Any) -> Any:
        return DataLoader(TensorDataset(torch.tensor(x, dtype=torch.float32) / 16, torch.tensor(y)), 100)

    def checkpoints(rate: float) -> Any:
        return ModelCheckpoint(Path(f"lightning_logs/rate-{rate}/checkpoints"), monitor="val_loss", save_last=True)

    quiet = {"enable_progress_bar": False, "enable_model_summary": False, "logger": False, "accelerator": "cpu"}
    given = rows()
    return {
        "Net": Net,
        "build": build,
        "loader": loader(*training_rows()),
        "val_loader": loader(given["x_val"], given["y_val"]),
        "checkpoints": checkpoints,
        "Trainer": partial(lightning.Trainer, max_epochs=3, num_sanity_val_steps=0, **quiet),
    }
