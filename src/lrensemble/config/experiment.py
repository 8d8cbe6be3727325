"""Experiment: the record that a user writes, frozen and strict, read from TOML.

An unknown or ill-typed key is refused with its path in the file and what is allowed. Names inside (`digits`, `cnn`,
`one_cycle`) stay specs here; whoever uses them looks them up in its registry.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from lrensemble.config.benchmarks import BenchmarkSettings
from lrensemble.config.pretraining import PretrainSettings
from lrensemble.config.recipe import SplitSettings, TrainSettings
from lrensemble.config.records import Record, Seed, SpecField, read_spec, read_toml, to_record
from lrensemble.config.shipped import place_of
from lrensemble.config.space import MOST_VALUES
from lrensemble.config.sweep import SweepSettings, check_sweep
from lrensemble.errors import SpecError
from lrensemble.registry import depth, import_plugins, registry_of
from lrensemble.spec import Spec


class SelectSettings(Record):
    """Which selectors are run and what they aim at; names are looked up when they are used."""

    methods: tuple[SpecField, ...] = Field(
        default=tuple(Spec(name) for name in ("best", "top_k", "all", "random", "greedy", "brute_force", "focal")),
        strict=False,
    )
    """Selectors; each chooses a team. Those that are not for the pool's target, or need more than its members say, are
    left out unless given."""
    metric: SpecField | None = None
    """What a team aims at; what suits the target and the members unless given: `nll` of classes, `mse` of values."""
    consensus: SpecField | None = None
    """How the predictions of a team's members are combined; `mean`, or `mixture` of normal distributions, unless
    given."""
    seed: Seed = 0
    """Seed of selectors that draw, of bootstraps and of folds."""


def _flat_data(given: Any) -> Any:
    """`{name, folder, …}` as written in TOML, to `{source, folder, …}`."""
    if isinstance(given, dict) and "source" not in given:
        own = {key: given[key] for key in DataSettings.model_fields if key in given}
        return {"source": {key: value for key, value in given.items() if key not in own}, **own}
    return {"source": given} if isinstance(given, str) else given


class ForeignSettings(Record):
    """A data set like none of those that the members learn: they are to be unsure of its rows."""

    source: SpecField
    """The data set. In the file its name and arguments stand in `[data.foreign.NAME]` itself, as `name = "mnist"`."""
    folder: Path | None = Field(default=None, strict=False)
    """Where its files lie; the folder of `[data]` unless given."""


ForeignName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]


class DataSettings(Record):
    """A data set by name with its arguments, and where its files lie (which is no part of a recipe)."""

    source: SpecField
    """The data set. In the file its name and arguments stand in `[data]` itself, as `name = "idx"`."""
    folder: Path | None = Field(default=None, strict=False)
    """Where its files lie, for data sets that are files."""
    foreign: dict[ForeignName, Annotated[ForeignSettings, BeforeValidator(_flat_data)]] = Field(default={})
    """Foreign data sets, by name: `run` measures how well their rows are told from those of test."""


def _policy_grid(given: Any) -> Any:
    """Tables of policies to a flat tuple of specs; a list stands for one policy per value (lists make a grid).

    A single one stands for a list of it: `[policy]` for `[[policy]]`, or its text.
    """
    if isinstance(given, str | dict):
        given = [given]
    if not isinstance(given, list | tuple):
        return given
    return tuple(spec for table in given for spec in expand_grid(read_spec(table)))


def expand_grid(spec: Spec) -> list[Spec]:
    """One spec for every combination of the values of the arguments that are lists where the policy takes one value.

    Whether it takes a list itself, as `milestones` is, its annotation says; a list of such lists makes a grid of them.
    """
    specs = [spec]
    for key, value in spec.arguments.items():
        if isinstance(value, tuple) and depth(value) > _own_depth(spec.name, key):
            if len(specs) * len(value) > MOST_VALUES:
                raise ValueError(f"{spec.name}: the lists make more than {MOST_VALUES:,} policies; shorten them")
            specs = [Spec(s.name, {**s.arguments, key: item}) for s in specs for item in value]
    return specs


def _own_depth(policy: str, argument: str) -> int:
    """How many lists within one another one value is; none of a policy that cannot be found: its use will say why."""
    try:
        return registry_of("policies").find(policy).list_depth(argument)
    except SpecError:
        return 0


def _imported(plugins: tuple[str, ...]) -> tuple[str, ...]:
    try:
        import_plugins(plugins)
    except SpecError as error:
        raise ValueError(str(error)) from None
    return plugins


class Experiment(Record):
    """Everything that `lrensemble run` needs, as read from a TOML file."""

    plugins: Annotated[tuple[str, ...], AfterValidator(_imported)] = Field(default=(), strict=False)
    """Modules that register names; they are imported before anything else is read, and in every worker process."""
    data: Annotated[DataSettings, BeforeValidator(_flat_data)]
    """The data set: its name, its arguments, and `folder`."""
    model: SpecField
    """The network."""
    policy: Annotated[tuple[SpecField, ...], BeforeValidator(_policy_grid), Field(min_length=1)]
    """The policies of the learning rate; an argument that is a list stands for one policy for each of its values."""
    split: SplitSettings = SplitSettings()
    """How rows are divided."""
    train: TrainSettings = TrainSettings()
    """How a member is trained."""
    sweep: SweepSettings = SweepSettings()
    """What varies beside the policies, and which of it is trained."""
    select: SelectSettings = SelectSettings()
    """How teams are chosen."""
    executor: SpecField | None = None
    """Who trains the members: this process or worker processes, as suits them, unless given. No part of a recipe."""
    pretrain: PretrainSettings | None = None
    """The base of language models, where it is pre-trained here."""
    benchmarks: BenchmarkSettings | None = None
    """What language models are asked once they are trained."""

    @model_validator(mode="after")
    def _sweep_fits(self) -> Self:
        check_sweep(self.sweep, self.train, self.policy)
        return self


def load_experiment(
    given: str | Path, overrides: dict[str, dict[str, object]] | None = None, plugins: Sequence[str] = ()
) -> Experiment:
    """Read an experiment, and import its plugins.

    Args:
        given: the path of a TOML file, or the name of one that ships with the package.
        overrides: sections with keys that replace the file's: `{"train": {"epochs": 3}}`.
        plugins: modules beside those that the file names.

    Raises:
        ConfigError: no such experiment, not TOML, or a key or value that is refused.
        StorageError: the file cannot be read.
    """
    content, source = read_experiment(given)
    content = with_sections(content, overrides or {})
    if isinstance(own := content.get("plugins", []), list) and plugins:
        content["plugins"] = [*own, *plugins]
    return to_record(Experiment, content, source)


def read_experiment(given: str | Path) -> tuple[dict[str, Any], str]:
    """What an experiment's file says, not checked yet, and what messages call it. Raises as `load_experiment` does."""
    path, source = place_of(str(given))
    return read_toml(path, source), source


def with_sections(content: Mapping[str, Any], sections: Mapping[str, Mapping[str, object]]) -> dict[str, Any]:
    """What a file says, with keys of its sections in place of its own."""
    changed = dict(content)
    for section, keys in sections.items():
        written = content.get(section, {})
        if isinstance(written, str):  # a name alone stands for a table with it
            written = {"name": written}
        if isinstance(written, dict):  # all else is refused where the record is checked
            changed[section] = {**written, **keys}
    return changed
