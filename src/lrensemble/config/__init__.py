"""The records that a user writes and that the pool keeps: strict, frozen, TOML and JSON.

`experiment` is what a user writes, `recipe` what determines one run, `sweep` and `space` what varies, `groups`
parameters with a rate of their own, `study` pools that are compared, `inputs` what a network takes, `base` the model
that adapters change, `pretraining` how a small one is made, `benchmarks` what it is asked, `records` what all share.
"""

from lrensemble.config.base import Base
from lrensemble.config.benchmarks import BenchmarkSettings
from lrensemble.config.experiment import DataSettings, Experiment, SelectSettings, load_experiment
from lrensemble.config.groups import ParameterGroup
from lrensemble.config.inputs import Gives, Inputs, Network, Resize, Scale, Seen
from lrensemble.config.pretraining import PretrainSettings
from lrensemble.config.recipe import Recipe, SplitSettings, TrainSettings
from lrensemble.config.records import PositiveInt, Record, to_record
from lrensemble.config.shipped import shipped
from lrensemble.config.sweep import SweepSettings

__all__ = [
    "Base",
    "BenchmarkSettings",
    "DataSettings",
    "Experiment",
    "Gives",
    "Inputs",
    "Network",
    "ParameterGroup",
    "PositiveInt",
    "PretrainSettings",
    "Recipe",
    "Record",
    "Resize",
    "Scale",
    "Seen",
    "SelectSettings",
    "SplitSettings",
    "SweepSettings",
    "TrainSettings",
    "load_experiment",
    "shipped",
    "to_record",
]
