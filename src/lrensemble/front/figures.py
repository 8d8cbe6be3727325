"""Rates of an experiment before any training, as a figure."""

from __future__ import annotations

from typing import Any

from lrensemble.config import Experiment
from lrensemble.here import PREFIX
from lrensemble.policies import build
from lrensemble.report import figure_of, rates_figure

EPOCH_STEPS = 100
"""Steps of an epoch that rates are drawn at: the data, which would say how many there are, are not read."""


def policies_figure(experiment: Experiment) -> Any:
    """Learning rates of the policies of an experiment over the epochs of a run, as plotly has them.

    Raises:
        SpecError: a policy that is unknown or refuses an argument.
        MissingExtraError: plotly is not installed.
    """
    epochs = experiment.train.epochs
    curves = {
        str(spec).replace(PREFIX, ""): build(spec, epochs * EPOCH_STEPS, EPOCH_STEPS).curve()
        for spec in experiment.policy
    }
    return figure_of(rates_figure(curves, epochs))
