"""`[sweep]`: which recipes an experiment trains beyond its list of policies, and how they are chosen.

```toml
[sweep]
strategy = "random(trials=16)"
[sweep.space]                              # fields of a recipe, by their path
train.batch_size = [32, 64]
train.weight_decay = "log_uniform(low=1e-5, high=1e-2)"
model.width = [8, 16]                      # "model.width", in quotes, where `model` is a list as well
[sweep.when.one_cycle]                     # for this policy alone
policy.peak = "log_uniform(low=0.05, high=0.5)"
[sweep.zip]                                # value i goes along with policy i
train.weight_decay = [0.0, 1e-4, 5e-4]
```
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BeforeValidator, Field, ValidationError

from lrensemble.config.records import LATER, PositiveInt, Record, SpecField, reason_of
from lrensemble.config.space import DISTRIBUTIONS, Choice, Distribution, RangeTestPeaks, Uniform
from lrensemble.errors import ConfigError, LREnsembleError
from lrensemble.registry import nearest
from lrensemble.spec import Spec, Value, to_spec

Space = dict[str, SpecField]
"""The range of values of each field that varies, by the field's path: `train.batch_size`."""

PARTS = ("train", "model", "policy")
"""Parts of a recipe that may vary within a pool."""
SHARED = ("data", "split")
"""Parts that all members of a pool share."""


def _flat_space(given: Any, place: str) -> Space:
    """Nested tables or dotted keys, as TOML gives them, to paths; a list becomes a `choice`.

    Raises:
        ConfigError: a path that names no field, or a range that is refused; with its path in the file.
    """
    if not isinstance(given, Mapping):
        raise ConfigError(f"{place}: give a table of fields, e.g. train.batch_size = [32, 64] (given: {given!r})")
    entries: dict[str, Any] = {}
    for key, value in given.items():
        nested = isinstance(value, Mapping) and "." not in key and "name" not in value
        for path, item in {f"{key}.{inner}": v for inner, v in value.items()}.items() if nested else [(key, value)]:
            _check_path(path, place)
            entries[path] = item
    return {path: _range_of(item, f"{place}.{path}") for path, item in entries.items()}


def _check_path(path: str, place: str) -> None:
    part, _, field = path.partition(".")
    if part in SHARED:
        raise ConfigError(f"{place}.{path}: all members of a pool share {part}; vary {', '.join(PARTS)}")
    if part not in PARTS:
        raise ConfigError(f"{place}.{path}: no such part of a recipe{nearest(part, PARTS)}")
    if "." in field or (not field and part != "model"):
        raise ConfigError(f"{place}.{path}: give one field of {part}, e.g. {EXAMPLES[part]}")


EXAMPLES = {"train": "train.batch_size", "model": "model.width", "policy": "policy.peak"}


def _range_of(given: Any, path: str) -> Spec:
    try:
        spec = to_spec({"name": "choice", "values": given} if isinstance(given, list | tuple) else given)
        DISTRIBUTIONS.call(spec)
    except LREnsembleError as error:
        raise ConfigError(f"{path}: {error}; give a list, or one of {', '.join(DISTRIBUTIONS)}") from None
    return spec


def _flat_when(given: Any) -> Any:
    if not isinstance(given, Mapping):
        return given
    return {policy: _flat_space(fields, f"sweep.when.{policy}") for policy, fields in given.items()}


class SweepSettings(Record):
    """Which recipes are trained; without it, one for each policy."""

    strategy: SpecField = Spec("grid")
    """Which of all that the space allows is trained, and in which order."""
    epochs: PositiveInt | None = None
    """Epochs of all runs together, divided evenly among them, so that strategies can be compared; in place of
    `train.epochs`, which is for each run."""
    space: Annotated[Space, BeforeValidator(lambda given: _flat_space(given, "sweep.space"))] = Field(default={})
    """By the path of a key (`train.batch_size`, `model.width`, `policy.peak`), its values: a list, or a range."""
    when: Annotated[dict[str, Space], BeforeValidator(_flat_when)] = Field(default={})
    """Ranges that vary for one policy alone, by its name and by path."""
    zip: Annotated[Space, BeforeValidator(lambda given: _flat_space(given, "sweep.zip")), LATER] = Field(default={})
    """Lists that go along with the policies, by path: policy i has value i of each. One policy alone has every value in
    turn."""
    seed: Annotated[Literal["each", "shared"], LATER] = "each"
    """Whether every member has a seed of its own, derived from `train.seed` and from its policy and values, or all
    share `train.seed`."""

    keep_weights: Annotated[PositiveInt | None, LATER] = None
    """How many members keep their weights while the sweep runs: the best ones on `val`, and those of chosen teams. The
    weights of others go when they are not among the best any more, predictions stay; all keep theirs unless given."""

    def entries(self, policies: Sequence[Spec]) -> list[tuple[Spec, dict[str, Value]]]:
        """Policies in their order, each with the values that go along with it."""
        lists = {path: values for path, spec in self.zip.items() if (values := _listed(spec))}
        if not lists:
            return [(policy, {}) for policy in policies]
        count = len(next(iter(lists.values())))
        along = list(policies) * count if len(policies) == 1 else policies
        return [(policy, {path: values[i] for path, values in lists.items()}) for i, policy in enumerate(along)]

    def ranges(self, policy: str) -> dict[str, Distribution]:
        """Ranges that vary with a policy, by path, in the order of the file."""
        return {path: DISTRIBUTIONS.call(spec) for path, spec in {**self.space, **self.when.get(policy, {})}.items()}

    def key_path(self, policy: str, path: str) -> str:
        """Key in the file of a path that varies with this policy."""
        return f"sweep.when.{policy}.{path}" if path in self.when.get(policy, {}) else f"sweep.space.{path}"


def _listed(spec: Spec) -> tuple[Value, ...]:
    """Values of a list; none of an interval."""
    distribution = DISTRIBUTIONS.call(spec)
    return distribution.values if isinstance(distribution, Choice) else ()


def representative_values(distribution: Distribution) -> tuple[Value, ...]:
    """Values that stand for a range when it is checked: all of a list, both ends of an interval."""
    return distribution.values if isinstance(distribution, Choice) else (distribution.low, distribution.high)


def check_sweep(sweep: SweepSettings, settings: Record, policies: Sequence[Spec]) -> None:
    """Refuse a space that names no field, holds a value that a field refuses, or says a thing twice.

    Args:
        sweep: what to check.
        settings: `[train]` of the experiment.
        policies: of the experiment.

    Raises:
        ConfigError: with the path of the key.
    """
    names = list(dict.fromkeys(policy.name for policy in policies))
    for name, space in sweep.when.items():
        if name not in names:
            raise ConfigError(f"sweep.when.{name}: the experiment has no such policy{nearest(name, names)}")
        if both := [path for path in space if path in sweep.space]:
            raise ConfigError(f"sweep.when.{name}.{both[0]}: stands in sweep.space as well; keep one of the two")
    for policy in policies:
        for path, distribution in sweep.ranges(policy.name).items():
            _check_field(path, distribution, settings, policy, sweep.key_path(policy.name, path))
    _check_zip(sweep, settings, policies)
    if sweep.epochs is not None:
        varied = any("train.epochs" in space for space in (sweep.space, sweep.zip, *sweep.when.values()))
        if varied or "epochs" in settings.model_fields_set:
            raise ConfigError("sweep.epochs: train.epochs is given as well; state the epochs of all runs, or of each")


def _check_zip(sweep: SweepSettings, settings: Record, policies: Sequence[Spec]) -> None:
    for path, spec in sweep.zip.items():
        place, values = f"sweep.zip.{path}", _listed(spec)
        if not values:
            raise ConfigError(f"{place}: {spec} is a range; give a list with a value for each policy")
        if path in sweep.space or any(path in space for space in sweep.when.values()):
            raise ConfigError(f"{place}: stands in sweep.space or sweep.when as well; keep one of the two")
        wanted = len(policies) if len(policies) > 1 else len(_listed(next(iter(sweep.zip.values()))))
        if len(values) != wanted:
            whom = f"the {wanted} policies" if len(policies) > 1 else f"the {wanted} values of the first list"
            raise ConfigError(f"{place}: {len(values)} values do not go along with {whom}; give {wanted}")
        for policy in policies:
            _check_field(path, Choice(values), settings, policy, place)


def _check_field(path: str, distribution: Distribution, settings: Record, policy: Spec, place: str) -> None:
    part, _, field = path.partition(".")
    if isinstance(distribution, RangeTestPeaks) and path != "policy.peak":
        raise ConfigError(f"{place}: a range test proposes peaks; give it for policy.peak")
    if part == "policy" and field in policy.arguments:
        raise ConfigError(f"{place}: [[policy]] {policy.name} has {field} as well; keep one of the two")
    if path == "model" and isinstance(distribution, Uniform):
        raise ConfigError(f"{place}: a model has no range; give a list of models")
    if part == "train":
        if field not in type(settings).model_fields:
            raise ConfigError(f"{place}: no such key{nearest(field, type(settings).model_fields)}")
        for value in representative_values(distribution):
            _check_value(settings, field, value, place)


def _check_value(settings: Record, field: str, value: Value, place: str) -> None:
    try:
        changed(settings, {field: value})
    except ValidationError as error:
        raise ConfigError(f"{place}: {reason_of(error.errors()[0])}") from None


S = TypeVar("S", bound=Record)


def changed(settings: S, values: Mapping[str, Value]) -> S:
    """A record with other values in some of its fields, checked as if they had been written there.

    Raises:
        ValidationError: a value that its field refuses.
    """
    return type(settings).model_validate({**settings.model_dump(), **values})
