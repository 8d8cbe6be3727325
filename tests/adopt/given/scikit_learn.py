"""Rows to train on, a forest and a boosting that are not fitted yet."""

from typing import Any

from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from tests.adopt.given.digits import training_rows

NEEDS = ("skl2onnx", "skops")


def made() -> dict[str, Any]:
    x_train, y_train = training_rows()
    return {
        "x_train": x_train,
        "y_train": y_train,
        "forest": RandomForestClassifier(5, max_depth=6, random_state=0),
        "boosting": HistGradientBoostingClassifier(max_iter=2, max_depth=3, random_state=0),
    }
