"""An ensemble behind HTTP: the open inference protocol (KServe v2, REST), with its requests put together into batches.

`limits` is what is allowed, `refused` the answer to what is not; `tensors` reads and writes tensors of the protocol,
`messages` its requests and responses; `served` is the ensemble under its name, `batches` runs it on the rows of many
requests at once, `telemetry` counts; `routes` is the application, and `server` runs it until it is told to stop.

The protocol has two kept implementations, and neither fits beside this library. MLServer 1.7 wants fastapi below 0.116
and protobuf below 7, and has no release for Python 3.13; KServe's own server 0.21 wants protobuf below 7 and psutil
below 6, and brings the client of Kubernetes. So the protocol is spoken here, on Starlette and uvicorn, and checked
against the client of Triton.
"""

from lrensemble.export.serving.limits import Limits
from lrensemble.export.serving.served import Served
from lrensemble.export.serving.server import serve

__all__ = ["Limits", "Served", "serve"]
