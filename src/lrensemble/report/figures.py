"""Figures as files: pages that need no network, or SVG, PNG and PDF drawn by a browser that kaleido drives."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

from lrensemble.errors import MissingExtraError, ReportError
from lrensemble.files import make_folder, scratch_folder, write_whole
from lrensemble.report.section import Figure, Section

Format = Literal["svg", "png", "pdf"]
FORMATS: tuple[str, ...] = get_args(Format)

WIDTH, HEIGHT = 900, 480
"""Default size of a figure in pixels."""

SUFFIXES = (".html", *(f".{each}" for each in FORMATS))
"""Endings of the files that one figure is written to."""


def check_format(file_format: str) -> None:
    """Refuse an unknown file format.

    Raises:
        ReportError: an unknown format.
    """
    if file_format not in FORMATS:
        raise ReportError(f"no figures as {file_format!r}; choose from {', '.join(FORMATS)}")


def write_figures(sections: Sequence[Section], folder: Path, file_format: str) -> list[Path]:
    """Write every figure of the sections as `FOLDER/NAME.svg`, `.png` or `.pdf`, when all are drawn.

    Raises:
        ReportError: an unknown format, or a browser that does not draw.
        MissingExtraError: kaleido or a browser is not installed.
        StorageError: the folder cannot be written.
    """
    check_format(file_format)
    figures = [figure for section in sections for figure in section.figures]
    make_folder(folder)
    with scratch_folder() as drafts:
        drawn = [drafts / f"{figure.name}.{file_format}" for figure in figures]
        _draw([_whole(figure) for figure in figures], drawn, file_format)
        contents = [path.read_bytes() for path in drawn]
    paths = [folder / path.name for path in drawn]
    for path, content in zip(paths, contents, strict=True):
        write_whole(path, content)
    return paths


def check_figure(path: Path) -> None:
    """Refuse a file of another kind, before any work.

    Raises:
        ReportError: its suffix is none of `SUFFIXES`.
    """
    if path.suffix not in SUFFIXES:
        raise ReportError(f"no figures as {path.suffix or 'a file without a suffix'!r}; choose {', '.join(SUFFIXES)}")


def write_figure(drawn: Any, path: Path) -> None:
    """Write a figure of plotly, as a page that needs no network or as a picture.

    Raises:
        ReportError: a file of another kind, or a browser that does not draw.
        MissingExtraError: kaleido or a browser is not installed.
        StorageError: it cannot be written.
    """
    check_figure(path)
    if path.suffix == ".html":
        write_whole(path, drawn.to_html(include_plotlyjs=True, full_html=True).encode())
    else:
        _write_picture(drawn.to_dict(), path)


def _write_picture(figure: Mapping[str, Any], path: Path) -> None:
    """Write one figure as a picture, in the format of its suffix.

    Args:
        figure: its data and layout, as plotly has them.
        path: of the picture, `.svg`, `.png` or `.pdf`.

    Raises:
        ReportError: a browser that does not draw.
        MissingExtraError: kaleido or a browser is not installed.
        StorageError: it cannot be written.
    """
    sized = {"data": figure["data"], "layout": {"width": WIDTH, "height": HEIGHT, **figure["layout"]}}
    with scratch_folder() as drafts:
        draft = drafts / f"figure{path.suffix}"
        _draw([sized], [draft], path.suffix.removeprefix("."))
        write_whole(path, draft.read_bytes())


def _whole(figure: Figure) -> dict[str, Any]:
    """Figure with margins and a plain background, which on the page its script adds."""
    layout = {
        "width": WIDTH,
        "height": HEIGHT,
        "margin": {"l": 70, "r": 20, "t": 20, "b": 60},
        "paper_bgcolor": "#fff",
        "plot_bgcolor": "#fff",
        "font": {"family": "sans-serif", "size": 13},
        **figure.layout,
    }
    for key in ("xaxis", "yaxis", "yaxis2", "yaxis3", "xaxis2", "xaxis3"):
        if key in layout:
            layout[key] = {"gridcolor": "#d8dce3", "zerolinecolor": "#d8dce3", "automargin": True, **layout[key]}
            if "title" in layout[key]:  # beyond its labels, however long, and not among them
                layout[key]["title"] = {"standoff": 8, **layout[key]["title"]}
    return {"data": list(figure.traces), "layout": layout}


def _height(figure: Mapping[str, Any]) -> int:
    return int(figure["layout"]["height"])


def _page_options() -> dict[str, Any]:
    """Options of the page that figures are drawn on: the installed plotly.js, and no files from other hosts."""
    import plotly

    script = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
    return {"plotlyjs": script.as_uri(), "mathjax": False}


def _draw(figures: Sequence[dict[str, Any]], paths: Sequence[Path], file_format: str) -> None:
    try:
        import kaleido
        from kaleido.errors import ChromeNotFoundError
    except ImportError:
        raise MissingExtraError("figures as files need kaleido; pip install 'lrensemble[report]'") from None
    logging.getLogger("kaleido").setLevel(logging.ERROR)
    logging.getLogger("choreographer").setLevel(logging.ERROR)
    try:
        # Not by plotly.io, whose pages load MathJax from another host.
        kaleido.write_fig_from_object_sync(
            [
                {
                    "fig": figure,
                    "path": str(path),
                    "opts": {"format": file_format, "width": WIDTH, "height": _height(figure)},
                }
                for figure, path in zip(figures, paths, strict=True)
            ],
            kopts=_page_options(),
        )
    except ChromeNotFoundError:
        raise MissingExtraError(
            "figures as files are drawn by Chromium or Chrome, and none was found; install one, or set BROWSER_PATH"
        ) from None
    except Exception as error:  # whatever a browser that does not start, or that ends, leads to
        raise ReportError(f"the browser did not draw the figures: {' '.join(str(error).split())}") from error
