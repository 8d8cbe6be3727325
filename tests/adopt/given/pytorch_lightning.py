"""Two runs with their callback's checkpoints, and what a run needs."""

import logging
import warnings
from typing import Any

import torch
from tests.adopt.given.digits import build, training_rows
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

NEEDS = ("lightning",)


def made() -> dict[str, Any]:
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="lightning")
    import lightning

    class Net(lightning.LightningModule):  # type: ignore[misc,name-defined]
        def __init__(self, lr: float = 0.1) -> None:
            super().__init__()
            self.save_hyperparameters()
            self.net = build((64,), 10)

        def forward(self, inputs: Tensor) -> Tensor:
            outputs: Tensor = self.net(inputs / 16)
            return outputs

        def training_step(self, batch: Any, place: int) -> Tensor:  # noqa: ARG002
            return nn.functional.cross_entropy(self(batch[0]), batch[1])

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.parameters(), self.hparams.lr)

    x, y = training_rows()
    loader = DataLoader(TensorDataset(torch.tensor(x, dtype=torch.float32), torch.tensor(y)), 100)

    def trainer(**keywords: Any) -> Any:
        quiet = {"enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu", "logger": False}
        return lightning.Trainer(max_epochs=5, enable_checkpointing=False, **quiet, **keywords)

    return {"Net": Net, "build": build, "loader": loader, "Trainer": trainer}
