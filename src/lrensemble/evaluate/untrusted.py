"""What of a pool cannot be shown for want of trust, in a line."""

from __future__ import annotations

from typing import Literal

from lrensemble.errors import SpecError, UntrustedError
from lrensemble.pool import Pool
from lrensemble.registry import known_paths_only, registry_of, require_known_paths
from lrensemble.spec import to_spec

PLURALS = {"policy": "policies", "model": "models"}


def untrusted(pool: Pool, part: Literal["policy", "model"], hidden: str) -> str:
    """Which policies or models of a pool's members are not built unasked; empty where all are.

    Args:
        pool: perhaps from elsewhere.
        part: of the members' recipes.
        hidden: what is therefore not shown, for the line.
    """
    registry, source = registry_of(PLURALS[part]), str(pool.folder)
    stopped = dict[str, int]()
    for member in pool.members():
        written = (member.recipe or {}).get(part)
        if not isinstance(written, dict):
            continue
        try:
            spec = to_spec(written)
            require_known_paths(source, spec, trust_code=pool.trust_code)
            with known_paths_only(source, trust_code=pool.trust_code):
                registry.check(spec)
        except UntrustedError:
            stopped[spec.name] = stopped.get(spec.name, 0) + 1
        except SpecError:  # not known here, for another reason
            continue
    if not stopped:
        return ""
    count = sum(stopped.values())
    members = "1 member" if count == 1 else f"{count} members"
    return (
        f"{hidden} of {members} is not shown: the {part} {', '.join(stopped)} is not used unasked; if you trust this "
        "pool, add --trust-code (in Python, trust_code=True)"
    )
