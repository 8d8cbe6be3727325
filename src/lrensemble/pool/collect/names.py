"""Names of arrays in files of predictions: what an array holds, and of which rows.

`probs` are of the rows that selection sees, `test_probs` of the test rows, and `test_v2_probs` of the test set `v2`,
which is the split `test:v2` of a pool.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from lrensemble.errors import PredictionsError
from lrensemble.pool.arrays import Arrays, load
from lrensemble.pool.task import split_named
from lrensemble.targets import Form

GivenForm = Literal["log_probs", "logits", "probs", "top_k", "top1", "likelihood", "gaussian", "values"]
"""Form of predictions as files have it; where a file holds several, the first of these is taken."""
GIVEN_FORMS: tuple[GivenForm, ...] = get_args(GivenForm)
AskedForm = GivenForm | Literal["labels"]
"""A form as people ask for it: `labels` is `top1`, since the array `labels` is the truth."""


@dataclass(frozen=True)
class Layout:
    """Arrays of a form."""

    main: tuple[str, ...]
    """Names of the array that it is named after, the first that a file has."""
    axis: str = ""
    """Its last axis, after those of members and rows; empty where there is none."""
    kinds: str = "f"
    """Kinds of its numbers, as numpy has them."""
    parts: tuple[str, ...] = ()
    """Further arrays of the same shape."""
    needs_part: bool = False
    """Whether one of them must be there."""


LAYOUTS: dict[GivenForm, Layout] = {
    "log_probs": Layout(("log_probs",), "class"),
    "logits": Layout(("logits",), "class"),
    "probs": Layout(("probs",), "class"),
    "top_k": Layout(("top_k",), "k", "iu", ("top_k_probs",)),
    "top1": Layout(("top1",), kinds="iu"),
    "likelihood": Layout(("likelihood",)),
    "gaussian": Layout(("mean", "values"), "output", "f", ("log_variance", "variance"), needs_part=True),
    "values": Layout(("values",), "output", "fiu"),
}
KEPT_AS: dict[GivenForm, Form] = {
    "log_probs": "log_probs",
    "logits": "log_probs",
    "probs": "log_probs",
    "top_k": "top_k",
    "top1": "labels",
    "likelihood": "likelihood",
    "gaussian": "gaussian",
    "values": "values",
}
"""Form in which predictions that a file has in another are kept."""
ALL_FORMS = frozenset(name for layout in LAYOUTS.values() for name in (*layout.main, *layout.parts))
"""Names of all arrays of predictions."""
DENSE: tuple[GivenForm, ...] = ("log_probs", "logits", "probs")
"""Forms that say the probability of every class."""
OF_VALUES: tuple[GivenForm, ...] = ("gaussian", "values")
"""Forms of a target of values."""
BY_COLUMN: tuple[GivenForm, ...] = ("values", "top1")
"""Forms of which one column of a table says all of a member, or of an output."""
NOUNS: dict[GivenForm, str] = {
    **dict.fromkeys(GIVEN_FORMS, "predictions"),
    "probs": "probability of class",
    "logits": "logit of class",
    "top1": "labels",
    "values": "values",
}
"""What people call a column of a form."""

OF_ROWS = ("labels", "ids", "groups", "weights", "choices")
"""Arrays of rows, whoever predicts them: the truth, and what is known beside it."""
OF_ALL = ("classes", "outputs", "names")
"""Arrays of no rows: names of the target's columns, and of the members."""
ALIASES = {"truth": "labels", "targets": "labels", "models": "names"}

_BY_ROW = sorted((*ALL_FORMS, *OF_ROWS, "truth", "targets"), key=len, reverse=True)

BySplit = dict[str, Arrays]
"""Arrays by split, and then by what they hold; those of no rows are with `val`."""


def placed(name: str) -> tuple[str, str] | None:
    """Split and content of an array by its name; None where the name says neither."""
    if name in (*_BY_ROW, *OF_ALL, "models"):
        return "val", ALIASES.get(name, name)
    rest = name.removeprefix("test_")
    if rest == name:
        return None
    for what in _BY_ROW:  # the longest first: `top_k_probs` are no `probs` of a test set `top_k`
        if rest == what:
            return "test", ALIASES.get(what, what)
        if rest.endswith(f"_{what}"):
            return split_named(rest.removesuffix(f"_{what}")), ALIASES.get(what, what)
    return None


def prefix(split: str) -> str:
    """Beginning of the names of a split's arrays."""
    return "" if split == "val" else f"{split.replace(':', '_')}_"


class Known:
    """All names of arrays that are read."""

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and placed(name) is not None


class Common:
    """Names of arrays that hold for every file of a folder: those of rows, and names of the target's columns."""

    def __contains__(self, name: object) -> bool:
        place = placed(name) if isinstance(name, str) else None
        return place is not None and place[1] in (*OF_ROWS, "classes", "outputs")


def read_by_split(path: Path, wanted: Known | Common) -> BySplit:
    """Arrays of a file by split and content; the array of a `.npy` file is what the file is named after.

    Raises:
        PredictionsError: another kind of file, a damaged one, or two arrays for the same.
        StorageError: it cannot be read.
    """
    found: BySplit = {}
    for name, array in load(path, wanted).items():
        if (place := placed(name)) is None:
            continue
        split, what = place
        if what in found.get(split, {}):
            raise PredictionsError(f"{path} holds {prefix(split)}{what} under two names; leave {name} away")
        found.setdefault(split, {})[what] = array
    return found
