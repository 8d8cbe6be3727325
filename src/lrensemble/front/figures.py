"""Figures as files, and the rates of an experiment before any training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lrensemble.config import Experiment
from lrensemble.errors import ReportError
from lrensemble.files import write_whole
from lrensemble.here import PREFIX
from lrensemble.policies import build
from lrensemble.report import figure_of, rates_figure, write_drawn

SUFFIXES = (".html", ".svg", ".png", ".pdf")

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


def check_figure(path: Path) -> None:
    """Refuse a file of another kind, before any work.

    Raises:
        ReportError: its suffix is none of `SUFFIXES`.
    """
    if path.suffix not in SUFFIXES:
        raise ReportError(f"no figures as {path.suffix or 'a file without a suffix'!r}; choose {', '.join(SUFFIXES)}")


def write_figure(drawn: Any, path: Path) -> None:
    """Write a figure of plotly, as a page that needs no network or as a picture.

    Raises:
        ReportError: a file of another kind, or a browser that does not draw.
        MissingExtraError: kaleido or a browser is not installed.
        StorageError: it cannot be written.
    """
    check_figure(path)
    if path.suffix == ".html":
        write_whole(path, drawn.to_html(include_plotlyjs=True, full_html=True).encode())
    else:
        write_drawn(drawn.to_dict(), path)
