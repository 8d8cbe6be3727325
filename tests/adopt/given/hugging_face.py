"""Pixels as token ids, a small BERT, and the folders of a finished sweep."""

import warnings
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import numpy as np
from tests.adopt.given.digits import rows, training_rows

NEEDS = ("transformers", "accelerate", "optuna")
"""Its Trainer needs accelerate, and the search optuna."""

CONFIG = {
    "vocab_size": 20,
    "hidden_size": 8,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 8,
    "max_position_embeddings": 16,
    "pad_token_id": 17,
    "initializer_range": 0.5,
}


def token_rows() -> dict[str, Any]:
    """Every fourth pixel, from 0 to 16, as a token."""
    return {key: each[:60, ::4].astype(np.int64) if key.startswith("x") else each[:60] for key, each in rows().items()}


def bert(trial: Any = None) -> Any:  # noqa: ARG001
    """A network that is not trained yet, the same for every trial."""
    import torch

    transformers: Any = import_module("transformers")
    torch.manual_seed(0)
    return transformers.BertForSequenceClassification(transformers.BertConfig(**CONFIG, num_labels=10))


def samples(x: Any, y: Any) -> list[dict[str, Any]]:
    """Rows as a Trainer takes them."""
    return [{"input_ids": each, "labels": int(label)} for each, label in zip(x, y, strict=True)]


def arguments(folder: str, **keywords: Any) -> Any:
    """Arguments of a Trainer that is quiet and short."""
    from transformers import TrainingArguments

    quiet = {"report_to": [], "use_cpu": True, "disable_tqdm": True, "logging_steps": 1}
    short = {
        "per_device_train_batch_size": 50,
        "eval_strategy": "epoch",
        "save_strategy": "epoch",
        "learning_rate": 0.01,
    }
    return TrainingArguments(folder, **{**quiet, **short, "num_train_epochs": 2, **keywords})


def made() -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import optuna

        transformers: Any = import_module("transformers")
    warnings.filterwarnings("ignore", module="transformers|torch|optuna|accelerate")
    transformers.utils.logging.set_verbosity_error()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    x, y = training_rows()
    tokens = token_rows()
    return {
        "tokens": tokens,
        "Trainer": quiet_trainer(),
        "args": arguments("sweep"),
        "new_bert": bert,
        "training": {
            "train_dataset": samples(x[:100, ::4].astype(np.int64), y[:100]),
            "eval_dataset": samples(tokens["x_val"], tokens["y_val"]),
        },
        "hp_space": lambda trial: {"learning_rate": trial.suggest_float("learning_rate", 1e-3, 1e-1, log=True)},
    }


def quiet_trainer() -> Any:
    """Trainer that prints nothing, and looks for no garbage: among all that tests have imported it takes seconds."""
    from transformers import PrinterCallback, Trainer

    vars(import_module("accelerate.utils.memory"))["gc"] = SimpleNamespace(collect=int)

    class Quiet(Trainer):
        def __init__(self, **keywords: Any) -> None:
            super().__init__(**keywords)
            self.remove_callback(PrinterCallback)

    return Quiet
