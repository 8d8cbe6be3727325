"""Parts of the library by themselves, as commands: for inputs that the command line takes only before long work."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from pathlib import Path

from lrensemble.errors import LREnsembleError
from lrensemble.text import visible

SHAPE, CLASSES = (1, 6, 6), 3


def spec(text: str) -> str:
    """A spec reads back from its text and from its table."""
    import json

    from lrensemble.spec import to_spec

    read = to_spec(text)
    again, table = to_spec(str(read)), to_spec(json.loads(json.dumps(read.to_json(), allow_nan=False)))
    assert again == read, f"{read} reads back as {again}"
    assert table == read, f"{read} is {table} as a table"
    return str(read)


def policy(text: str, total: str) -> str:
    """A policy's rates are finite and not negative."""
    from lrensemble.policies import build

    rates = build(text, int(total)).curve()
    bad = [rate for rate in rates if not (math.isfinite(rate) and rate >= 0)]
    assert not bad, f"{text} has the rate {bad[0]}"
    return f"{len(rates)} rates"


def model(text: str) -> str:
    """A model can be built, or is refused."""
    from lrensemble.models import build

    return f"{sum(weights.numel() for weights in build(text, SHAPE, CLASSES, 0).parameters())} parameters"


def names(kind: str, text: str) -> str:
    """A name of any kind and its arguments are checked."""
    from lrensemble.registry import registry_of

    registry_of(kind).check(text)
    return text


def data(source: str, folder: str) -> str:
    """A data set is read and divided."""
    from lrensemble.config import DataSettings, SplitSettings
    from lrensemble.data import load
    from lrensemble.spec import to_spec

    return load(DataSettings(source=to_spec(source), folder=Path(folder)), SplitSettings()).fingerprint


def plan(experiment: str) -> str:
    """An experiment is read, and all of it checked, up to the first step."""
    from lrensemble.cli.select import check_names
    from lrensemble.config import load_experiment
    from lrensemble.train.execution.devices import to_devices
    from lrensemble.train.sweep.setup import set_up
    from lrensemble.train.sweep.strategies import STRATEGIES

    read = load_experiment(experiment)
    check_names(read.select.methods, read.select.metric, read.select.consensus)
    setup = set_up(read, Path("out/pool"), to_devices("cpu"))
    first = next(STRATEGIES.call(read.sweep.strategy, setup.factory)(setup.pool), None)
    return f"{len(first.runs) if first else 0} runs"


CHECKS: dict[str, Callable[..., str]] = {each.__name__: each for each in (spec, policy, model, names, data, plan)}


def main(arguments: tuple[str, ...]) -> None:
    """One check; refusals end as they do on the command line."""
    try:
        sys.stdout.write(f"{CHECKS[arguments[0]](*arguments[1:])}\n")
    except LREnsembleError as error:
        sys.stderr.write(f"lrensemble: {visible(' '.join(str(error).split()))}\n")
        sys.exit(2)


if __name__ == "__main__":
    main(tuple(sys.argv[1:]))
