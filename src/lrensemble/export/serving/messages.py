"""Requests and responses of the open inference protocol, version 2.

Source: KServe, "Open Inference Protocol", REST specification (`inference_rest.md`, `open_inference_rest.yaml`); for
tensors as raw bytes Triton's "Binary Tensor Data Extension".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray
from pydantic import Field, NonNegativeInt
from pydantic_core import from_json, to_json

from lrensemble.config import Record
from lrensemble.config.records import to_record
from lrensemble.errors import ConfigError
from lrensemble.export.serving import tensors
from lrensemble.export.serving.refused import RefusedError

HEADER_LENGTH = "Inference-Header-Content-Length"
"""Header with the size of the JSON where raw bytes follow it."""
EXTENSIONS = ("binary_tensor_data",)

Parameters = dict[str, bool | int | float | str]


class RequestInput(Record):
    """One input of a request."""

    name: str
    shape: list[NonNegativeInt]
    datatype: str
    parameters: Parameters = Field(default_factory=dict)
    data: list[Any] | None = None


class RequestOutput(Record):
    """One output that is asked for."""

    name: str
    parameters: Parameters = Field(default_factory=dict)


class Request(Record):
    """What is asked."""

    id: str | None = None
    parameters: Parameters = Field(default_factory=dict)
    inputs: list[RequestInput]
    outputs: list[RequestOutput] = Field(default_factory=list)


@dataclass(frozen=True)
class Received:
    """A request, and the raw bytes that came behind it."""

    request: Request
    rest: memoryview

    def tensor(self, given: RequestInput) -> NDArray[Any]:
        """Values of one of its inputs, the only one with raw bytes.

        Raises:
            RefusedError: they are not there, or do not fit its shape and type.
        """
        content = self._content(given)
        if isinstance(content, memoryview):
            return tensors.from_bytes(content, given.datatype, given.shape, given.name)
        return tensors.from_json(content, given.datatype, given.shape, given.name)

    def words(self, given: RequestInput) -> list[bytes]:
        """Elements of one of its inputs that is of `BYTES`.

        Raises:
            RefusedError: they are not there, or do not fit its shape.
        """
        content = self._content(given)
        if isinstance(content, memoryview):
            return tensors.words_from_bytes(content, given.shape, given.name)
        return tensors.words_from_json(content, given.shape, given.name)

    def _content(self, given: RequestInput) -> list[Any] | memoryview:
        """Values of JSON, or the raw bytes behind it.

        Raises:
            RefusedError: neither or both of them are there.
        """
        size = given.parameters.get("binary_data_size")
        if (given.data is None) == (size is None):
            raise RefusedError(f"give input {given.name!r} either data or the parameter binary_data_size")
        if given.data is not None:
            if len(self.rest):
                raise RefusedError(f"{len(self.rest):,} bytes follow the JSON, and no input says binary_data_size")
            return given.data
        if size != len(self.rest):
            raise RefusedError(
                f"binary_data_size of input {given.name!r} is {size}, and {len(self.rest):,} bytes follow the JSON"
            )
        return self.rest

    def is_binary(self, name: str) -> bool:
        """Whether an output is wanted as raw bytes."""
        default = self.request.parameters.get("binary_data_output", False)
        own = {each.name: each.parameters for each in self.request.outputs}
        return bool(own.get(name, {}).get("binary_data", default))


def read(body: bytes, header: str | None) -> Received:
    """The request that a body holds.

    Args:
        body: JSON, and raw bytes behind it where there is a header.
        header: value of `HEADER_LENGTH`.

    Raises:
        RefusedError: no JSON, or not of the protocol.
    """
    length = len(body)
    if header is not None:
        if not (header.isascii() and header.isdigit() and len(header) <= 20 and int(header) <= length):
            raise RefusedError(f"{HEADER_LENGTH} is {header[:40]!r}; give the bytes of the JSON, at most {length}")
        length = int(header)
    whole = memoryview(body)
    try:
        content = from_json(bytes(whole[:length]), allow_inf_nan=False)
    except ValueError as error:
        raise RefusedError(f"the body is no JSON (which has no NaN): {error}") from None
    if not isinstance(content, dict):
        raise RefusedError("the body is no JSON object; send one with inputs")
    try:
        return Received(to_record(Request, content, "the request"), whole[length:])
    except ConfigError as error:
        raise RefusedError(str(error)) from None


def written(
    received: Received, outputs: Mapping[str, NDArray[Any]], about: Mapping[str, Any]
) -> tuple[bytes, dict[str, str]]:
    """Body and headers of the response.

    Args:
        received: what was asked.
        outputs: values of the outputs, by name.
        about: what the response says besides.
    """
    described, behind = list[dict[str, Any]](), list[bytes]()
    for name, array in outputs.items():
        tensor: dict[str, Any] = {"name": name, "datatype": tensors.datatype_of(array), "shape": list(array.shape)}
        if received.is_binary(name):
            behind.append(tensors.to_bytes(array))
            tensor["parameters"] = {"binary_data_size": len(behind[-1])}
        else:
            tensor["data"] = array.ravel().tolist()
        described.append(tensor)
    own = {} if received.request.id is None else {"id": received.request.id}
    content = to_json({**about, **own, "outputs": described})
    if not behind:
        return content, {"Content-Type": "application/json"}
    headers = {"Content-Type": "application/octet-stream", HEADER_LENGTH: str(len(content))}
    return b"".join([content, *behind]), headers
