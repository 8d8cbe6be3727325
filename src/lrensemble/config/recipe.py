"""Recipe: everything that determines one training run, as the pool keeps it."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from lrensemble.config.groups import ParameterGroup
from lrensemble.config.records import LATER, Fraction, PositiveInt, Record, Seed, SpecField, later_at_default
from lrensemble.spec import Spec

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
    """Which training rows an epoch goes through: `shuffle`, every row once; `balanced`, every class as likely;
    `weighted`, by weights of the data; or `by_length`, batches of sequences of like lengths."""
    drop_last: Annotated[bool, LATER] = True
    """Whether rows left over at the end of an epoch wait for the next; otherwise they make a smaller last batch."""
    group: Annotated[tuple[ParameterGroup, ...], LATER] = Field(default=(), strict=False)
    """Parameters with a rate of their own: `parameters`, a regular expression, and `rate`, a factor; 0 freezes them."""
    function: Annotated[SpecField | None, LATER] = None
    """`package.module:function` of (recipe, dataset) that trains a run in place of the library's loop, and returns the
    network or its predictions; what it makes of the other keys is its own affair."""
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
