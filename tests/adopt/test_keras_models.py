"""Models of Keras 3 become members, run on torch."""

from __future__ import annotations

import importlib
import io
import json
import os
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tests.adopt.whole_team import assert_bundle_predicts_as_its_tools
from tests.conftest import Python

import lrensemble
from lrensemble.adopt import AdoptResult
from lrensemble.errors import AdoptError, DataError, MissingExtraError
from lrensemble.export import Ensemble
from lrensemble.networks import Foreign

os.environ.setdefault("KERAS_BACKEND", "torch")
keras: Any = pytest.importorskip("keras")
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

CLASSES, FEATURES = 3, 5


@keras.saving.register_keras_serializable(package="tests")  # type: ignore[untyped-decorator, unused-ignore]
class Doubled(keras.layers.Layer):  # type: ignore[misc, unused-ignore]
    def call(self, given: Any) -> Any:
        return given * 2


class Tripled(keras.layers.Layer):  # type: ignore[misc, unused-ignore]
    def call(self, given: Any) -> Any:
        return given * 3


@keras.saving.register_keras_serializable(package="tests")  # type: ignore[untyped-decorator, unused-ignore]
class Own(keras.Model):  # type: ignore[misc, unused-ignore]
    def __init__(self, **own: Any) -> None:
        super().__init__(**own)
        self.last = keras.layers.Dense(CLASSES)

    def call(self, given: Any) -> Any:
        return self.last(given)


def data(classes: int = CLASSES, *shape: int) -> dict[str, NDArray[Any]]:
    generator = np.random.default_rng(0)
    inputs = generator.normal(size=(70, *(shape or (FEATURES,)))).astype(np.float32)
    truth = generator.integers(classes, size=70)
    truth[:classes] = range(classes)
    return {"x_val": inputs[:40], "y_val": truth[:40], "x_test": inputs[40:], "y_test": truth[40:]}


def model(*last: Any, name: str = "one", seed: int = 0) -> Any:
    """A model with what behaves otherwise while it trains: batch normalisation and dropout."""
    keras.utils.set_random_seed(seed)
    layers = [keras.layers.Dense(7, "relu"), keras.layers.BatchNormalization(), keras.layers.Dropout(0.5), *last]
    return keras.Sequential([keras.Input((FEATURES,)), *layers], name=name)


def fitted(made: Any, loss: Any, given: dict[str, NDArray[Any]], rate: float = 0.3) -> Any:
    made.compile(keras.optimizers.SGD(rate), loss, metrics=["accuracy"])
    made.fit(given["x_test"], given["y_test"], epochs=2, verbose=0, validation_data=(given["x_val"], given["y_val"]))
    return made


def predicting(made: Any, link: Callable[[Any], Any] = lambda said: said) -> Callable[[Any], Any]:
    return lambda x: link(np.asarray(made.predict(x, verbose=0), dtype=np.float64))


def softmax(said: Any) -> Any:
    return torch.tensor(said).softmax(dim=1).numpy()


def two(second: Any) -> Any:
    return np.concatenate([1 - second, second], axis=1)


def adopt(pool: Path, given: Any, rows: Any = None, **own: Any) -> AdoptResult:
    return lrensemble.adopt(pool, given, data=data() if rows is None else rows, **own)


def test_models_and_files_predict_as_keras_does(tmp_path: Path) -> None:
    rows, sparse = data(), keras.losses.SparseCategoricalCrossentropy
    probs = fitted(model(keras.layers.Dense(CLASSES, "softmax"), name="probs"), "sparse_categorical_crossentropy", rows)
    logits = fitted(model(keras.layers.Dense(CLASSES), name="logits", seed=1), sparse(from_logits=True), rows)
    inputs = keras.Input((FEATURES,))
    functional = keras.Model(inputs, keras.ops.softmax(keras.layers.Dense(CLASSES)(Doubled()(inputs))))
    functional.save(tmp_path / "functional.keras")
    inputs = keras.Input((FEATURES,))
    nested = keras.Model(inputs, model(keras.layers.Dense(CLASSES), keras.layers.Softmax(), seed=2)(inputs))
    result = adopt(tmp_path / "pool", [probs, logits, tmp_path / "functional.keras"])
    adopt(tmp_path / "pool", nested, name="nested")
    assert [member.difference for member in result] == pytest.approx([0, 0, 0], abs=1e-6)
    gives = [member.network.gives for member in result.pool.members() if member.network is not None]
    assert gives == ["probs", "logits", "probs", "probs"]
    predict = {"probs": predicting(probs), "logits": predicting(logits, softmax)}
    predict |= {"functional": predicting(functional), "nested": predicting(nested)}
    assert_bundle_predicts_as_its_tools(tmp_path / "pool", predict, rows["x_test"])


def test_two_classes_by_one_number(tmp_path: Path) -> None:
    rows = data(2)
    probs = fitted(model(keras.layers.Dense(1, "sigmoid"), name="probs"), "binary_crossentropy", rows)
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    logits = fitted(model(keras.layers.Dense(1), name="logits", seed=1), loss, rows)
    result = adopt(tmp_path / "pool", [probs, logits], rows)
    assert [member.difference for member in result] == pytest.approx([0, 0], abs=1e-6)
    assert not any(member.logged for member in result)
    predict = {
        "probs": predicting(probs, two),
        "logits": predicting(logits, lambda said: two(1 / (1 + np.exp(-said)))),
    }
    assert_bundle_predicts_as_its_tools(tmp_path / "pool", predict, rows["x_test"])


def test_values(tmp_path: Path) -> None:
    rows = data()
    rows |= {name: rows[name].astype(np.float64) / 7 for name in ("y_val", "y_test")}
    made = fitted(model(keras.layers.Dense(1, "relu"), name="relu"), "mse", rows)
    adopt(tmp_path / "pool", made, rows, truth="values")
    assert_bundle_predicts_as_its_tools(tmp_path / "pool", {"relu": predicting(made)}, rows["x_test"])


def test_images_of_a_pool_have_their_channels_first(tmp_path: Path) -> None:
    rows = data(CLASSES, 2, 6, 5)  # channel, height, width

    def last(x: Any) -> Any:
        return np.moveaxis(x, 1, -1)

    keras.utils.set_random_seed(0)
    layers = [keras.layers.Conv2D(4, 3), keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(CLASSES, "softmax")]
    images = keras.Sequential([keras.Input((6, 5, 2)), *layers], name="images")
    any_size = keras.Sequential([keras.Input((None, None, 2)), *layers], name="any_size")
    result = adopt(tmp_path / "pool", [images, any_size], rows)
    assert [member.difference for member in result] == pytest.approx([0, 0], abs=1e-6)
    predict = {
        "images": lambda x: images.predict(last(x), verbose=0),
        "any_size": lambda x: any_size.predict(last(x), verbose=0),
    }
    assert_bundle_predicts_as_its_tools(tmp_path / "pool", predict, rows["x_test"])


def test_what_is_known_of_the_training(tmp_path: Path) -> None:
    rows = data()
    made = fitted(model(keras.layers.Dense(CLASSES, "softmax")), "sparse_categorical_crossentropy", rows)
    result = adopt(tmp_path / "pool", made)
    member = result.pool.members()[0]
    assert result[0].logged == {}  # what Keras said of the last epoch holds here
    wanted = {"optimizer": "SGD", "learning_rate": 0.3, "loss": "sparse_categorical_crossentropy", "epochs": 2}
    assert {**member.facts, **wanted} == member.facts
    assert [set(line) for line in member.history()] == [
        {"epoch", "accuracy", "train_loss", "val_accuracy", "val_loss"}
    ] * 2
    first = made.history.history["val_loss"][0]
    said = adopt(tmp_path / "other", made, epoch=1)[0].logged["val_loss"]
    assert said == pytest.approx((first, result[0].scores["nll"]))
    with pytest.raises(AdoptError, match="one was trained for 2 epochs here, and epoch=3 is none of them"):
        adopt(tmp_path / "pool", made, epoch=3)


def test_a_loss_says_what_the_last_layer_does_not(tmp_path: Path) -> None:
    own = Own(name="own")
    own(data()["x_val"])
    with pytest.raises(AdoptError, match=r"own ends with code of its own, which does not show .* say gives='logits'"):
        adopt(tmp_path / "pool", own)
    own.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    result = adopt(tmp_path / "pool", own)
    network = result.pool.members()[0].network
    assert network is not None
    assert network.gives == "logits"
    for last in ("sigmoid", "relu"):
        unclear = model(keras.layers.Dense(CLASSES, last))
        with pytest.raises(AdoptError, match=f"one ends with {last}, which does not show what it gives"):
            adopt(tmp_path / "pool", unclear)
        if last == "sigmoid":
            assert adopt(tmp_path / "pool", unclear, gives="probs", name=last)[0].new
        else:
            with pytest.raises(AdoptError, match="relu gives no probabilities"):
                adopt(tmp_path / "pool", unclear, gives="probs", name=last)


def test_models_that_are_refused(tmp_path: Path) -> None:
    unbuilt = keras.Sequential([keras.layers.Dense(CLASSES)], name="unbuilt")
    inputs = keras.Input((FEATURES,))
    twice = keras.Model(inputs, [keras.layers.Dense(CLASSES)(inputs), keras.layers.Dense(2)(inputs)], name="twice")
    code = keras.Sequential([keras.Input((FEATURES,)), keras.layers.Lambda(lambda x: x / 16), keras.layers.Dense(3)])
    unknown = keras.Sequential([keras.Input((FEATURES,)), Tripled(), keras.layers.Dense(CLASSES)], name="unknown")
    for made, message in (
        (unbuilt, "unbuilt has no weights yet"),
        (twice, "twice has 2 outputs, and one of each is needed"),
        (code, "holds a Lambda layer, which is code of the file.*Rescaling.*model.export"),
        (unknown, "needs Tripled, which is not registered here; decorate the class"),
    ):
        with pytest.raises((AdoptError, DataError), match=message):
            adopt(tmp_path / "pool", made)
    assert not list((tmp_path / "pool" / "members").glob("*"))


def test_files_that_are_refused(tmp_path: Path) -> None:
    (tmp_path / "old.h5").write_bytes(b"\x89HDF")
    (tmp_path / "damaged.keras").write_bytes(b"PK")
    with zipfile.ZipFile(tmp_path / "empty.keras", "w") as archive:
        archive.writestr("config.json", "{}")
        archive.writestr("metadata.json", "{}")
    with zipfile.ZipFile(tmp_path / "deep.keras", "w") as archive:
        archive.writestr("config.json", "[" * 10**5)
    for name, message in (
        ("old.h5", r"old\.h5 is of an older format of Keras, or holds weights alone"),
        ("damaged.keras", r"damaged\.keras is no file of Keras 3; save the model with"),
        ("deep.keras", r"deep\.keras is no file of Keras 3; save the model with"),
        ("empty.keras", r"empty\.keras cannot be read by Keras"),
        ("none.keras", r"none\.keras is no file"),
    ):
        with pytest.raises((AdoptError, DataError), match=message):
            adopt(tmp_path / "pool", tmp_path / name)


def test_a_strangers_file_imports_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "strange_module.py").write_text("raise SystemExit('run')")
    monkeypatch.syspath_prepend(tmp_path)
    content = io.BytesIO()
    model(keras.layers.Dense(CLASSES)).save(tmp_path / "good.keras")
    with zipfile.ZipFile(tmp_path / "good.keras") as good, zipfile.ZipFile(content, "w") as bad:
        config = json.loads(good.read("config.json"))
        strange = {"module": "strange_module", "class_name": "Layer", "registered_name": "Layer", "config": {}}
        config["config"]["layers"][1] = strange
        for name in good.namelist():
            bad.writestr(name, json.dumps(config) if name == "config.json" else good.read(name))
    with pytest.raises(DataError, match="the network needs Layer, which is not registered here"):
        Foreign("keras", content.getvalue())
    assert "strange_module" not in sys.modules


def test_a_bundle_is_read_where_keras_was_not_imported(tmp_path: Path, python: Python) -> None:
    rows = data()
    made = model(keras.layers.Dense(CLASSES, "softmax"))
    adopt(tmp_path / "pool", made)
    lrensemble.select(tmp_path / "pool", "all")
    lrensemble.export(tmp_path / "pool", tmp_path / "bundle", method="all")
    np.save(tmp_path / "x.npy", rows["x_test"])
    script = """
import os, sys, numpy as np
from lrensemble.errors import DataError, ExportError
from lrensemble.export import Ensemble

os.environ["KERAS_BACKEND"] = "tensorflow"
try:
    Ensemble.load("bundle")
except (DataError, ExportError) as error:
    print(error)
assert "keras" not in sys.modules
del os.environ["KERAS_BACKEND"]
np.save("p.npy", Ensemble.load("bundle").predict_proba(np.load("x.npy")))
"""
    said = python("-c", script, folder=tmp_path)
    assert said.returncode == 0, said.stderr
    assert "Keras computes with tensorflow in this process, and networks are run on torch" in said.stdout
    np.testing.assert_array_equal(
        np.load(tmp_path / "p.npy"), Ensemble.load(tmp_path / "bundle").predict_proba(rows["x_test"])
    )


def test_without_keras(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = model(keras.layers.Dense(CLASSES))
    made.save(tmp_path / "good.keras")
    monkeypatch.setitem(sys.modules, "keras", None)
    with pytest.raises(MissingExtraError, match=r"a network of Keras needs keras: pip install 'lrensemble\[keras\]'"):
        adopt(tmp_path / "pool", tmp_path / "good.keras")


def test_modules_of_keras_are_no_networks_of_torch() -> None:
    adopters = importlib.import_module("lrensemble.adopt").ADOPTERS
    made = model(keras.layers.Dense(CLASSES))
    assert isinstance(made, torch.nn.Module)
    assert next(name for name in adopters if adopters.facts(name).takes(made)) == "keras"
