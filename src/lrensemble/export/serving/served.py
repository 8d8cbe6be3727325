"""An ensemble under its name: what it takes and gives, as the protocol describes it, and what it says of a request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import DataError
from lrensemble.export.outside import Outside, warn_or_refuse
from lrensemble.export.predictor import Predictor, is_onnx, predictor_of
from lrensemble.export.raw_inputs import takes_images
from lrensemble.export.serving.asked import DATATYPES, FILES, INPUT, rows_of
from lrensemble.export.serving.limits import Limits
from lrensemble.export.serving.messages import Received, read, written
from lrensemble.export.serving.refused import NOT_FOUND, RefusedError
from lrensemble.numerics import likeliest

VERSION = "1"
"""Version under which it is served."""


@dataclass(frozen=True)
class Question:
    """A request whose inputs were checked."""

    received: Received
    rows: NDArray[Any]
    """Raw inputs [sample, *shape]."""
    outside: Outside
    """Rows far outside of what was trained on."""
    outputs: tuple[str, ...]
    """Names of the outputs that are wanted."""


@dataclass(frozen=True)
class Served:
    """An ensemble that answers requests."""

    name: str
    ensemble: Predictor
    strict: bool = False
    """Whether rows far outside of what was trained on are refused."""

    @classmethod
    def load(cls, place: Path, *, name: str | None = None, strict: bool = False, trust_code: bool = False) -> Self:
        """The ensemble of a bundle, or of an ONNX file.

        Args:
            place: folder of the bundle, or the file.
            name: name to serve it under; that of the folder or the file unless given.
            strict: whether to refuse rows far outside of what was trained on.
            trust_code: as `predictor_of` takes it.

        Raises:
            LREnsembleError: as `predictor_of`.
        """
        by_default = place.stem if is_onnx(place) else place.absolute().name or "ensemble"
        return cls(name or by_default, predictor_of(place, trust_code=trust_code), strict)

    def metadata(self) -> dict[str, Any]:
        """Inputs and outputs, as the protocol describes a model; parameters say where files of images are taken."""
        description = self.ensemble.description
        target, of_values = description.target, description.of_values
        wide = {"datatype": "FP64", "shape": [-1, target.width]}
        if of_values:
            outputs = [{"name": name, **wide} for name in self.outputs]
        else:
            narrow = (("label", "INT64"), ("class_name", "BYTES"))
            outputs = [
                {"name": "probabilities", **wide},
                *({"name": name, "datatype": datatype, "shape": [-1]} for name, datatype in narrow),
            ]
        takes: dict[str, Any] = {"name": INPUT, "datatype": self.datatype, "shape": [-1, *description.inputs.shape]}
        if takes_images(description.inputs):
            takes["parameters"] = {"image_files": FILES}
        return {
            "name": self.name,
            "versions": [VERSION],
            "platform": self.ensemble.platform,
            "inputs": [takes],
            "outputs": outputs,
        }

    @property
    def datatype(self) -> str:
        """Type of its input in the protocol."""
        return DATATYPES[self.ensemble.description.inputs.dtype]

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of its outputs; all are given unless some are asked for."""
        description = self.ensemble.description
        if not description.of_values:
            return ("probabilities", "label", "class_name")
        return description.target.outputs(description.target.width * (2 if description.of_distributions else 1))

    def check_name(self, name: str, version: str | None) -> None:
        """Refuse another model.

        Raises:
            RefusedError: that is not served.
        """
        if name != self.name:
            raise RefusedError(f"no model named {name[:100]!r}; this server has {self.name!r}", NOT_FOUND)
        if version not in (None, VERSION):
            raise RefusedError(f"model {name!r} has no version {version!r:.40}; it has {VERSION!r}", NOT_FOUND)

    def question(self, body: bytes, header: str | None, limits: Limits) -> Question:
        """The request of a body, with its inputs checked.

        Args:
            body: of the request.
            header: value of `messages.HEADER_LENGTH`.
            limits: what a request may have.

        Raises:
            RefusedError: not of the protocol, an output that there is not, or as `rows_of`.
            DataError: rows far outside of what was trained on, where `strict`, or as `rows_of`.
            MissingExtraError: as `rows_of`.
        """
        received = read(body, header)
        request = received.request
        wanted = tuple(dict.fromkeys(each.name for each in request.outputs)) or self.outputs
        if unknown := set(wanted) - set(self.outputs):
            raise RefusedError(f"no output named {min(unknown)[:40]!r}; there are {', '.join(self.outputs)}")
        rows = rows_of(received, self.ensemble.description.inputs, limits)
        outside = self.ensemble.outside(rows)
        if self.strict:
            warn_or_refuse(outside, strict=True)
        return Question(received, rows, outside, wanted)

    def answer(self, question: Question, said: NDArray[np.float64]) -> tuple[bytes, dict[str, str]]:
        """Body and headers of the response to a question.

        Args:
            question: what was asked.
            said: what `predict` gave for its rows.

        Raises:
            DataError: numbers that are not finite, of inputs that are too large, say.
        """
        if not np.isfinite(said).all():
            row = int(np.flatnonzero(~np.isfinite(said).all(axis=1))[0])
            raise DataError(f"the ensemble gives no finite number for row {row}; compare it with the training data")
        values = self._values(said)
        about: dict[str, Any] = {"model_name": self.name, "model_version": VERSION}
        if question.outside.rows.any():
            about["parameters"] = {"outside_rows": int(question.outside.rows.sum()), "warning": str(question.outside)}
        return written(question.received, {name: values[name] for name in question.outputs}, about)

    def _values(self, said: NDArray[np.float64]) -> Mapping[str, NDArray[Any]]:
        target = self.ensemble.description.target
        if self.ensemble.description.of_values:
            return dict(zip(self.outputs, (said[:, : target.width], np.sqrt(said[:, target.width :])), strict=False))
        labels = likeliest(said)
        return {"probabilities": said, "label": labels, "class_name": np.array(target.names)[labels]}
