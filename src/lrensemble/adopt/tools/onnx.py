"""Adopter of ONNX files, whatever wrote them."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from lrensemble.adopt.found import ADOPTERS, Asked, Found
from lrensemble.adopt.paths import content_of, has_suffix
from lrensemble.config import Network
from lrensemble.errors import AdoptError
from lrensemble.spec import Spec


@ADOPTERS.register(takes=has_suffix(".onnx"), where="FILE.onnx", module="onnxruntime")
def onnx(given: Path | str, asked: Asked, *, input: str | None = None, output: str | None = None) -> list[Found]:  # noqa: A002
    """A file of ONNX with one input [sample, …].

    Args:
        given: path of the file.
        asked: what is known of it; `gives` probabilities, or values, unless it says otherwise.
        input: name of its input, where it has several.
        output: name of the output that holds predictions, where that is not clear.

    Raises:
        AdoptError: there is no such file, or a part of it lies in a file that is not there.
    """
    path = Path(given)
    names = {"input": input, "output": output}
    gives = asked.gives or asked.target.estimator_gives
    network = Network(
        model=Spec("onnx", {name: each for name, each in names.items() if each is not None}),
        file="network.onnx",
        gives=gives,
    )
    return [Found(asked.name or path.stem, network, content=_whole(path), facts={"file": path.name})]


def _whole(path: Path) -> bytes:
    """Content of a graph; weights that its exporter left in a file beside it become a part of it.

    Raises:
        AdoptError: it is no graph of ONNX, or that file is not there.
    """
    content = content_of(path)
    try:
        onnx_module = import_module("onnx")
    except ImportError:  # ONNX Runtime alone reads graphs that are whole
        return content
    try:
        model = onnx_module.load_model_from_string(content)
        if not any(map(onnx_module.external_data_helper.uses_external_data, model.graph.initializer)):
            return content
        return bytes(onnx_module.load(str(path)).SerializeToString())
    except Exception as error:  # of protobuf, of onnx, of the file beside it
        reason = " ".join(str(error).split())[:160]
        raise AdoptError(f"{path} is no whole graph of ONNX: {reason}") from None
