"""`lrensemble range-test`: which peaks are worth training with."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from lrensemble.cli.console import Json, Plugins, answers, print_json
from lrensemble.cli.tune import Data, Device, Name, load

EXAMPLES = ("lrensemble range-test experiment.toml",)


def output() -> Any:
    """Rates and losses of the test, and the peaks that it proposes."""
    from lrensemble.train import RangeTest

    return RangeTest


def range_test(
    experiment: Name,
    data: Data = None,
    device: Device = "cpu",
    count: Annotated[int, typer.Option(help="Peaks to propose.", min=1, max=100)] = 4,
    steps: Annotated[int, typer.Option(help="Rates to try.", min=20, max=1_000_000)] = 200,
    low: Annotated[float, typer.Option(help="The lowest rate.")] = 1e-5,
    high: Annotated[float, typer.Option(help="The highest rate.")] = 10.0,
    plugin: Plugins = None,
    json: Json = False,
) -> None:
    """Train one network while the rate rises, and propose peaks for the experiment's policies."""
    from lrensemble.data import load as load_data
    from lrensemble.train import range_test as test
    from lrensemble.train.execution.devices import to_device

    settings = load(experiment, data, None, plugin)
    place = to_device(device)
    dataset = load_data(settings.data, settings.split).to(place)
    seen = test(settings.model, dataset, settings.train, count=count, low=low, high=high, steps=steps)
    if json:
        print_json(seen.model_dump(mode="json"))
        return
    answers.print(f"the loss falls between the rates {seen.floor:g} and {seen.peak:g}")
    answers.print(f"peak = [{', '.join(f'{peak:g}' for peak in seen.peaks)}]")
