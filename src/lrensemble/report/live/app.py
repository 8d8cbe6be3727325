"""What browsers ask: the page, plotly.js, and the stream of what changes. Nothing else is read, and nothing written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from lrensemble.report.escape import escape_html
from lrensemble.report.live.viewers import Viewers
from lrensemble.report.live.watching import Page, watch
from lrensemble.report.page import asset, document

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

LOCAL = ("127.0.0.1", "localhost", "::1", "[::1]")
"""Names of this machine for itself."""

HEADERS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "frame-ancestors 'none'",
}
"""Headers of every answer: no other page may frame it or read it."""

SOURCES = " 'self'; connect-src 'self'"
"""What this page asks its own server for, and a page in a file does not: a script, and the stream."""


def app_of(pages: Sequence[Page], everybody: Sequence[Viewers], host: str) -> Starlette:
    """Application of some pages: the first at `/` and `/0`, the others at `/1`, `/2`, …

    Args:
        pages: the pages: of one pool, or the comparison of several and then each of them.
        everybody: viewers of each.
        host: address that is listened at; of one that only this machine reaches, requests by another name are refused,
            so that no page of another host can read it by a name that leads here (DNS rebinding).
    """
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware
    from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, StreamingResponse
    from starlette.routing import Route

    plotly = plotly_file()

    def place_of(request: Request) -> int | None:
        place: int = request.path_params.get("place", 0)
        return place if place < len(pages) else None

    def page(request: Request) -> Response:
        place = place_of(request)
        if place is None:
            return _nothing(PlainTextResponse)
        return HTMLResponse(
            shell([each.name for each in pages], place), headers={**HEADERS, "Cache-Control": "no-store"}
        )

    def script(_: Request) -> Response:
        return FileResponse(plotly, media_type="text/javascript", headers={**HEADERS, "Cache-Control": "max-age=86400"})

    async def events(request: Request) -> Response:
        place = place_of(request)
        if place is None:
            return _nothing(PlainTextResponse)
        told = (
            _none() if request.method == "HEAD" else everybody[place].messages(request.headers.get("last-event-id", ""))
        )
        return StreamingResponse(told, media_type="text/event-stream", headers={**HEADERS, "Cache-Control": "no-store"})

    @asynccontextmanager
    async def life(_: Starlette) -> AsyncIterator[None]:
        for watched, viewers in zip(pages, everybody, strict=True):
            watch(watched, viewers, asyncio.get_running_loop())
        yield

    routes = [
        Route("/", page),
        Route("/{place:int}", page),
        Route("/events/{place:int}", events),
        Route("/plotly.js", script),
    ]
    allowed = list(LOCAL) if host in LOCAL else ["*"]
    middleware = [Middleware(TrustedHostMiddleware, allowed_hosts=allowed, www_redirect=False)]
    return Starlette(routes=routes, middleware=middleware, lifespan=life)


def _nothing(kind: type[Response]) -> Response:
    return kind("There is no such page.\n", status_code=404, headers=dict(HEADERS))


async def _none() -> AsyncIterator[bytes]:
    return
    yield b""


def plotly_file() -> Path:
    """File of plotly.js."""
    import plotly

    return Path(plotly.__file__).parent / "package_data" / "plotly.min.js"


@cache
def _script() -> str:
    return asset("page.js") + asset("live.js")


def shell(names: Sequence[str], place: int) -> str:
    """A page without its content, which comes through the stream.

    Args:
        names: names of all pages.
        place: which of them it is of.
    """
    links = "".join(
        f'<a href="/{number}"{" aria-current=page" if number == place else ""}>{escape_html(name)}</a>'
        for number, name in enumerate(names)
    )
    others = f'<p class="pools">Pages: {links}</p>' if len(names) > 1 else ""
    body = (
        f'{others}<p class="live" role="status" data-stream="/events/{place}">Connecting …</p>'
        "<noscript><p>This page needs JavaScript.</p></noscript>"
    )
    return document(names[place], body, '<script src="/plotly.js"></script>', _script(), SOURCES)
