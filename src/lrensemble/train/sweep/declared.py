"""Values that an experiment declares for what varies in its sweep, before any run has them."""

from __future__ import annotations

from lrensemble.config import Experiment
from lrensemble.config.space import RangeTestPeaks
from lrensemble.config.sweep import representative_values
from lrensemble.spec import Value


def declared_values(experiment: Experiment) -> dict[str, list[float | str]]:
    """Smallest and largest number, or all texts, of each field that varies, by its path without `train.`.

    Peaks that a range test is still to find are not known, and a text with arguments stands for several fields.
    """
    found: dict[str, list[Value]] = {}
    for policy, along in experiment.sweep.entries(experiment.policy):
        own: dict[str, tuple[Value, ...]] = {"policy": (policy.name,)}
        own |= {f"policy.{name}": (value,) for name, value in policy.arguments.items()}
        own |= {path: (value,) for path, value in along.items()}
        for path, distribution in experiment.sweep.ranges(policy.name).items():
            own[path] = () if isinstance(distribution, RangeTestPeaks) else representative_values(distribution)
        for path, values in own.items():
            found.setdefault(path.removeprefix("train."), []).extend(values)
    return {name: several for name, values in found.items() if len(several := _ends(values)) > 1}


def _ends(values: list[Value]) -> list[float | str]:
    """Smallest and largest of numbers; where some are none, all that are plain."""
    texts = {value for value in values if isinstance(value, str) and "(" not in value}
    numbers = {float(value) for value in values if isinstance(value, int | float) and not isinstance(value, bool)}
    if texts or not numbers:
        return [*sorted(texts), *sorted(numbers)]
    return sorted({min(numbers), max(numbers)})
