"""Records of uncertainty in `result.json`."""

from __future__ import annotations

from pydantic import Field

from lrensemble.config import Record
from lrensemble.evaluate.gain import Gain


class Selective(Record):
    """Selective prediction by one predictor."""

    aurc: float
    """Area under the risk-coverage curve; lower is better."""
    accuracy: dict[str, float]
    """Accuracy on the surest share of the rows, by that share in percent."""


class PredictorSets(Record):
    """Conformal sets of one predictor by one method."""

    threshold: float | None
    """Largest nonconformity of a class in a set; None where there are too few rows, and every set holds all classes."""
    covered: float
    """Share of measured rows whose set holds the truth."""
    low: float
    high: float
    """Upper end of the 95 % interval of that share (Wilson 1927)."""
    size: float
    """Mean number of classes in a set."""
    empty: float
    """Share of sets without any class."""


class Sets(Record):
    """Conformal sets: some test rows find the threshold, and the others measure; no row serves twice."""

    coverage: float
    """Share of new rows whose set is to hold the truth."""
    seed: int
    """Seed of the division and of the draws of `aps` and `raps`."""
    calibration_rows: int
    measured_rows: int
    single: dict[str, PredictorSets]
    """Sets of the best single model, by method."""
    team: dict[str, PredictorSets]
    """Sets of the judged team, by method; empty where there is none."""


class Detection(Record):
    """How well one measure of uncertainty tells rows of another test set from those of the first."""

    auroc: float
    fpr95: float
    """Share of rows of the first test set that are called foreign where 95 % of the foreign ones are found."""


class Foreign(Record):
    """Detection of the rows of one further test set."""

    rows: int
    single: dict[str, Detection]
    """Detection by the best single model: by its `entropy`."""
    team: dict[str, Detection]
    """Detection by the judged team: by `entropy` and `mutual_information`."""
    gain: dict[str, Gain] = Field(default={})
    """Gain of the team in AUROC over the entropy of the single model, by measure."""


class Uncertainty(Record):
    """Selective prediction, conformal sets, and the detection of foreign rows."""

    metric: str
    """Metric of the verdict, which names the best single model."""
    member: str
    """Id of the best single model."""
    method: str | None
    """Key of the judged team; None where no team beats the best single model."""
    rows: int
    """Rows of the first test set."""
    single: Selective
    team: Selective | None
    gain: dict[str, Gain] = Field(default={})
    """Gain of the team over the single model, by metric."""
    sets: Sets | None
    """Conformal sets; None where there are too few test rows to divide."""
    foreign: dict[str, Foreign] = Field(default={})
    """Detection of rows of further test sets, by name."""
