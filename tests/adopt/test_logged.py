"""What tools logged beside what a model scores here."""

import math

import pytest

from lrensemble.adopt.logged import differences, metric_of

SCORES = {"accuracy": 0.9, "nll": 0.5, "rmse": 12.0}


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("val_acc", "accuracy"),
        ("eval/accuracy", "accuracy"),
        ("valid.multi_logloss", "nll"),
        ("Validation-Loss", "nll"),
        ("root_mean_squared_error", "rmse"),
        ("train_acc", ""),
        ("lr", ""),
    ],
)
def test_names_of_tools(name: str, ours: str) -> None:
    assert metric_of(name) == ours


@pytest.mark.parametrize(
    ("logged", "expected"),
    [
        ({"val_acc": 0.9}, {}),
        ({"val_acc": 90.0}, {}),  # percent
        ({"val_acc": 0.9019}, {}),  # rounded
        ({"val_acc": 0.95}, {"val_acc": (0.95, 0.9)}),
        ({"val_acc": 12.0}, {"val_acc": (0.12, 0.9)}),
        ({"loss": 0.5, "lr": 3.0, "val_f1": 0.1}, {}),
        ({"loss": 0.6}, {"loss": (0.6, 0.5)}),
        ({"rmse": 12.02}, {}),  # relative to large numbers
        ({"rmse": 12.1}, {"rmse": (12.1, 12.0)}),
        ({"loss": math.nan, "val_acc": math.inf}, {}),
        ({}, {}),
    ],
)
def test_only_what_differs_is_told(logged: dict[str, float], expected: dict[str, tuple[float, float]]) -> None:
    assert differences(logged, SCORES) == expected
