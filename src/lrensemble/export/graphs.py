"""Graphs of ONNX joined by hand: what one gives, another takes.

`onnx.compose.merge_models` refuses graphs of other opsets or versions. Here every name gets a prefix but those by which
graphs meet, and all graphs are brought to the highest opset among them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any

from lrensemble.errors import ExportError

DEFAULT_DOMAINS = ("", "ai.onnx")
"""Names of the domain of ONNX's own operators."""


@dataclass(frozen=True)
class Graph:
    """A graph, and how it is tied to others."""

    name: str
    """Whose graph it is, for messages."""
    content: bytes
    ties: Mapping[str, str]
    """Names in the joined graph, by its own names of inputs and outputs."""


def joined(graphs: Sequence[Graph], inputs: Sequence[str], outputs: Sequence[str]) -> bytes:
    """One graph of several, in the order in which they run.

    Args:
        graphs: a graph takes what those before it give.
        inputs: names of the inputs of the whole; the first graph has them.
        outputs: names of its outputs; the last graph has them.

    Raises:
        ExportError: a graph that is none of ONNX, or that cannot be brought to the opset of the others.
    """
    onnx = import_module("onnx")
    models = [_without_functions(onnx.load_model_from_string(each.content)) for each in graphs]
    highest = max(_opset(model) for model in models)
    models = [_raised(model, each, highest) for model, each in zip(models, graphs, strict=True)]
    for place, (model, each) in enumerate(zip(models, graphs, strict=True)):
        _rename(model.graph, partial(_name, each.ties, f"part.{place}."))
    ends = [each for model in (models[0], models[-1]) for each in (*model.graph.input, *model.graph.output)]
    by_name = {each.name: each for each in ends}
    graph = onnx.helper.make_graph(
        [node for model in models for node in model.graph.node],
        "ensemble",
        [by_name[name] for name in inputs],
        [by_name[name] for name in outputs],
        [each for model in models for each in model.graph.initializer],
        sparse_initializer=[each for model in models for each in model.graph.sparse_initializer],
    )
    versions: dict[str, int] = {}
    for model in models:
        for each in model.opset_import:
            domain = "" if each.domain in DEFAULT_DOMAINS else each.domain
            versions[domain] = max(versions.get(domain, 0), each.version)
    made = onnx.helper.make_model(
        graph,
        opset_imports=[onnx.helper.make_opsetid(*each) for each in versions.items()],
        ir_version=max(model.ir_version for model in models),
        producer_name="lrensemble",
    )
    return bytes(made.SerializeToString())


def _without_functions(model: Any) -> Any:
    """A graph with the bodies of its functions in place of their calls."""
    return import_module("onnx.inliner").inline_local_functions(model) if model.functions else model


def _opset(model: Any) -> int:
    """Version of ONNX's own operators; 1 where it uses none."""
    return max((each.version for each in model.opset_import if each.domain in DEFAULT_DOMAINS), default=1)


def _raised(model: Any, graph: Graph, version: int) -> Any:
    """A graph whose own operators are of a version.

    Raises:
        ExportError: onnx does not know how.
    """
    if _opset(model) == version or not any(each.domain in DEFAULT_DOMAINS for each in model.graph.node):
        return model
    try:
        return import_module("onnx.version_converter").convert_version(model, version)
    except Exception as error:  # onnx raises several kinds
        reason = " ".join(str(error).split())[:200]
        raise ExportError(
            f"{graph.name} is a graph of opset {_opset(model)}, and onnx cannot bring it to {version}: {reason}"
        ) from None


def _name(ties: Mapping[str, str], prefix: str, name: str) -> str:
    """Name in the joined graph."""
    return ties.get(name) or prefix + name


def _rename(graph: Any, name_of: Callable[[str], str]) -> None:
    """Give every value and node of a graph another name, in the graphs of its branches and loops too."""
    for node in graph.node:
        node.name = name_of(node.name) if node.name else ""
        node.input[:] = [name_of(name) if name else "" for name in node.input]
        node.output[:] = [name_of(name) if name else "" for name in node.output]
        for attribute in node.attribute:
            for inner in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
                _rename(inner, name_of)
    for each in (*graph.input, *graph.output, *graph.initializer):
        each.name = name_of(each.name)
    for each in graph.sparse_initializer:
        each.values.name, each.indices.name = name_of(each.values.name), name_of(each.indices.name)
    del graph.value_info[:]  # shapes between: the runtime finds them again, and some converters write wrong ones
    del graph.quantization_annotation[:]
