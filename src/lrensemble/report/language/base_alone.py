"""What the base says alone: the yardstick beside the members of a pool of benchmarks, which no team may hold."""

from __future__ import annotations

from collections.abc import Mapping

from lrensemble.evaluate.predictors import Floats
from lrensemble.report.language.data import Asked


def base_alone(found: Asked) -> Mapping[str, Floats]:
    """Probabilities [question, choice] that the base gives, by split; none where it was not asked."""
    del found
    return {}
