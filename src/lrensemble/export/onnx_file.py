"""An ONNX file of ours, read back: ONNX Runtime predicts, and its metadata say what goes in and comes out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NoReturn, Self

import numpy as np
from numpy.typing import NDArray

from lrensemble.config.records import to_record
from lrensemble.environment import cores
from lrensemble.errors import ConfigError, DataError, ExportError
from lrensemble.export.description import Description
from lrensemble.export.outside import Outside, known_range, outside
from lrensemble.export.threads import needs_threads
from lrensemble.files import storage_errors
from lrensemble.networks.onnx import TYPES, session_of
from lrensemble.text import from_json

SUFFIX = ".onnx"
DESCRIPTION, OPERATIONS = "description", "operations"
"""Keys of the metadata: the record of the ensemble, and floating-point operations for a row."""
BLOCK_ROWS = 1024


def record_of(description: Description, dtype: str | None, *, of_words: bool, operations: int) -> dict[str, str]:
    """Metadata by which the file is read back.

    Args:
        description: of the ensemble.
        dtype: type of the file's inputs, where it is not that of the data.
        of_words: whether inputs are numbers of words, which are no quantities: they have no range.
        operations: floating-point operations for a row.
    """
    seen = None if of_words else known_range(description.inputs)
    inputs = description.inputs.model_copy(update={"seen": seen, "dtype": dtype or description.inputs.dtype})
    parts = tuple(part.model_copy(update={"recipe": None}) for part in description.parts)
    bare = description.model_copy(update={"inputs": inputs, "parts": parts, "origin": None, "figures": {}})
    return {DESCRIPTION: json.dumps(bare.model_dump(mode="json")), OPERATIONS: str(operations)}


@dataclass(frozen=True, eq=False)
class OnnxFile:
    """An ensemble as an ONNX file, for those who predict: a `Predictor`."""

    description: Description
    """Description of the ensemble; its inputs are those of the file."""
    session: Any
    """Session of ONNX Runtime."""
    dtype: np.dtype[Any]
    """Type of the file's input."""
    platform: ClassVar[str] = "onnxruntime_onnx"

    @classmethod
    def load(cls, path: Path) -> Self:
        """The ensemble in a file that `export_onnx` wrote.

        Small networks are run on one thread, whose siblings would wait longer than compute, large ones on all cores.

        Raises:
            ExportError: a graph that ONNX Runtime cannot run, or none of ours.
            MissingExtraError: onnxruntime is not installed.
            StorageError: it cannot be read.
        """
        with storage_errors("read", path):
            content = path.read_bytes()
        try:
            session = session_of(content)
            metadata = session.get_modelmeta().custom_metadata_map
            description = _description(path, metadata)
            dtype = _checked_ends(path, session, description)
            operations = metadata.get(OPERATIONS, "")
            if operations.isdecimal() and needs_threads(int(operations)):
                session = session_of(content, cores())
        except DataError as error:
            raise ExportError(f"{path}: {error}") from None
        return cls(description, session, dtype)

    def outside(self, rows: NDArray[Any]) -> Outside:
        """Raw inputs [sample, *shape] that are far outside of what was trained on."""
        return outside(self.description.inputs, rows)

    def in_blocks(self, rows: NDArray[Any]) -> NDArray[np.float64]:
        """What `Ensemble.forward` gives for raw inputs [sample, *shape], block by block, as precise as the file is.

        Raises:
            DataError: values that the type of its input does not hold.
        """
        given, names = self._in_its_type(rows), _numbers_given(self.description)
        found = list[NDArray[np.float64]]()
        for start in range(0, len(given), BLOCK_ROWS):
            first, *std = self.session.run(names, {"inputs": given[start : start + BLOCK_ROWS]})
            variances = [each.astype(np.float64) ** 2 for each in std]
            found.append(np.concatenate([first.astype(np.float64), *variances], axis=1))
        return np.concatenate(found)

    def _in_its_type(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Raw inputs in the type that the graph takes: whole numbers from 0 to 255, where that is bytes.

        Raises:
            DataError: others.
        """
        with np.errstate(invalid="ignore"):
            given = np.ascontiguousarray(rows, dtype=self.dtype)
        if self.dtype.kind in "iu" and rows.dtype != self.dtype and not np.array_equal(given, rows):
            raise DataError(
                f"the ONNX file takes {self.dtype}, and these inputs are {rows.dtype} with values that it cannot hold; "
                "give whole numbers as in the training data, or predict with the folder of the bundle"
            )
        return given

    def with_disagreement(self, rows: NDArray[Any]) -> NoReturn:  # noqa: ARG002
        """Refuse.

        Raises:
            ExportError: always: a graph gives what the whole team says.
        """
        raise ExportError(
            "an ONNX file gives what the whole team says, and nothing of its members; leave disagreement out, or "
            "predict with the folder of the bundle"
        )

    def on_threads(self) -> AbstractContextManager[None]:
        """A block in which it is run: the session has threads of its own."""
        return nullcontext()


def _numbers_given(description: Description) -> list[str]:
    """Outputs of a graph that say all, each as wide as the target: the label follows from the probabilities."""
    width = description.target.width
    given = description.target.outputs(2 * width if description.of_distributions else width)
    return [name for name in given if name != "label"]


def _description(path: Path, metadata: Mapping[str, str]) -> Description:
    """Description of the ensemble in a file.

    Raises:
        ExportError: there is none, or it is damaged.
    """
    if DESCRIPTION not in metadata:
        raise ExportError(
            f"{path} does not say what goes in: it is no ONNX file of lrensemble export, or of an earlier version; "
            "export it again, or give the folder of a bundle"
        )
    try:
        content = from_json(metadata[DESCRIPTION], nan=True)
        return to_record(Description, content, f"the description in {path}")
    except (ValueError, ConfigError) as error:
        raise ExportError(f"{path} is damaged: {' '.join(str(error).split())[:300]}; export it again") from None


def _checked_ends(path: Path, session: Any, description: Description) -> np.dtype[Any]:
    """Type of the input of a graph that is as it is described.

    Raises:
        ExportError: it takes or gives something else.
    """
    takes, gives = session.get_inputs(), {each.name: list(each.shape) for each in session.get_outputs()}
    shape = [list(each.shape)[1:] for each in takes]
    wide = description.target.width
    sound = [each.name for each in takes] == ["inputs"] and shape == [list(description.inputs.shape)]
    if not sound or any(gives.get(name, [])[1:] != [wide] for name in _numbers_given(description)):
        raise ExportError(f"{path} is damaged: its graph is not of the inputs and outputs described; export it again")
    kind = TYPES.get(takes[0].type)
    if kind is None:
        raise ExportError(f"{path} takes {takes[0].type}; export it again")
    return np.dtype(kind)
