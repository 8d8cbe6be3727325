"""The records that a user writes (an experiment) and that the pool keeps (a recipe): frozen, strict, TOML and JSON.

An unknown or ill-typed key is refused with its path in the file and what is allowed. Names inside (`digits`, `cnn`,
`one_cycle`) stay specs here; whoever uses them looks them up in its registry.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from lrensemble.config.groups import ParameterGroup
from lrensemble.config.records import (
    LATER,
    Fraction,
    PositiveInt,
    Record,
    Seed,
    SpecField,
    later_at_default,
    read_spec,
    to_record,
)
from lrensemble.config.space import MOST_VALUES
from lrensemble.config.sweep import SweepSettings, check_sweep
from lrensemble.errors import ConfigError, SpecError
from lrensemble.files import storage_errors
from lrensemble.registry import depth, import_plugins, nearest, registry_of
from lrensemble.spec import Spec
from lrensemble.text import TextError, from_toml, read_text

MOST_EPOCHS = 1_000_000


class SplitSettings(Record):
    """How rows are divided, stratified by class or by value. A data set that brings its own test rows keeps them."""

    val: Fraction = 0.2
    """Share of the rows that teams are chosen on: of all rows, or of those that the data set does not call test."""
    test: Fraction = 0.2
    """Share of the rows that teams are measured on, where the data set brings no test rows of its own."""
    seed: Seed = 0
    """Seed of the division."""


class TrainSettings(Record):
    """How a member is trained; all of it is part of its recipe."""

    epochs: Annotated[PositiveInt, Field(le=MOST_EPOCHS)] = 10
    """Passes over the training rows."""
    batch_size: PositiveInt = 128
    """Rows of one step."""
    optimizer: SpecField = Spec("sgd")
    """`sgd`, `adam`, `adamw`, or any class of `torch.optim` by its name, with arguments: `RMSprop(alpha=0.9)`."""
    momentum: Annotated[float, Field(ge=0, lt=1)] | None = None
    """Momentum, for optimizers that take it; 0.9 for `sgd` unless given."""
    nesterov: bool = False
    """Whether the momentum is Nesterov's, for optimizers that know it."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    """Factor of the optimizer's own weight decay: an L2 penalty for `sgd` and `adam`, decoupled for `adamw`."""
    clip_norm: Annotated[float, Field(gt=0)] | None = None
    """Largest norm of the gradient over all parameters; larger ones are scaled down to it."""
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of the label's probability that is spread evenly over all classes in the training loss."""
    precision: Literal["float32", "tf32", "bfloat16", "float16"] = "float32"
    """Type of the network's computations in training; the weights and all predictions stay float32. `tf32` is float32
    whose products have factors of 10 bits on GPUs of CUDA's that know it, and `float32` everywhere else."""
    accumulate: Annotated[PositiveInt, LATER] = 1
    """Parts that a batch is computed in, one after another, to save memory; the update is that of the whole batch."""
    decay_norms: Annotated[bool, LATER] = True
    """Whether weight decay takes in vectors as well: the scales and shifts of norms, and biases."""
    ema: Annotated[Annotated[float, Field(gt=0, lt=1)] | None, LATER] = None
    """Decay of the exponential moving average of the weights that becomes the member; none unless given."""
    channels_last: Annotated[bool, LATER] = True
    """Whether the images and weights of convolutions lie in memory channels last, where they are fastest."""
    compile: Annotated[bool, LATER] = False
    """Whether the network is compiled (`torch.compile`)."""
    augment: Annotated[tuple[SpecField, ...], LATER] = Field(default=(), strict=False)
    """What is done to the training images, in this order: `crop(padding=4)`, `flip`, `mixup`, …"""
    form: Annotated[Literal["values", "gaussian"] | None, LATER] = None
    """What a network that learns numbers says: `values` unless given, or `gaussian`, a mean and a variance of each."""
    learn_within: Annotated[PositiveInt | None, LATER] = None
    """Epochs in a row at chance on `val` after which a run ends, as `learned_nothing`; none ends so unless given."""
    patience: Annotated[PositiveInt | None, LATER] = None
    """Epochs in a row without a better `val` score after which a run ends, as finished; it trains all unless given."""
    keep: Annotated[Literal["last", "best"], LATER] = "last"
    """Epoch whose weights become the member: the last one, or the one of the best `val` score."""
    loss: Annotated[SpecField | None, LATER] = None
    """What is learned by: `weighted`, `focal(gamma=2)`, `soft_targets`, `huber`, …; unless given `cross_entropy` for
    classes, `squared` for values, `gaussian_nll` for a mean and a variance."""
    sampler: Annotated[SpecField, LATER] = Spec("shuffle")
    """Which training rows an epoch goes through: `shuffle`, every row once; `balanced`, every class as likely; or
    `weighted`, by weights of the data."""
    drop_last: Annotated[bool, LATER] = True
    """Whether rows left over at the end of an epoch wait for the next; otherwise they make a smaller last batch."""
    group: Annotated[tuple[ParameterGroup, ...], LATER] = Field(default=(), strict=False)
    """Parameters with a rate of their own: `parameters`, a regular expression, and `rate`, a factor; 0 freezes them."""
    seed: Seed = 0
    """Seed of a member: of its initial weights, the order of the rows, dropout and augmentation. In an experiment, what
    the seeds of its members are derived from (`sweep.seed`)."""
    init_seed: Annotated[Seed | None, LATER] = None
    """Seed of the initial weights alone; `seed` unless given."""
    data_seed: Annotated[Seed | None, LATER] = None
    """Seed of the order of the rows and of augmentation alone; `seed` unless given."""

    @property
    def seed_of_weights(self) -> int:
        """Seed of the initial weights."""
        return self.seed if self.init_seed is None else self.init_seed

    @property
    def seed_of_batches(self) -> int:
        """Seed of the order of the rows and of augmentation."""
        return self.seed if self.data_seed is None else self.data_seed

    @property
    def names(self) -> tuple[Spec, ...]:
        """Everything in it that is looked up by its name."""
        return (self.optimizer, self.sampler, *([] if self.loss is None else [self.loss]), *self.augment)

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        if self.accumulate > self.batch_size:
            raise ValueError(f"accumulate = {self.accumulate} parts of a batch of {self.batch_size} rows")
        return self


class SelectSettings(Record):
    """Which selectors are run and what they aim at; names are looked up when they are used."""

    methods: tuple[SpecField, ...] = Field(
        default=tuple(Spec(name) for name in ("best", "top_k", "all", "random", "greedy", "brute_force", "focal")),
        strict=False,
    )
    """Selectors; each chooses a team. Those that are not for the pool's target are left out unless given."""
    metric: SpecField | None = None
    """What a team aims at; what suits the target and the members unless given: `nll` of classes, `mse` of values."""
    consensus: SpecField | None = None
    """How the predictions of a team's members are combined; `mean`, or `mixture` of normal distributions, unless
    given."""
    seed: Seed = 0
    """Seed of selectors that draw, of bootstraps and of folds."""


class DataSettings(Record):
    """A data set by name with its arguments, and where its files lie (which is no part of a recipe)."""

    source: SpecField
    """The data set. In the file its name and arguments stand in `[data]` itself, as `name = "idx"`."""
    folder: Path | None = Field(default=None, strict=False)
    """Where its files lie, for data sets that are files."""


def _flat_data(given: Any) -> Any:
    """`{name, folder, …}` as written in TOML, to `{source, folder}`."""
    if isinstance(given, dict) and "source" not in given:
        source = {key: value for key, value in given.items() if key != "folder"}
        return {"source": source} | ({"folder": given["folder"]} if "folder" in given else {})
    return {"source": given} if isinstance(given, str) else given


def _policy_grid(given: Any) -> Any:
    """Tables of policies to a flat tuple of specs; a list stands for one policy per value (lists make a grid)."""
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

    @model_validator(mode="after")
    def _sweep_fits(self) -> Self:
        check_sweep(self.sweep, self.train, self.policy)
        return self


class Recipe(Record):
    """Everything that determines one member: two equal recipes give bit-equal members on the same CPU."""

    data: SpecField
    fingerprint: str
    """Hash of the rows, truth and splits (`data.Dataset.fingerprint`)."""
    split: SplitSettings
    model: SpecField
    policy: SpecField
    train: TrainSettings
    at_epoch: Annotated[PositiveInt | None, LATER] = None
    """The member is the network as it was after this epoch of the run; at its end unless given."""

    @property
    def id(self) -> str:
        """The member's name in the pool: the first 12 hexadecimal digits of the hash of the canonical JSON.

        A field that recipes did not have from the beginning has no part in it at its default: no member is renamed.
        """
        content = self.model_dump(mode="json", exclude=later_at_default(self))
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def shipped() -> list[str]:
    """Names of the experiments that come with the package."""
    folder = resources.files("lrensemble") / "experiments"
    return sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))


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
    path, source = _place(str(given))
    try:
        with storage_errors("read", path):
            content = from_toml(read_text(path))
    except TextError as error:
        raise ConfigError(f"{source}: {error}") from None
    for section, keys in (overrides or {}).items():
        written = content.get(section, {})
        if isinstance(written, str):  # a name alone stands for a table with it
            written = {"name": written}
        if isinstance(written, dict):  # all else is refused below
            content[section] = {**written, **keys}
    if isinstance(own := content.get("plugins", []), list) and plugins:
        content["plugins"] = [*own, *plugins]
    return to_record(Experiment, content, source)


def _place(given: str) -> tuple[Path, str]:
    """The file of an experiment, and what messages call it."""
    path = Path(given)
    if path.suffix == ".toml" or os.path.exists(path):
        return path, str(path)
    if given in shipped():
        return Path(str(resources.files("lrensemble") / "experiments" / f"{given}.toml")), given
    raise ConfigError(f"no experiment named {given!r}{nearest(given, shipped())}; or give the path of a .toml file")
