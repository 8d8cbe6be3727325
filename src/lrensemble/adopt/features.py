"""Names of the features that a model was fitted to, beside those of the data: it takes columns by place alone."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from lrensemble.data.frames import listed
from lrensemble.errors import AdoptError


def check_features(model: str, fitted: Sequence[object], features: Sequence[str] | None) -> None:
    """Refuse a model that would take one column for another, where both it and the data name their columns.

    Names that count the columns, as programs give them to those that have none, are none: `0`, `f1`, `x2`.

    Args:
        model: what it is called, for messages.
        fitted: names in the order in which it was fitted to them; none where it knows none.
        features: names of the columns of the data; None where they have none.

    Raises:
        AdoptError: other columns, or the same in another order.
    """
    names = list(map(str, fitted))
    if not names or features is None:
        return
    ours, theirs = (_spelled(each) for each in (names, features))
    if ours == theirs or (len(ours) == len(theirs) and not {*ours} & {*theirs} and (_count(ours) or _count(theirs))):
        return
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
    """Names alike where they differ in letters' case and form, blanks and brackets; as they are where two would be one.

    LightGBM has no blanks in names, tables that were read elsewhere have other cases, and who cleans names has neither.
    """
    found = [
        re.sub(r"[\s_.\-()\[\]]+", "_", unicodedata.normalize("NFC", name)).strip("_").casefold() for name in names
    ]
    return found if len(set(found)) == len(found) else list(names)


def _count(names: Sequence[str]) -> bool:
    """Whether names are one word, or none, and the place of their column, from zero or from one."""
    word = re.sub(r"\d+$", "", names[0])
    return any(list(names) == [f"{word}{start + place}" for place in range(len(names))] for start in (0, 1))
