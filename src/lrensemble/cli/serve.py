"""`lrensemble serve`: an exported ensemble answers over HTTP."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, NotRequired

import typer
from typing_extensions import TypedDict

from lrensemble.cli.console import Json, Plugins, TrustCode, import_given, people, print_json
from lrensemble.cli.listening import address_of, listen
from lrensemble.errors import MissingExtraError

PACKAGES = ("prometheus_client", "starlette", "uvicorn")
MEBIBYTE = 2**20

EXAMPLES = (
    "lrensemble serve ensemble",
    "lrensemble serve ensemble.onnx --name digits --port 9000 --strict",
    "lrensemble serve ensemble --host 0.0.0.0 --batch-rows 256 --grace 5",
)


class Tensor(TypedDict):
    """An input or an output of a model, as the open inference protocol describes it."""

    name: str
    datatype: str
    """`UINT8`, `FP32`, `FP64`, `INT64` or `BYTES` (text)."""
    shape: list[int]
    """Length of each axis; -1 for that of the rows."""
    parameters: NotRequired[dict[str, str]]
    """`image_files`: the type as which files of images are taken."""


class Serving(TypedDict):
    """A server that has started."""

    address: str
    """Where it answers: `http://127.0.0.1:8000`."""
    name: str
    """Name of the model in its paths."""
    version: str
    inputs: list[Tensor]
    outputs: list[Tensor]


def output() -> Any:
    """Where the server answers, and what; printed once, when it has started."""
    return Serving


def serve(
    ensemble: Annotated[Path, typer.Argument(help="Folder or ONNX file that `lrensemble export` made.")],
    name: Annotated[
        str | None, typer.Option(help="Name of the model in the paths; that of the folder or file unless given.")
    ] = None,
    host: Annotated[
        str, typer.Option(help="Address to listen at; 0.0.0.0 for every one of the machine.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 for any that is free.")] = 8000,
    batch_rows: Annotated[int, typer.Option(min=1, help="Rows, of several requests, that are predicted at once.")] = 64,
    delay_ms: Annotated[
        float,
        typer.Option(min=0, max=10_000, help="Milliseconds that a request waits for others while none is predicted."),
    ] = 0.0,
    queue: Annotated[
        int, typer.Option(min=1, help="Requests that are read, waiting or predicted at a time; 503 for further ones.")
    ] = 256,
    request_rows: Annotated[int, typer.Option(min=1, help="Rows of one request at most.")] = 1024,
    request_megapixels: Annotated[
        float, typer.Option(min=0.001, help="Millions of pixels of all images of one request at most.")
    ] = 64.0,
    body_mb: Annotated[float, typer.Option(min=0.001, help="MiB of the body of one request at most.")] = 16.0,
    seconds: Annotated[
        float, typer.Option(min=0.01, max=3600, help="Seconds for a head, then its body, then its prediction.")
    ] = 30.0,
    grace: Annotated[
        float,
        typer.Option(
            min=0, max=3600, help="Seconds after SIGTERM in which it says it is not ready, and still answers."
        ),
    ] = 0.0,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse rows far outside of what was trained on; else the answer says so.")
    ] = False,
    plugin: Plugins = None,
    trust_code: TrustCode = False,
    json: Json = False,
) -> int:
    """Answer over HTTP, by the open inference protocol (KServe v2), until SIGTERM or Ctrl-C; metrics for Prometheus."""
    if missing := [each for each in PACKAGES if find_spec(each) is None]:
        raise MissingExtraError(f"serving needs {', '.join(missing)}: pip install 'lrensemble[serve]'")
    from lrensemble.export import serving
    from lrensemble.registry import close_gate

    import_given(plugin)
    if not trust_code:
        close_gate(str(ensemble))
    with people.status("loading"):
        served = serving.Served.load(ensemble, name=name, strict=strict, trust_code=trust_code)
    pixels, size = int(request_megapixels * 10**6), int(body_mb * MEBIBYTE)
    limits = serving.Limits(batch_rows, delay_ms / 1000, queue, request_rows, pixels, size, seconds, grace)

    def started() -> None:
        address, about = address_of(listening), served.metadata()
        if json:
            about = {key: about[key] for key in ("name", "inputs", "outputs")} | {"version": about["versions"][0]}
            print_json({"address": address, **about})
        people.print(f"{served.name} answers at {address}/v2/models/{served.name}; Ctrl-C ends it", soft_wrap=True)

    with listen(host, (port,)) as listening:
        interrupted = serving.serve(served, limits, listening, started)
    if interrupted:
        raise KeyboardInterrupt
    people.print("all that had come is answered")
    return 0
