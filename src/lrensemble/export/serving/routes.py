"""The application: paths of the open inference protocol, and metrics."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from importlib import metadata
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic_core import to_json
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from lrensemble.environment import cores
from lrensemble.errors import LREnsembleError
from lrensemble.export.serving.batches import Batches
from lrensemble.export.serving.limits import Limits
from lrensemble.export.serving.messages import EXTENSIONS, HEADER_LENGTH
from lrensemble.export.serving.refused import (
    BAD_REQUEST,
    BUSY,
    OTHER_MEDIA,
    TIMED_OUT,
    TOO_LARGE,
    TOO_SLOW,
    RefusedError,
)
from lrensemble.export.serving.served import Served
from lrensemble.export.serving.telemetry import CONTENT_TYPE, Telemetry

MODEL = "/v2/models/{name}"
OF_FILES = (b"BYTES", b"\\u")
"""What a request with files of images has in it, plain or escaped: a small file can be a large image."""
DROPPED = 8
"""Times the size of a body that is read of one that is too large; whoever sends more finds the connection closed."""
SMALL_BODY = 2**14
"""Bytes of a body that is read at once; to hand a smaller one to a thread takes longer than to read it."""

logger = logging.getLogger(__name__)


class Service:
    """An ensemble behind its paths.

    ```
    GET  /v2                                         the server
    GET  /v2/health/live, /v2/health/ready           200, or 503 where it is not so
    GET  /v2/models/NAME[/versions/1]                inputs and outputs
    GET  /v2/models/NAME[/versions/1]/ready          200 or 503
    POST /v2/models/NAME[/versions/1]/infer          predictions
    GET  /metrics                                    text of Prometheus
    ```
    """

    def __init__(self, served: Served, limits: Limits) -> None:
        """Not ready before the application has started."""
        self.served, self.limits = served, limits
        self.ready = False
        """Whether it wants requests."""
        self._inside = 0
        # No more than there are cores: images become far larger than the bodies that bring them.
        self._readers = ThreadPoolExecutor(cores(), thread_name_prefix="reader")
        self._batches = Batches(self._predict, batch_rows=limits.batch_rows, delay=limits.delay)
        self._telemetry = Telemetry(lambda: len(self._batches), lambda: self._inside)

    def application(self) -> Starlette:
        """The application, for any server of ASGI."""
        models = [f"{MODEL}{version}" for version in ("", "/versions/{version}")]
        return Starlette(
            routes=[
                *(Route(path, self._server) for path in ("/v2", "/v2/")),
                Route("/v2/health/live", self._live),
                Route("/v2/health/ready", self._is_ready),
                *(Route(path, self._model) for path in models),
                *(Route(f"{path}/ready", self._model_ready) for path in models),
                *(Route(f"{path}/infer", self._infer, methods=["POST"]) for path in models),
                Route("/metrics", self._metrics),
            ],
            exception_handlers={HTTPException: _http_error, RefusedError: _refused},
            lifespan=self._running,
        )

    @asynccontextmanager
    async def _running(self, _application: Starlette) -> AsyncIterator[None]:
        task = asyncio.create_task(self._batches.run())
        self.ready = True
        try:
            yield
        finally:
            self.ready = False
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            self._readers.shutdown(wait=False)

    async def _server(self, _request: Request) -> Response:
        return _json({"name": "lrensemble", "version": metadata.version("lrensemble"), "extensions": EXTENSIONS})

    async def _live(self, _request: Request) -> Response:
        return _json({"live": True})

    async def _is_ready(self, _request: Request) -> Response:
        return _json({"ready": self.ready}, 200 if self.ready else BUSY)

    async def _model(self, request: Request) -> Response:
        self._check_name(request)
        return _json(self.served.metadata())

    async def _model_ready(self, request: Request) -> Response:
        self._check_name(request)
        return _json({"name": self.served.name, "ready": self.ready}, 200 if self.ready else BUSY)

    async def _metrics(self, _request: Request) -> Response:
        return Response(self._telemetry.text(), headers={"Content-Type": CONTENT_TYPE})

    def _check_name(self, request: Request) -> None:
        self.served.check_name(request.path_params["name"], request.path_params.get("version"))

    async def _infer(self, request: Request) -> Response:
        """Predictions of one request, counted; what is wrong with it is one line, and what fails here another."""
        began = time.perf_counter()
        try:
            response = await self._answered(request)
        except RefusedError as error:
            response = _json({"error": _line(error)}, error.status, error.headers)
        except LREnsembleError as error:
            response = _json({"error": _line(error)}, BAD_REQUEST)
        except ClientDisconnect:  # nobody reads what we say
            response = Response(status_code=499)
        except Exception as error:
            logger.exception("a prediction failed: %s: %s", type(error).__name__, _line(error))
            response = _json({"error": f"the prediction failed ({type(error).__name__}); see the server's log"}, 500)
        self._telemetry.requests.labels(response.status_code).inc()
        self._telemetry.seconds.observe(time.perf_counter() - began)
        return response

    async def _answered(self, request: Request) -> Response:
        """Predictions of one request.

        Raises:
            LREnsembleError: it is refused.
        """
        if refusal := self._refusal(request):
            if "Expect" not in request.headers:  # else its body comes only when it is asked for
                await self._body(request, keep=False)
            raise refusal
        self._inside += 1
        try:
            body = await self._body(request)
            header = request.headers.get(HEADER_LENGTH)
            given = (body, header, self.limits)
            if len(body) <= SMALL_BODY and not any(word in body for word in OF_FILES):
                question = self.served.question(*given)
            else:
                loop = asyncio.get_running_loop()
                question = await loop.run_in_executor(self._readers, self.served.question, *given)
            said = await self._said(question.rows)
            content, headers = self.served.answer(question, said)
        finally:
            self._inside -= 1
        self._telemetry.rows.inc(len(said))
        self._telemetry.outside.inc(int(question.outside.rows.sum()))
        return Response(content, headers=headers)

    def _refusal(self, request: Request) -> RefusedError | None:
        """Why a request is refused whatever its body holds; None where it is not."""
        try:
            self._check_name(request)
        except RefusedError as error:
            return error
        encoding = request.headers.get("Content-Encoding", "identity")
        if encoding != "identity":
            return RefusedError(f"Content-Encoding is {encoding[:40]!r}; send the body as it is", OTHER_MEDIA)
        if int(request.headers.get("Content-Length", 0)) > self.limits.body_bytes:
            return self._too_large()
        if self._inside >= self.limits.queue:
            said = f"{self._inside:,} requests are being answered, and no more are taken; come again"
            return RefusedError(said, BUSY, {"Retry-After": "1"})
        return None

    def _too_large(self) -> RefusedError:
        said = f"the body has more than {self.limits.body_bytes:,} bytes; send fewer rows at a time"
        return RefusedError(said, TOO_LARGE)

    async def _body(self, request: Request, *, keep: bool = True) -> bytes:
        """The body of a request; of one that is refused it is read and dropped, since most clients send all of it
        before they read an answer.

        Raises:
            RefusedError: too large or too slow.
        """
        most, size, body = self.limits.body_bytes, 0, bytearray()
        try:
            async with asyncio.timeout(self.limits.seconds):
                async for chunk in request.stream():
                    size += len(chunk)
                    if size > DROPPED * most:
                        break
                    if keep and size <= most:
                        body += chunk
        except TimeoutError:
            said = f"the body has not come within {self.limits.seconds:g} seconds; send it faster"
            raise RefusedError(said, TOO_SLOW, {"Connection": "close"}) from None
        if size > most:
            raise self._too_large()
        return bytes(body)

    async def _said(self, rows: NDArray[Any]) -> NDArray[np.float64]:
        """What the ensemble says of rows.

        Raises:
            RefusedError: not within the time that there is.
        """
        try:
            async with asyncio.timeout(self.limits.seconds):
                return await self._batches.said(rows)
        except TimeoutError:
            said = f"not predicted within {self.limits.seconds:g} seconds; come again, or send fewer rows"
            raise RefusedError(said, TIMED_OUT, {"Retry-After": "1"}) from None

    def _predict(self, rows: NDArray[Any]) -> NDArray[np.float64]:
        self._telemetry.batch_rows.observe(len(rows))
        with self._telemetry.batch_seconds.time():
            return self.served.ensemble.in_blocks(rows)


def _json(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(to_json(content), status, {**(headers or {}), "Content-Type": "application/json"})


def _line(error: Exception) -> str:
    return " ".join(str(error).split())


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RefusedError)
    return _json({"error": _line(error)}, error.status, error.headers)


async def _http_error(request: Request, error: Exception) -> Response:
    """No such path, or another method."""
    assert isinstance(error, HTTPException)
    allowed = sorted((error.headers or {}).get("Allow", "").split(", "))
    hint = f"it takes {' and '.join(allowed)}" if any(allowed) else "paths begin with /v2, or are /metrics"
    said = f"{request.method} {request.url.path[:200]}: {error.detail}; {hint}"
    return _json({"error": said}, error.status_code, dict(error.headers or {}))
