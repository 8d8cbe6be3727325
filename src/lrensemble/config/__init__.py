"""The records that a user writes and that the pool keeps: strict, frozen, TOML and JSON.

`experiment` holds them, `sweep` and `space` what varies, `groups` parameters with a rate of their own, `inputs` what a
network takes, `records` what they share.
"""

from lrensemble.config.experiment import (
    DataSettings,
    Experiment,
    Recipe,
    SelectSettings,
    SplitSettings,
    TrainSettings,
    load_experiment,
)
from lrensemble.config.groups import ParameterGroup
from lrensemble.config.inputs import Inputs, Scale
from lrensemble.config.records import PositiveInt, Record, to_record
from lrensemble.config.shipped import shipped
from lrensemble.config.sweep import SweepSettings

__all__ = [
    "DataSettings",
    "Experiment",
    "Inputs",
    "ParameterGroup",
    "PositiveInt",
    "Recipe",
    "Record",
    "Scale",
    "SelectSettings",
    "SplitSettings",
    "SweepSettings",
    "TrainSettings",
    "load_experiment",
    "shipped",
    "to_record",
]
