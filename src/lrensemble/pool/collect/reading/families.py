"""Which columns of a table belong together: a column a class, of one model or of several."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.pool.collect.names import OF_VALUES, GivenForm
from lrensemble.pool.collect.reading.kinds import class_values, dense_form, tells_classes
from lrensemble.pool.collect.reading.roles import PREDICTIVE, Role, half_of, role_of, words_of

Columns = Mapping[str, NDArray[Any]]

_NUMBERED = re.compile(r"(.*?)[\s_\-.:\[(]*(\d+)[\])]*", re.DOTALL)

SAYING = frozenset(
    [
        "pred",
        "preds",
        "prediction",
        "predictions",
        "predicted",
        "prob",
        "probs",
        "proba",
        "probability",
        "p",
        "oof",
        "score",
        "yhat",
    ]
)
"""Words in the name of a column of predictions."""

OF_MODELS = frozenset(
    [
        *("fold", "folds", "seed", "seeds", "model", "models", "run", "runs", "net", "member", "members", "repeat"),
        *("bag", "cv", "split", "trial", "version", "checkpoint", "ckpt", "clf", "estimator", "learner", "experiment"),
    ]
)
"""Words in the names of columns that are a column a model, and none a class: `seed_0`, `fold_3`."""


@dataclass(frozen=True)
class ClassColumns:
    """Columns of one model, one for each class."""

    stem: str
    """What the names of the columns share."""
    columns: tuple[str, ...]
    classes: tuple[str, ...]
    """What each column's name adds: the name of its class."""
    form: GivenForm

    def stacked(self, columns: Columns) -> NDArray[Any]:
        """The numbers [sample, class]."""
        return np.stack([columns[name].astype(np.float64) for name in self.columns], axis=1)


def families(
    columns: Columns, truth: NDArray[Any] | None, classes: Sequence[str], form: GivenForm | None
) -> list[ClassColumns]:
    """Families of columns that hold a number for each class, one for each model.

    Args:
        columns: numbers [sample] by name.
        truth: [sample].
        classes: names of the classes, where the truth tells them.
        form: what the numbers are, where it was said.
    """
    found = _by_class(columns, classes) or _by_number(columns)
    kept = [family for each in found if (family := _checked(each, columns, truth, form)) is not None]
    guessed = [each for each in kept if each.form == "logits" and form is None and _dense_role(each.stem) is None]
    if len(guessed) < len(kept):  # beside probabilities they are hardly another model's
        kept = [each for each in kept if each not in guessed]
    if not kept and len(columns) > 1:
        names = tuple(columns)
        start = shared_start(names)
        end = "" if start else shared_start([name[::-1] for name in names])[::-1]
        whole = ClassColumns(
            start or end, names, tuple(name[len(start) : len(name) - len(end)] for name in names), "probs"
        )
        kept = [family] if (family := _checked(whole, columns, truth, form)) is not None else []
    return _of_one_role([family for family in kept if family.classes == kept[0].classes])


def _by_number(columns: Columns) -> list[ClassColumns]:
    numbered: dict[str, dict[int, str]] = {}
    for name in columns:
        if match := _NUMBERED.fullmatch(name):
            numbered.setdefault(match[1], {})[int(match[2])] = name
    found = []
    for stem, each in numbered.items():
        places = sorted(each)
        if len(places) > 1 and places[0] in (0, 1) and places == list(range(places[0], places[0] + len(places))):
            found.append(ClassColumns(stem, tuple(each[place] for place in places), tuple(map(str, places)), "probs"))
    return found


def _by_class(columns: Columns, classes: Sequence[str]) -> list[ClassColumns]:
    """Families whose columns' names end, or begin, with the names of all classes."""
    if len(classes) < 2 or all(name.isdigit() for name in classes):
        return []
    found: dict[str, dict[str, str]] = {}
    for name in columns:
        for each in sorted(classes, key=len, reverse=True):
            if (stem := without_class(name, each)) is not None:
                found.setdefault(stem, {}).setdefault(each, name)
                break
    return [
        ClassColumns(stem, tuple(own[each] for each in classes), tuple(classes), "probs")
        for stem, own in found.items()
        if len(own) == len(classes)
    ]


def without_class(name: str, of_class: str) -> str | None:
    """Name of a column without that of a class, which it ends or begins with; None where it does neither."""
    low, wanted = name.lower().rstrip(")]"), of_class.lower()
    if low == wanted:
        return ""
    for start, end in ((low.removesuffix(wanted), True), (low.removeprefix(wanted), False)):
        if start != low and not (start[-1] if end else start[0]).isalnum():
            return (name[: len(start)] if end else name[len(wanted) :]).strip(" _-.:[]()")
    return None


def _checked(
    family: ClassColumns, columns: Columns, truth: NDArray[Any] | None, asked: GivenForm | None
) -> ClassColumns | None:
    """The family with its form; None where its columns are no predictions of classes."""
    if any(columns[name].dtype.kind not in "fiub" for name in family.columns):
        return None
    role = _dense_role(family.stem)
    numbers = family.stacked(columns)
    told = asked if asked in ("probs", "logits", "log_probs") else role
    seen = dense_form(numbers, truth)
    unlike = seen is None or seen in OF_VALUES or (seen == "logits" and not _are_logits(family, numbers, truth))
    if told is None and unlike:
        return None
    return ClassColumns(family.stem, family.columns, family.classes, told or seen or "probs")


def _are_logits(family: ClassColumns, numbers: NDArray[Any], truth: NDArray[Any] | None) -> bool:
    """Whether numbers of any size, which no name calls logits, are some; features and models' values have any size too.

    Every class occurs then, and the highest column is that of the truth more often than by chance.
    """
    values = None if truth is None else class_values(truth)
    if truth is None or values is None or len(family.columns) < 3 or len(values) != len(family.columns):
        return False
    words = (words_of(family.stem), *(words_of(each) for each in family.classes))
    return not any(OF_MODELS & set(each) for each in words) and tells_classes(numbers, truth, family.classes)


def _dense_role(stem: str) -> GivenForm | None:
    """The form that the words of a name tell: `resnet_logits` are logits."""
    words = words_of(stem)
    for size in (3, 2, 1):
        for place in range(len(words) - size + 1):
            role = role_of("_".join(words[place : place + size]))
            if role in ("logits", "log_probs"):
                return role
    return None


def _of_one_role(found: list[ClassColumns]) -> list[ClassColumns]:
    """Where names tell several forms of one model, the first of these alone."""
    roles: dict[Role, ClassColumns] = {role: each for each in found if (role := role_of(each.stem)) in PREDICTIVE}
    if len(roles) < 2 or len(roles) < len(found):
        return found
    return [roles[role] for role in PREDICTIVE if role in roles][:1]


def shared_start(names: Sequence[str]) -> str:
    """What all names begin with, up to the word that differs."""
    letters = itertools.takewhile(lambda each: len(set(each)) == 1, zip(*names, strict=False))
    return re.sub(r"[A-Za-z0-9]+$", "", "".join(each[0] for each in letters))


def model_names(stems: Sequence[str]) -> list[str]:
    """Names of models from those of their columns: without the words that say that it is a prediction."""
    short = []
    for stem in stems:
        name = re.sub(
            r"^(?:p|pred|preds|prob|probs|proba|oof)[_\-:. ]+|[_\-:. ]+(?:pred|preds|prob|probs|proba|oof|logits?)$",
            "",
            stem,
        )
        short.append(name.strip(" _-.:") or stem)
    return short if len(set(short)) == len(short) else list(stems)


def says_prediction(name: str) -> bool:
    """Whether the name of a column says that it is a prediction."""
    return (
        role_of(name) in PREDICTIVE
        or bool(SAYING & set(words_of(half_of(name)[1] or name)))
        or half_of(name)[0] == "val"
    )
