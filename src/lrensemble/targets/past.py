"""Records of the first format, which knew classes alone."""

from __future__ import annotations

from typing import Any


def with_target(content: Any) -> Any:
    """Content of a record with its target, where the first format had names of `classes`; any other as it is."""
    if not isinstance(content, dict) or "classes" not in content or "target" in content:
        return content
    rest = {key: value for key, value in content.items() if key != "classes"}
    return rest | {"target": {"kind": "classes", "names": content["classes"]}}
