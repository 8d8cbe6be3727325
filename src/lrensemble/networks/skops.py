"""Networks of scikit-learn in a skops file: fitted estimators of types that are listed here, and no others."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import DataError
from lrensemble.networks.base import NETWORKS, Runs
from lrensemble.networks.library import library
from lrensemble.networks.trees import check_trees

_KERNELS = ("ConstantKernel", "DotProduct", "Exponentiation", "Matern", "Product", "RBF", "RationalQuadratic", "Sum")

TYPES = (
    "numpy.dtype",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.gaussian_process._gpc._BinaryGaussianProcessClassifierLaplace",
    *(f"sklearn.gaussian_process.kernels.{name}" for name in (*_KERNELS, "WhiteKernel")),
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
    "sklearn.tree._tree.Tree",
    "sklearn.utils._bunch.Bunch",
)
"""Types that are read beside those that skops itself takes for safe: estimators of scikit-learn, arrays, plain values.
Never one that a file names. Trees are checked after that (`check_trees`)."""


@NETWORKS.register(suffix=".skops", flat=True, raw=True)
def skops(content: bytes, *, values: bool = False) -> Runs:
    """A fitted estimator of scikit-learn in a skops file; it gives what it gave, bit by bit.

    Args:
        content: of the file.
        values: whether it predicts values, and no probabilities.

    Raises:
        DataError: no such file, or one with types that are not read.
        MissingExtraError: skops is not installed.
    """
    model = estimator_of(content)
    predict = getattr(model, "predict" if values else "predict_proba", None)
    if predict is None:
        raise DataError(f"{type(model).__name__} has no predict_proba; it predicts values, or a class alone")

    def run(given: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(predict(as_fitted(model, given)))

    return run


def as_fitted(model: Any, given: NDArray[Any]) -> Any:
    """Rows [sample, feature] as an estimator was fitted to them: a frame, where it knows its columns by name.

    Steps that pick columns by their names take no array. Without pandas the rows stay one.
    """
    names = getattr(model, "feature_names_in_", ())
    if given.ndim != 2 or given.shape[1] != len(names):
        return given
    try:
        import pandas
    except ImportError:
        return given
    return pandas.DataFrame(given, columns=names)


def estimator_of(content: bytes) -> Any:
    """The estimator of a file's content.

    Raises:
        DataError: no such file, or one with types that are not read.
        MissingExtraError: skops is not installed.
    """
    tool = library("skops.io", "skops", "a network in a skops file")
    try:
        others = sorted(set(tool.get_untrusted_types(data=content)) - set(TYPES))
        model = None if others else tool.loads(content, trusted=list(TYPES))
    except Exception as error:  # of zip files, of JSON, of skops, of the classes it builds
        reason = " ".join(str(error).split())[:160]
        raise DataError(f"this is no skops file that can be read: {reason}") from None
    if others:
        raise DataError(
            f"the skops file holds {', '.join(others[:5])}, and only types of scikit-learn and numpy are read; "
            "adopt the fitted model itself in ONNX, or collect its predictions"
        )
    if not type(model).__module__.startswith("sklearn."):
        raise DataError(f"the skops file holds {type(model).__name__}; save a fitted estimator of scikit-learn")
    check_trees(model)
    return model
