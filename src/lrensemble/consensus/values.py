"""Combinations of values alone: the mixture of normal distributions, and means weighted by what members err.

Those that learn read means alone, and average variances.
"""

from __future__ import annotations

import numpy as np

from lrensemble.consensus.arrays import Array, like
from lrensemble.consensus.average import mean, reweighted_mean
from lrensemble.consensus.base import CONSENSUS, Arguments, Floats, require_fitted
from lrensemble.errors import PredictionsError
from lrensemble.limits import Factor
from lrensemble.numerics import namespace


@CONSENSUS.register(targets=("values",), needs="distribution")
def mixture(predictions: Array, weights: Array) -> Array:
    """The normal distribution with the mean and variance of the mixture of members' (Lakshminarayanan et al. 2017).

    Section 2.4: μ = Σ w μₘ and σ² = Σ w σₘ² + Σ w (μₘ - μ)². What members expect to err, and how far apart they are.

    Args:
        predictions: [member, sample, 2 · output], the means and then the variances.
        weights: [member], summing to 1.

    Returns:
        [sample, 2 · output], the means and then the variances.

    Raises:
        PredictionsError: an odd number of columns, which is not a mean and a variance for each output.
    """
    xp = namespace(predictions)
    columns = predictions.shape[2]
    if columns % 2:
        raise PredictionsError(
            f"mixture combines normal distributions, and is given {columns} columns; "
            "give the mean of each output and then the variance of each, or combine values by mean"
        )
    means, variances = predictions[:, :, : columns // 2], predictions[:, :, columns // 2 :]
    centre = mean(means, weights)
    return xp.concat([centre, mean(variances + (means - centre) ** 2, weights)], axis=1)


def _precisions(_: Arguments, predictions: Floats, truth: Floats, __: Floats, counts: Floats) -> dict[str, object]:
    errors = np.square(predictions[:, :, : truth.shape[1]] - truth).mean(axis=2) @ counts
    precisions = np.divide(errors.min(), errors, out=np.ones_like(errors), where=errors > 0)
    return {"precisions": tuple(precisions.tolist())}


@CONSENSUS.register(targets=("values",), learns=_precisions, precisions=[1.0, 0.5])
def error_weighted(values: Array, weights: Array, *, precisions: tuple[float, ...] = ()) -> Array:
    """Mean of values, weighted by the inverse of each member's mean squared error (Bates & Granger 1969).

    The best weights of members whose errors are unrelated. `accuracy_weighted` means this one where the target is
    values.

    Args:
        values: [member, sample, column] values.
        weights: [member], summing to 1; multiplied with the precisions.
        precisions: of the members, the lowest mean squared error over theirs, learned by `fit`.

    Returns:
        [sample, column] values.

    Raises:
        PredictionsError: not one precision for each member; fit the consensus on validation rows first.
    """
    require_fitted("error_weighted", (len(precisions),), (values.shape[0],))
    return reweighted_mean(values, weights, precisions)


def _regressions(
    arguments: Arguments, predictions: Floats, truth: Floats, weights: Floats, counts: Floats
) -> dict[str, object]:
    members, outputs = len(predictions), truth.shape[1]
    shares = counts / counts.sum()
    inputs = _inputs(predictions[:, :, :outputs], weights)
    centres = np.einsum("mso,s->mo", inputs, shares)
    missed = truth - inputs.mean(axis=0)
    missed = missed - shares @ missed
    centred = inputs - centres[:, None]
    coefficients = np.full((outputs, members), 1 / members)
    for output in range(outputs):
        seen = centred[:, :, output] * counts
        gram = seen @ centred[:, :, output].T
        # In the unit of what members say of this output: the penalty then means the same in any unit.
        penalty = max(float(arguments["penalty"]), 1e-9) * float(np.trace(gram)) / (members * counts.sum())
        if penalty > 0:
            coefficients[output] += np.linalg.solve(gram + penalty * np.eye(members), seen @ missed[:, output])
    intercepts = shares @ truth - np.einsum("om,mo->o", coefficients, centres)
    return {"coefficients": coefficients.tolist(), "intercepts": intercepts.tolist()}


@CONSENSUS.register(
    targets=("values",),
    learns=_regressions,
    coefficients=[[0.7, 0.4], [0.2, 0.7], [0.5, 0.5]],
    intercepts=[0.1, 0.0, -1.0],
)
def stacked_regression(
    predictions: Array,
    weights: Array,
    *,
    coefficients: tuple[tuple[float, ...], ...] = (),
    intercepts: tuple[float, ...] = (),
    penalty: Factor = 1.0,  # noqa: ARG001  (for `fit`)
) -> Array:
    """Stacked regressions: a linear regression of each output on what members say of it (Breiman 1996).

    With a ridge penalty that draws it to the mean of the members as they are weighted, so that few rows change little.
    Never worse on its own rows than that mean. Variances are averaged. `stacking` means this one where the target is
    values.

    Args:
        predictions: [member, sample, column] values.
        weights: [member], summing to 1; multiplied with the inputs.
        coefficients: [output][member], learned by `fit`.
        intercepts: [output], learned by `fit`.
        penalty: on the squared distance of the coefficients from those of the mean, for inputs of unit variance.

    Returns:
        [sample, column] values.

    Raises:
        PredictionsError: not learned for these members and outputs; fit the consensus on validation rows first.
    """
    known, outputs = len(coefficients[0]) if coefficients else 0, len(intercepts)
    columns = predictions.shape[2]
    fits = outputs if columns in (outputs, 2 * outputs) else columns
    require_fitted("stacked_regression", (known, outputs), (predictions.shape[0], fits))
    inputs = _inputs(predictions[:, :, :outputs], weights)
    xp = namespace(predictions)
    out = xp.einsum("mso,om->so", inputs, like(predictions, coefficients)) + like(predictions, intercepts)
    if columns == outputs:
        return out
    return xp.concat([out, mean(predictions[:, :, outputs:], weights)], axis=1)


def _inputs(values: Array, weights: Array) -> Array:
    """Values [member, sample, output] of members, times their weight over that of equal weights."""
    return values * weights[:, None, None] * values.shape[0]
