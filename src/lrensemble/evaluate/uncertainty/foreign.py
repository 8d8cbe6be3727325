"""Detection of the rows of a further test set by how unsure predictions are; nobody reads its truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import PoolError
from lrensemble.evaluate.comparison import gain_of
from lrensemble.evaluate.gain import Gain
from lrensemble.evaluate.predictors import Predictor, Voices
from lrensemble.evaluate.streaming import Compute
from lrensemble.evaluate.uncertainty.record import Detection, Foreign
from lrensemble.metrics.base import Floats
from lrensemble.metrics.detection import detection_auroc, entropy, fpr_at_recall, mutual_information
from lrensemble.metrics.significance import paired_scores

BLOCK_ROWS = 4096


def further_sets(tests: Sequence[str], foreign: Sequence[str]) -> list[str]:
    """Test sets beside the first one whose truth counts.

    Args:
        tests: all test sets of a pool, the one of the verdict first.
        foreign: those whose truth does not count, by their full or short names.

    Raises:
        PoolError: one is no further test set.
    """
    full = [name if name in tests else f"test:{name}" for name in foreign]
    for given, name in zip(foreign, full, strict=True):
        if name not in tests[1:]:
            known = ", ".join(each.removeprefix("test:") for each in tests[1:])
            raise PoolError(
                f"{given!r} is no further test set of this pool; "
                + (
                    f"name one of {known}"
                    if known
                    else f"it has none: lrensemble collect FILES --test {given}=FILE --out POOL makes one"
                )
            )
    return [name for name in tests[1:] if name not in full]


class Reader(Protocol):
    """Rows, and what members say of them."""

    @property
    def voices(self) -> Voices:
        """What members say."""

    def __len__(self) -> int:
        """Number of rows."""

    def by_row(self, predictor: Predictor, compute: Compute) -> NDArray[Any]:
        """What is computed of the predictions of each row [sample, …]."""


def foreign(predictors: Mapping[str, Predictor], known: Reader, other: Reader) -> Foreign:
    """How well everybody tells the rows of another test set from those of the first one.

    Every row counts once here: weights are those of a score, and groups of another set are not those of the first.

    Args:
        predictors: `single`, and `team` where there is one.
        known: first test set.
        other: the other one.
    """
    doubts = {who: (measures(each, known), measures(each, other)) for who, each in predictors.items()}
    found = {
        who: {
            name: Detection(
                auroc=detection_auroc(here[name], there[name]), fpr95=fpr_at_recall(here[name], there[name])
            )
            for name in here
        }
        for who, (here, there) in doubts.items()
    }
    return Foreign(
        rows=len(other),
        single=found["single"],
        team=found.get("team", {}),
        gain=_gains(doubts["team"], doubts["single"]) if "team" in doubts else {},
    )


def measures(predictor: Predictor, reader: Reader) -> dict[str, Floats]:
    """Uncertainty of rows [sample] by measure: the entropy of what is said, and of several members their
    disagreement.
    """
    found = {"entropy": reader.by_row(predictor, lambda probs, _: entropy(probs))}
    if len(predictor.members) > 1:
        voices = reader.voices
        found["mutual_information"] = np.concatenate(
            [
                mutual_information(
                    np.stack([voices.seen(name, slice(start, start + BLOCK_ROWS)) for name in predictor.members]),
                    np.asarray(predictor.weights),
                )
                for start in range(0, len(reader), BLOCK_ROWS)
            ]
        )
    return found


def _gains(
    team: tuple[Mapping[str, Floats], Mapping[str, Floats]], single: tuple[Mapping[str, Floats], Mapping[str, Floats]]
) -> dict[str, Gain]:
    """Gain in AUROC over the entropy of the single model, paired on the rows of both sets, by measure."""
    truth = np.repeat([0, 1], [len(each["entropy"]) for each in single])
    reference = _columns(single, "entropy")
    return {
        name: gain_of(paired_scores("roc_auc", _columns(team, name), reference, truth), len(truth)) for name in team[0]
    }


def _columns(doubts: tuple[Mapping[str, Floats], Mapping[str, Floats]], name: str) -> Floats:
    """[sample, 2]: the higher the second column, the more foreign."""
    both = np.concatenate([each[name] for each in doubts])
    return np.stack([-both, both], axis=1)
