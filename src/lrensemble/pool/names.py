"""Names of members that tell them apart, where several were given the same."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from lrensemble.pool.member import Member


def with_distinct_names(members: Sequence[Member]) -> list[Member]:
    """The same members; those that share a name have added to it what differs in their recipes, or in what is
    known of those that were trained elsewhere, or else a number.

    An experiment that was edited trains recipes that are named as before: `cosine(peak=0.1), epochs=20`.
    """
    by_name: dict[str, list[Member]] = defaultdict(list)
    for member in members:
        by_name[member.name].append(member)
    names = {member.id: name for same in by_name.values() for member, name in zip(same, _names(same), strict=True)}
    return [member.model_copy(update={"name": names[member.id]}) for member in members]


def _names(same: Sequence[Member]) -> list[str]:
    """Names of members that share theirs."""
    if len(same) == 1:
        return [same[0].name]
    recipes = [_flat(member.recipe or member.facts) for member in same]
    keys = dict.fromkeys(key for recipe in recipes for key in recipe)
    differing = [key for key in keys if any(recipe.get(key) != recipes[0].get(key) for recipe in recipes)]
    names = [
        ", ".join([member.name, *(f"{key.removeprefix('train.')}={recipe[key]}" for key in differing if key in recipe)])
        for member, recipe in zip(same, recipes, strict=True)
    ]
    return distinct_names(names)


def distinct_names(names: Sequence[str]) -> list[str]:
    """The names; those that stand several times are numbered."""
    counts, so_far = Counter(names), Counter[str]()
    found = []
    for name in names:
        so_far[name] += 1
        found.append(name if counts[name] == 1 else f"{name} #{so_far[name]}")
    return found


def _flat(recipe: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Values of a recipe by their path; a name with arguments is one value by its own path and one by each argument."""
    found: dict[str, Any] = {}
    for key, value in recipe.items():
        path = prefix if key == "name" and prefix else f"{prefix}.{key}".lstrip(".")
        found |= _flat(value, path) if isinstance(value, Mapping) else {path: value}
    return found
