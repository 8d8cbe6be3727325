"""What an ensemble says of itself in a file that runs without this library: texts by key, most of them JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from lrensemble.config import Inputs
from lrensemble.data.decode import MODES
from lrensemble.export.description import Description, Part
from lrensemble.export.outside import known_range


def metadata_of(description: Description, dtype: str | None = None) -> dict[str, str]:
    """Names of classes, inputs, members with their recipes, version, pool and scores, by key.

    Args:
        description: of the ensemble.
        dtype: type of the file's inputs, where it is not that of the data.
    """
    return {key: each if isinstance(each, str) else json.dumps(each) for key, each in facts_of(description, dtype)}


def facts_of(description: Description, dtype: str | None = None) -> list[tuple[str, Any]]:
    """The same, ready for JSON, in the order in which people read it; what is not known is left out."""
    origin = description.origin
    facts = {
        "task": description.task,
        "variant": description.variant,
        "method": description.method,
        "consensus": str(description.consensus),
        "outputs" if description.of_values else "classes": list(description.target.names),
        "inputs": inputs_of(description.inputs, dtype),
        "members": [_member(part, weight) for part, weight in zip(description.parts, description.weights, strict=True)],
        "figures": description.figures or None,
        "version": None if origin is None else origin.version,
        "pool": None if origin is None else origin.digest,
        "origin": None if origin is None else origin.model_dump(mode="json", exclude={"version", "digest"}),
    }
    return [(key, each) for key, each in facts.items() if each is not None and each != ""]


def inputs_of(inputs: Inputs, dtype: str | None = None) -> dict[str, Any]:
    """What goes in: shape, type, range, and what is to be done with images before, which no graph does exactly."""
    found: dict[str, Any] = {"shape": ["rows", *inputs.shape], "dtype": dtype or inputs.dtype}
    if (seen := known_range(inputs)) is not None:
        found["range"] = [min(seen.low), max(seen.high)]
    if len(inputs.shape) == 3:
        found["axes"] = ["row", "channel", "height", "width"]
        if inputs.shape[0] in MODES and inputs.dtype == "uint8":
            found["mode"] = MODES[inputs.shape[0]]
            found["images"] = preparation(inputs)
    if inputs.features is not None:
        found["features"] = list(inputs.features)
    found["normalisation"] = "done inside"
    return found


def preparation(inputs: Inputs) -> str:
    """What is done with an image of a file before it goes in, in words."""
    channels, height, width = inputs.shape
    if inputs.image_size is None:
        size = f"taken as they are, at {width}x{height} pixels"
    else:
        size = f"the shorter side scaled to {inputs.image_size} (bicubic with antialiasing, Pillow), the middle cut out"
    return f"turned as EXIF says; {size}; converted to {MODES[channels]}"


def with_metadata(content: bytes, metadata: Mapping[str, str]) -> bytes:
    """A graph of ONNX that carries metadata in its `metadata_props`."""
    onnx = import_module("onnx")
    model = onnx.load_model_from_string(content)
    onnx.helper.set_model_props(model, dict(metadata))
    return bytes(model.SerializeToString())


def _member(part: Part, weight: float) -> dict[str, Any]:
    known = {"id": part.id, "name": part.name, "weight": weight, "model": str(part.model), "recipe": part.recipe}
    return {key: each for key, each in known.items() if each is not None}
