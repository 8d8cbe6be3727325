"""Models inside of what a tool left: an artifact of a trial, of a run; a network in its objective."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lrensemble.adopt.found import ADOPTERS, Asked, Found
from lrensemble.errors import AdoptError


def is_model(path: Path | str) -> bool:
    """Whether a file is of a tool that is known, by its name alone where it is not here."""
    return any(ADOPTERS.facts(name).takes(Path(path)) for name in ADOPTERS)


def models_in(given: Any, asked: Asked, kind: str | None = None) -> list[Found]:
    """Models of one object, file or folder.

    Args:
        given: it, or its path.
        asked: what is known of them.
        kind: adopter, where the tool says which; the first that takes it unless given.

    Raises:
        AdoptError: no adopter takes it, or it does not hold a model.
    """
    kind = kind or next((name for name in ADOPTERS if ADOPTERS.facts(name).takes(given)), None)
    if kind is None or kind not in ADOPTERS:
        name = str(given) if isinstance(given, str | Path) else type(given).__name__
        what = f"needs the adopter {kind!r}" if kind else "is of no tool that is known"
        raise AdoptError(f"{name} {what}; known: {', '.join(ADOPTERS)}")
    return list(ADOPTERS.call(kind, given, asked))
