"""The process that serves the pages of pools, until it is asked to end."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from importlib.util import find_spec
from pathlib import Path

from lrensemble.errors import MissingExtraError
from lrensemble.report.live.app import app_of
from lrensemble.report.live.together import Together
from lrensemble.report.live.viewers import Viewers
from lrensemble.report.live.watched import Watched
from lrensemble.report.live.watching import Page

SECONDS_TO_END = 1
"""Seconds in which streams that are being sent may end."""

MOST_CONNECTIONS = 1000
"""Connections at once, above which further ones are refused."""


def serve(
    listening: socket.socket,
    folders: Sequence[Path],
    host: str,
    stop: Callable[[], bool],
    *,
    trust_code: bool = False,
) -> None:
    """Serve the pages of some pools; of several, that which compares them is the first.

    Args:
        listening: where; closed at the end.
        folders: folders of the pools, which may be made later.
        host: address that was asked for.
        stop: asked ten times a second; once it says so, streams are ended and the function returns.
        trust_code: whether to import code that the pools name.

    Raises:
        MissingExtraError: Starlette, uvicorn or plotly is not installed.
    """
    check_installed()
    import uvicorn

    pools = [
        Watched(folder, name, trust_code=trust_code) for folder, name in zip(folders, names_of(folders), strict=True)
    ]
    pages: list[Page] = [Together(pools), *pools] if len(pools) > 1 else [*pools]
    everybody = [Viewers() for _ in pages]

    class Server(uvicorn.Server):
        """Leaves signals to us, and ends the streams, which would never end by themselves."""

        def capture_signals(self) -> nullcontext[None]:  # type: ignore[override]
            return nullcontext()

        async def on_tick(self, counter: int) -> bool:
            return stop() or await super().on_tick(counter)

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            for viewers in everybody:
                viewers.close()
            await super().shutdown(sockets)

    settings = uvicorn.Config(
        app_of(pages, everybody, host),
        log_config=None,
        access_log=False,
        server_header=False,
        ws="none",
        lifespan="on",
        limit_concurrency=MOST_CONNECTIONS,
        timeout_graceful_shutdown=SECONDS_TO_END,
    )
    asyncio.run(Server(settings).serve(sockets=[listening]))


def check_installed() -> None:
    """Refuse to serve where something is missing.

    Raises:
        MissingExtraError: Starlette, uvicorn or plotly is not installed.
    """
    for name in ("starlette", "uvicorn", "plotly"):
        if find_spec(name) is None:
            raise MissingExtraError(f"the dashboard needs {name}; pip install 'lrensemble[dashboard]'")


def names_of(folders: Sequence[Path]) -> list[str]:
    """Names of pools for people: that of the folder, or more of its path where two have the same."""
    parts = [folder.absolute().parts for folder in folders]
    found = ["/".join(own[-2:]) if own[-1] == "pool" and len(own) > 2 else own[-1] for own in parts]
    return found if len(set(found)) == len(found) else [str(folder) for folder in folders]
