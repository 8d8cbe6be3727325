"""Variants with weights of their own are kept in the pool, so that what was made once is not made again.

```
POOL/variants/<variant>-<key>/        the ensemble, as a bundle
POOL/variants/<variant>-<key>.json    what it is, and its figures on `val`
```
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path

from lrensemble.config import Record
from lrensemble.environment import environment
from lrensemble.errors import ExportError
from lrensemble.evaluate import Team
from lrensemble.evaluate.variants.record import FOLDER
from lrensemble.export.bundle import CONFIG
from lrensemble.export.ensemble import Ensemble
from lrensemble.export.variants import Variant
from lrensemble.files import seal, write_whole
from lrensemble.pool import Pool
from lrensemble.pool.sealed import unseal
from lrensemble.spec import Spec


class _About(Record):
    variant: str
    what: str
    figures: dict[str, object]


def place_of_variant(pool: Pool, team: Team, spec: Spec) -> Path:
    """Folder of a variant of a team; another one for every other team, argument and version of this library."""
    version = environment()["lrensemble"]
    key = json.dumps([str(spec), team.team, team.weights, team.consensus, version])
    name = re.sub(r"[^\w.-]", "-", spec.name)[:80]
    return pool.folder / FOLDER / f"{name}-{hashlib.sha256(key.encode()).hexdigest()[:8]}"


def is_kept(folder: Path) -> bool:
    """Whether a variant is kept in a folder, whole."""
    return _about(folder).is_file() and (folder / CONFIG).is_file()


def kept_or_made(pool: Pool, team: Team, spec: Spec, make: Callable[[], Variant]) -> tuple[Variant, Path | None]:
    """A variant that is kept in the pool, or that is made now, and kept where it has weights of its own.

    Returns:
        The variant, and its folder; None of one whose networks are members of the pool.

    Raises:
        ExportError, PoolError: what is kept is damaged.
        StorageError: it cannot be written.
    """
    folder = place_of_variant(pool, team, spec)
    if is_kept(folder):
        about = unseal(_About, _about(folder))
        return Variant(Ensemble.load(folder, trust_code=pool.trust_code), about.figures, about.what), folder
    made = make()
    if {part.id for part in made.ensemble.description.parts} <= set(team.team):
        return made, None
    # Whoever finds the folder finds what it is.
    about = _About(variant=str(spec), what=made.what, figures=made.figures)
    write_whole(_about(folder), seal(about.model_dump(mode="json")))
    try:
        made.ensemble.save(folder)
    except ExportError:
        if not is_kept(folder):  # another process has made the same meanwhile
            raise
    return made, folder


def _about(folder: Path) -> Path:
    return folder.parent / f"{folder.name}.json"
