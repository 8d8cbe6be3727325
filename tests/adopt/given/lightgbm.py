"""Rows to train on."""

from typing import Any

from tests.adopt.given.digits import training_rows

NEEDS = ("lightgbm",)


def made() -> dict[str, Any]:
    return dict(zip(("x_train", "y_train"), training_rows(), strict=True))
