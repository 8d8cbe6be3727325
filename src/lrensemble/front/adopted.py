"""Front door of models that were trained elsewhere: `adopt` makes members of them."""

from __future__ import annotations

import glob
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from lrensemble.adopt import ADOPTERS, AdoptResult, Asked, Found, Rows, add_all, rows_of
from lrensemble.adopt.rows import TEST, VAL
from lrensemble.config import Gives, Inputs
from lrensemble.data import load
from lrensemble.data.truth import Kind
from lrensemble.errors import AdoptError
from lrensemble.front.adoptable import hint_of, require_of_truth, taker_of, tell_other_inputs
from lrensemble.front.arrays import beside, divided, holds_arrays
from lrensemble.front.experiment import experiment_of
from lrensemble.front.numbers import aligned, as_array
from lrensemble.front.objects import as_model
from lrensemble.front.paths import PathLike
from lrensemble.numpy_files import read_arrays
from lrensemble.pool import Pool
from lrensemble.pool.names import distinct_names
from lrensemble.registry import ask_for
from lrensemble.spec import Spec, to_spec


def adopt(
    pool: Pool | PathLike,
    model: Any,
    *,
    name: str | None = None,
    kind: str | None = None,
    data: Any = None,
    builder: Any = None,
    gives: Gives | None = None,
    mean: float | Sequence[float] | None = None,
    std: float | Sequence[float] | None = None,
    facts: Mapping[str, Any] | None = None,
    truth: Kind | None = None,
    **options: Any,
) -> AdoptResult:
    """Take over models that were trained elsewhere, with their networks: each predicts the pool's rows itself.

    ```python
    lrensemble.adopt("pool", "net.onnx", data={"x_val": x, "y_val": y})
    ```

    Args:
        pool: a pool or its folder, which is made where there is none.
        model: what a tool left: a fitted model, a finished study, the path of a file or a folder, or `KIND:PATH`.
            A path may hold `*`. A list of such, or a table of them by name.
        name: name of a single model; what the tool calls it unless given.
        kind: adopter (`lrensemble ls adopters`), where it is not clear.
        data: rows to predict that no model was trained on: `(x, y)`, `(frame, "column of y")`, or `{"x_val": …,
            "y_val": …}` and, where there are test rows, `x_test` and `y_test`; the path of an `.npz` file with such; or
            an experiment, whose data and split they are. A pool whose members were trained here needs none, or the
            folder of its files.
        builder: for networks of torch, what builds one anew: `package.module:function` of (shape, outputs), a
            registered model, a class or a function.
        gives: what networks give for each row: `logits`, `log_probs`, `probs`, `values` or `gaussian`.
        mean: of each channel or feature, or of all, by which raw inputs are normalised: (x - mean) / std. Those of the
            pool's data set unless given, where its members were trained here; else inputs are given as they are.
        std: deviation, likewise.
        facts: what is known of the training, kept beside the member.
        truth: whether the truth is `classes` or `values`, where its type does not say it.
        options: further keywords of the adopter, such as `store` for Optuna's artifacts.

    Raises:
        AdoptError: no adopter takes it, or a model that cannot be run again on these rows.
        SpecError: a builder that cannot be used.
        MissingExtraError: the library of the tool is not installed.
        PoolError: a pool of another task.
        StorageError: a file cannot be read, or the pool not be written.
    """
    rows, asked = prepared(
        pool, name=name, data=data, builder=builder, gives=gives, mean=mean, std=std, facts=facts, truth=truth
    )
    found = found_in(model, kind, asked, options)
    names = distinct_names([each.name for each in found])
    return add_all(rows, [replace(asked.completed(each), name=name) for each, name in zip(found, names, strict=True)])


def prepared(
    pool: Pool | PathLike,
    *,
    name: str | None = None,
    data: Any = None,
    builder: Any = None,
    gives: Gives | None = None,
    mean: float | Sequence[float] | None = None,
    std: float | Sequence[float] | None = None,
    facts: Mapping[str, Any] | None = None,
    truth: Kind | None = None,
) -> tuple[Rows, Asked]:
    """Rows to predict, and what is known of models before there is one; arguments and errors as of `adopt`."""
    folder = pool.folder if isinstance(pool, Pool) else Path(pool)
    given, features = as_rows(data)
    rows = rows_of(folder, given, truth, features=features)
    require_of_truth(gives, rows)
    tell_other_inputs(rows)
    asked = Asked(
        inputs=_inputs(rows, mean, std),
        target=rows.pool.task.target,
        normalised=mean is not None or std is not None,
        name=name,
        builder=None if builder is None else _builder(builder),
        gives=gives,
        facts=facts or {},
    )
    return Rows(rows.pool, rows.raw, asked.inputs), asked


def found_in(given: Any, kind: str | None, asked: Asked, options: Mapping[str, Any]) -> list[Found]:
    """All models of what was given.

    Raises:
        AdoptError: no adopter takes it.
    """
    if isinstance(given, Mapping) and taker_of(given) is None:
        return [
            replace(one, name=str(name)) for name, each in given.items() for one in found_in(each, kind, asked, options)
        ]
    if isinstance(given, list | tuple):
        return [one for each in given for one in found_in(each, kind, asked, options)]
    if isinstance(given, str) and kind is None:
        head, colon, rest = given.partition(":")
        if colon and head in ADOPTERS:
            kind, given = head, rest
    if isinstance(given, str | os.PathLike) and _is_pattern(os.fspath(given)):
        return _matching(os.fspath(given), kind, asked, options)
    return list(ADOPTERS.call(_checked(_kind_of(given, kind), options), given, asked, **options))


def _is_pattern(path: str) -> bool:
    """Whether a path stands for all that match it; a URL does not, whatever its query holds."""
    return glob.has_magic(path) and "://" not in path and not os.path.lexists(path)


def _checked(kind: str, options: Mapping[str, Any]) -> Spec:
    """The adopter, if it has such keywords.

    Raises:
        AdoptError: the first that it has not.
    """
    known = list(ADOPTERS.arguments(kind))
    for option in options:
        if option not in known:
            raise AdoptError(f"adopter {kind!r} has no option {option!r}; it has {', '.join(known) or 'none'}")
    return Spec(kind)


def _matching(pattern: str, kind: str | None, asked: Asked, options: Mapping[str, Any]) -> list[Found]:
    """Models of every path of a pattern, named by what differs in the paths.

    Raises:
        AdoptError: no path.
    """
    paths = sorted(glob.glob(os.path.expanduser(pattern), recursive=True))
    if not paths:
        raise AdoptError(f"no file or folder is {pattern}")
    return [
        replace(one, name=name if len(found) == 1 else f"{name}: {one.name}")
        for path, name in zip(paths, _names_of(paths), strict=True)
        for found in [found_in(path, kind, asked, options)]
        for one in found
    ]


def _names_of(paths: Sequence[str]) -> list[str]:
    """What differs in paths: `runs/a/model.pt` and `runs/b/model.pt` are a and b."""
    parts = [[*Path(path).parts[:-1], Path(path).stem] for path in paths]
    if len(paths) == 1:
        return [parts[0][-1]]
    if len({len(each) for each in parts}) > 1:
        return list(map(str, paths))
    differing = [place for place in range(len(parts[0])) if len({each[place] for each in parts}) > 1]
    return ["/".join(each[place] for place in differing) for each in parts]


def _kind_of(given: Any, kind: str | None) -> str:
    """The adopter that takes it.

    Raises:
        AdoptError: none does.
    """
    if kind is not None:
        return ADOPTERS.canonical(kind)
    found = taker_of(given)
    if found is None:
        what = os.fspath(given) if isinstance(given, str | os.PathLike) else type(given).__name__
        hint = hint_of(given)
        raise AdoptError(f"{what} is of no tool that is known; {hint}say which: kind='…', one of {', '.join(ADOPTERS)}")
    return found


def as_rows(data: Any) -> tuple[Any, tuple[str, ...] | None]:
    """Data in a form that `rows_of` takes: arrays by name, a data set that is divided, or a folder; and the names of
    features, which frames have.
    """
    if data is None:
        return None, None
    if isinstance(data, str | os.PathLike) and Path(data).suffix == ".npz":
        found = read_arrays(Path(data))
        if isinstance(found, Mapping):
            return dict(found), None
        raise AdoptError(f"{data} is a single array; save numpy.savez(…, x_val=…, y_val=…)")
    if isinstance(data, tuple) and len(data) == 2:
        inputs, truth = divided(*data) if isinstance(data[1], str) else data
        data = {"x_val": inputs, "y_val": truth}
    if isinstance(data, Mapping) and holds_arrays(data):
        inputs = {str(name): each for name, each in data.items() if name in (*VAL[0], *TEST[0])}
        first = [name for name in VAL[0] if name in inputs]
        arrays, features = aligned(inputs, first[:1], "data")
        others = {str(name): each for name, each in data.items() if name not in inputs}
        return arrays | beside(others, inputs, TEST[1], TEST[0]), features
    if isinstance(data, str | os.PathLike) and os.path.isdir(data):
        return Path(data), None
    experiment = experiment_of(data)
    return load(experiment.data, experiment.split), None


def _inputs(rows: Rows, mean: Any, std: Any) -> Inputs:
    """Inputs of the rows, normalised as asked.

    Raises:
        AdoptError: numbers that are not one for each channel, or no deviations.
    """
    given = {"mean": mean, "std": std}
    changes = {name: _by_channel(name, each, rows.inputs.shape[0]) for name, each in given.items() if each is not None}
    return Inputs(**{**rows.inputs.model_dump(), **changes})


def _by_channel(name: str, given: Any, channels: int) -> tuple[float, ...]:
    """One number for each channel or feature.

    Raises:
        AdoptError: it is something else.
    """
    said = as_array(given).astype(np.float64).ravel()
    numbers = said.repeat(channels) if said.size == 1 else said
    if numbers.size != channels or not np.isfinite(numbers).all() or (name == "std" and not (numbers > 0).all()):
        shown = ", ".join(f"{each:g}" for each in said[:4]) + (", …" if said.size > 4 else "")
        positive = ", above 0" if name == "std" else ""
        raise AdoptError(
            f"{name} = {shown} is refused; give one number{positive}, or one for each of {channels} channels"
        )
    return tuple(numbers.tolist())


def _builder(given: Any) -> Spec:
    """A builder in any form; whoever names one asks for its code."""
    spec = to_spec(as_model(given))
    ask_for(spec)
    return spec
