"""The line that names the policies and models of a pool that are not built for want of trust."""

from __future__ import annotations

from typing import Literal

from lrensemble.errors import SpecError, UntrustedError
from lrensemble.pool import Pool
from lrensemble.registry import known_paths_only, registry_of, require_known_paths
from lrensemble.spec import to_spec
from lrensemble.text.counted import counted

PLURALS = {"policy": "policies", "model": "models"}


def untrusted(pool: Pool, part: Literal["policy", "model"], hidden: str) -> str:
    """Line that names the policies or models of a pool that are not trusted; empty where all are.

    Args:
        pool: pool, perhaps from elsewhere.
        part: key of the members' recipes.
        hidden: subject of the line: what is not shown.
    """
    source = str(pool.folder)
    stopped = dict[str, int]()
    for member in pool.members():
        written = (member.recipe or {}).get(part)
        if not isinstance(written, dict):
            continue
        try:
            spec = to_spec(written)
            require_known_paths(source, spec, trust_code=pool.trust_code)
            with known_paths_only(source, trust_code=pool.trust_code):
                registry_of(PLURALS[part]).check(spec)  # here: models bring torch, and collected members have none
        except UntrustedError:
            stopped[spec.name] = stopped.get(spec.name, 0) + 1
        except SpecError:  # not known here, for another reason
            continue
    if not stopped:
        return ""
    return (
        f"{hidden} of {counted(sum(stopped.values()), 'member')} is not shown: the {part} {', '.join(stopped)} is not "
        "used unasked; if you trust this pool, add --trust-code (in Python, trust_code=True)"
    )
