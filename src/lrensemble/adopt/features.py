"""Names of the features that a model was fitted to, beside those of the data: it takes columns by place alone."""

from __future__ import annotations

from collections.abc import Sequence

from lrensemble.data.frames import listed
from lrensemble.errors import AdoptError


def check_features(model: str, fitted: Sequence[object], features: Sequence[str] | None) -> None:
    """Refuse a model that would take one column for another, where both it and the data name their columns.

    Args:
        model: what it is called, for messages.
        fitted: names in the order in which it was fitted to them; none where it knows none.
        features: names of the columns of the data; None where they have none.

    Raises:
        AdoptError: other columns, or the same in another order.
    """
    names = list(map(str, fitted))
    if not names or features is None or _spelled(names) == _spelled(features):
        return
    ours, theirs = _spelled(names), _spelled(features)
    if sorted(ours) == sorted(theirs):
        raise AdoptError(
            f"{model} was fitted to the columns {', '.join(names)}, in this order, and the data have "
            f"{', '.join(features)}; give them in the order of the model"
        )
    missing = [name for name, own in zip(names, ours, strict=True) if own not in theirs]
    more = [name for name, own in zip(features, theirs, strict=True) if own not in ours]
    lacks = f"was fitted to {listed(missing)}, which the data do not have" if missing else ""
    has = f"was not fitted to {listed(more)}, which the data have" if more else ""
    raise AdoptError(
        f"{model} {', and '.join(filter(None, (lacks, has))) or 'was fitted to other columns than the data have'}; "
        "give the columns that it was fitted to, by their names, or an array, whose columns go by place"
    )


def _spelled(names: Sequence[str]) -> list[str]:
    """Names as LightGBM spells them, whose files have no blanks in names."""
    return [name.replace(" ", "_") for name in names]
