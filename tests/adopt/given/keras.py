"""A model of Keras that learned digits."""

import os
import warnings
from importlib import import_module
from typing import Any

from tests.adopt.given.digits import training_rows

NEEDS = ("keras",)
os.environ.setdefault("KERAS_BACKEND", "torch")


def made() -> dict[str, Any]:
    keras = import_module("keras")
    x, y = training_rows()
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Rescaling(1 / 16), keras.layers.Dense(32, "relu"), keras.layers.Dense(10, "softmax")]
    model = keras.Sequential([keras.Input((64,)), *layers], name="wide")
    model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    warnings.filterwarnings("ignore", message="__array__ implementation", category=DeprecationWarning)
    model.fit(x, y, epochs=1, batch_size=100, verbose=0)
    return {"model": model}
