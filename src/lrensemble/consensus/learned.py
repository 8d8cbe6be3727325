"""Combiners that are themselves small models, learned from the members' predictions on validation rows by scikit-learn.

Both see one row more for every class, in which all members are undecided: a class without validation rows is then rare,
and not unknown. Weights multiply what a member feeds in, so that one without weight has no say. Members that know only
labels feed in probabilities of 0 and 1, and are learned like any other. Both are for classes: of choices, there is
nothing to learn of the first answer from one row for the next.
"""

from __future__ import annotations

import warnings
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from lrensemble.consensus.arrays import Array, like, safe_log, softmax
from lrensemble.consensus.base import CONSENSUS, Arguments, Floats, require_fitted
from lrensemble.limits import Factor, Width
from lrensemble.numerics import namespace

Positive = Annotated[Factor, Field(gt=0)]
Matrix = tuple[tuple[float, ...], ...]

LOG_FLOOR = -30.0
"""Logarithms below are fed in as this, so that no single row outweighs all others."""


def _regressions(
    arguments: Arguments, probs: Floats, labels: NDArray[np.int64], weights: Floats, counts: Floats
) -> dict[str, object]:
    from sklearn.linear_model import LogisticRegression  # imported here: half a second that combining does without

    members, _, classes = probs.shape
    seen, truth, times = _with_undecided(probs, labels, counts)
    inputs = _log_inputs(seen, weights)
    # A penalty then means the same for sure members and for unsure ones.
    deviation = max(_deviation(inputs, times), 1e-9)
    coefficients, intercepts = np.zeros((classes, members)), np.zeros(classes)
    for one in range(classes if classes > 1 else 0):
        learner = LogisticRegression(C=1 / arguments["penalty"], max_iter=10_000)
        learner.fit(inputs[:, :, one].T / deviation, truth == one, sample_weight=times)
        coefficients[one], intercepts[one] = learner.coef_[0] / deviation, learner.intercept_[0]
    return {"coefficients": coefficients.tolist(), "intercepts": intercepts.tolist()}


@CONSENSUS.register(
    targets=("classes",),
    for_values="stacked_regression",
    learns=_regressions,
    coefficients=[[0.3, 0.2], [0.2, 0.1], [0.1, 0.4]],
    intercepts=[0.0, 0.1, 0.2],
)
def stacking(
    probs: Array,
    weights: Array,
    *,
    coefficients: Matrix = (),
    intercepts: tuple[float, ...] = (),
    penalty: Positive = 1.0,  # noqa: ARG001  (for `fit`)
) -> Array:
    """Logistic stacking: for each class a regression on what members say of that class (Seewald 2002, StackingC).

    The members' log-probabilities go in; the classes' logistic outputs come out, normalised. One regression a class on
    its own M inputs, and not on all M · C: far fewer numbers to learn from few rows.

    Args:
        probs: [member, sample, class] probabilities.
        weights: [member], summing to 1; multiplied with the inputs.
        coefficients: [class][member], learned by `fit`.
        intercepts: [class], learned by `fit`.
        penalty: on the squared coefficients of inputs scaled to unit deviation, while learning.

    Returns:
        [sample, class] probabilities.

    Raises:
        PredictionsError: not learned for these members and classes; fit the consensus on validation rows first.
    """
    known = len(coefficients[0]) if coefficients else 0
    require_fitted("stacking", (known, len(intercepts)), (probs.shape[0], probs.shape[2]))
    xp = namespace(probs)
    logits = xp.einsum("msc,cm->sc", _log_inputs(probs, weights), like(probs, coefficients)) + like(probs, intercepts)
    # The logarithm of the logistic function, without overflow at either end.
    return softmax(xp.clip(logits, max=0.0) - xp.log1p(xp.exp(-xp.abs(logits))))


def _network(
    arguments: Arguments, probs: Floats, labels: NDArray[np.int64], weights: Floats, counts: Floats
) -> dict[str, object]:
    members, _, classes = probs.shape
    hidden = arguments["hidden"]
    layers, biases = (
        _train(arguments, probs, labels, weights, counts)
        if classes > 1
        else ([np.zeros((members, hidden)), np.zeros((hidden, 1))], [np.zeros(hidden), np.zeros(1)])
    )
    output_weights, output_biases = layers[1], biases[1]
    if output_weights.shape[1] < classes:  # of two classes scikit-learn keeps the difference alone
        output_weights, output_biases = output_weights * [-0.5, 0.5], output_biases * [-0.5, 0.5]
    return {
        "hidden_weights": layers[0].tolist(),
        "hidden_biases": biases[0].tolist(),
        "output_weights": output_weights.tolist(),
        "output_biases": output_biases.tolist(),
    }


@CONSENSUS.register(
    targets=("classes",),
    learns=_network,
    hidden_weights=[[1.0, -1.0], [-1.0, 1.0], [0.5, 0.0], [1.0, -1.0], [-1.0, 1.0], [0.0, 0.5]],
    hidden_biases=[0.0, 0.1],
    output_weights=[[2.0, 0.0, 1.0], [0.0, 2.0, 1.0]],
    output_biases=[0.0, 0.1, 0.2],
)
def mlp(
    probs: Array,
    weights: Array,
    *,
    hidden_weights: Matrix = (),
    hidden_biases: tuple[float, ...] = (),
    output_weights: Matrix = (),
    output_biases: tuple[float, ...] = (),
    hidden: Width = 32,  # noqa: ARG001  (for `fit`, as the two below)
    penalty: Positive = 1.0,  # noqa: ARG001
    seed: Annotated[int, Field(ge=0)] = 0,  # noqa: ARG001
) -> Array:
    """A small network on all members' probabilities at once, one logistic hidden layer (Tekin et al. 2024, LLM-TOPLA).

    It can learn which member to trust for which class, and needs many more rows than members · classes for that.

    Args:
        probs: [member, sample, class] probabilities.
        weights: [member], summing to 1; multiplied with the inputs.
        hidden_weights: [member · class][unit], learned by `fit`.
        hidden_biases: [unit], learned by `fit`.
        output_weights: [unit][class], learned by `fit`.
        output_biases: [class], learned by `fit`.
        hidden: units of the hidden layer, while learning.
        penalty: on the squared weights, while learning.
        seed: of the weights that learning starts from.

    Returns:
        [sample, class] probabilities.

    Raises:
        PredictionsError: not learned for these members and classes; fit the consensus on validation rows first.
    """
    classes = len(output_biases)
    require_fitted("mlp", (len(hidden_weights) // max(classes, 1), classes), (probs.shape[0], probs.shape[2]))
    xp = namespace(probs)
    units = _flat(probs, weights) @ like(probs, hidden_weights) + like(probs, hidden_biases)
    logistic = (1 + xp.tanh(units / 2)) / 2
    return softmax(logistic @ like(probs, output_weights) + like(probs, output_biases))


def _train(
    arguments: Arguments, probs: Floats, labels: NDArray[np.int64], weights: Floats, counts: Floats
) -> tuple[list[Floats], list[Floats]]:
    """Weights and biases of the two layers."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    seen, truth, times = _with_undecided(probs, labels, counts)
    learner = MLPClassifier(
        (arguments["hidden"],),
        activation="logistic",
        alpha=arguments["penalty"],
        solver="lbfgs",
        random_state=arguments["seed"],
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it stops after 200 iterations, which is what we want
        learner.fit(_flat(seen, weights), truth, sample_weight=times)
    return learner.coefs_, learner.intercepts_


def _log_inputs(probs: Array, weights: Array) -> Array:
    """Log-probabilities [member, sample, class] of members, times their weight over that of equal weights."""
    xp = namespace(probs)
    return xp.clip(safe_log(probs), min=LOG_FLOOR) * weights[:, None, None] * probs.shape[0]


def _flat(probs: Array, weights: Array) -> Array:
    """[sample, member · class]: probabilities, times the member's weight over that of equal weights."""
    xp = namespace(probs)
    scaled = probs * weights[:, None, None] * probs.shape[0]
    return xp.reshape(xp.permute_dims(scaled, (1, 0, 2)), (probs.shape[1], probs.shape[0] * probs.shape[2]))


def _deviation(inputs: Floats, times: Floats | None) -> float:
    """The standard deviation of inputs [member, sample, class], rows counted as often as said."""
    if times is None:
        return float(inputs.std())
    share = times / times.sum()
    mean = inputs.mean(axis=(0, 2)) @ share
    return float(np.sqrt(((inputs - mean) ** 2).mean(axis=(0, 2)) @ share))


def _with_undecided(
    probs: Floats, labels: NDArray[np.int64], counts: Floats
) -> tuple[Floats, NDArray[np.int64], Floats | None]:
    """The rows, and one more for every class in which all members give all classes the same; how often each counts.

    Rows with whole counts are repeated, so that a search that follows every rounding finds the same; then they count
    once each: None.
    """
    members, _, classes = probs.shape
    whole = bool((counts == np.floor(counts)).all())
    if whole and not (counts == 1).all():
        rows = np.repeat(np.arange(len(labels)), counts.astype(np.int64))
        probs, labels = probs[:, rows], labels[rows]
    undecided = np.full((members, classes, classes), 1 / classes)
    seen, truth = np.concatenate([probs, undecided], axis=1), np.concatenate([labels, np.arange(classes)])
    return seen, truth, None if whole else np.concatenate([counts, np.ones(classes)])
