"""What predicts arrays of numpy: networks of torch, or an ONNX file, which needs no torch."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from lrensemble.export.description import Description
from lrensemble.export.onnx_file import SUFFIX, OnnxFile
from lrensemble.export.outside import Outside
from lrensemble.metrics.base import Floats

if TYPE_CHECKING:
    from lrensemble.export.disagreement import Disagreement


class Predictor(Protocol):
    """What predicts: an ONNX file, or networks of torch."""

    platform: ClassVar[str]
    """What runs it, in the words of the protocol: `FRAMEWORK_FORMAT`."""

    @property
    def description(self) -> Description:
        """Description of the ensemble."""

    def outside(self, rows: NDArray[Any]) -> Outside:
        """Raw inputs [sample, *shape] that are far outside of what was trained on."""

    def in_blocks(self, rows: NDArray[Any]) -> NDArray[np.float64]:
        """What `Ensemble.forward` gives for raw inputs [sample, *shape]."""

    def with_disagreement(self, rows: NDArray[Any]) -> tuple[Floats, Disagreement]:
        """Probabilities [sample, class] of raw inputs [sample, *shape], and their uncertainty.

        Raises:
            ExportError: it gives nothing of its members.
        """

    def on_threads(self) -> AbstractContextManager[None]:
        """A block in which it predicts on as many threads as pay."""


def is_onnx(place: Path) -> bool:
    """Whether it is an ONNX file, and no folder."""
    return place.is_file() and place.suffix.lower() == SUFFIX


def predictor_of(place: Path, *, trust_code: bool = False) -> Predictor:
    """What predicts, of the folder of a bundle or of an ONNX file.

    Args:
        place: the folder, or the file.
        trust_code: whether to import code that the bundle names; a file of ONNX has none.

    Raises:
        ExportError: neither, a damaged one, or a team of language models.
        UntrustedError: it names code that is not trusted.
        MissingExtraError: the library that runs it is not installed.
        StorageError: a file cannot be read.
    """
    if is_onnx(place):
        return OnnxFile.load(place)
    from lrensemble.export.networks import Networks  # late: it brings torch

    return Networks.load(place, trust_code=trust_code)
