"""What was trained: data, models, settings, seeds, rows, machine, versions, dates, and how to get the same again."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from lrensemble.errors import SpecError
from lrensemble.here import PREFIX
from lrensemble.pool import MadeWith, Member, Pool
from lrensemble.report.course import course_of
from lrensemble.report.report_data import ReportData, policy_of
from lrensemble.report.section import Fold, Section
from lrensemble.spec import to_spec
from lrensemble.text.counted import counted

MOST_NAMED = 4
"""Different values that are named; of more, the first ones and how many there are."""

MOST_VALUES = 12
"""Different policies, and values of one of their arguments, that are named."""

SHOWN_SETTINGS: tuple[str, ...] = (
    *("momentum", "weight_decay", "clip_norm", "label_smoothing", "loss", "augment", "ema", "precision", "sampler"),
    *("accumulate", "patience", "learn_within", "keep", "form", "group", "function", "compile"),
)
"""Further settings of training, named where they are not at their defaults."""

PLAIN = {"precision": "float32", "sampler": "shuffle", "accumulate": 1, "keep": "last"}
"""Defaults that are neither none, nor false, nor zero."""

INSTALLED = ("lrensemble", "torch", "numpy")
"""Packages whose versions decide the bits of a network."""


def trained(report: ReportData) -> Section | None:
    """Section with facts on the pool, and what gives the same members again."""
    everybody = report.everybody
    if not everybody:
        return None
    recipes = [member.recipe for member in everybody if member.recipe is not None]
    facts = [*_of_data(report.pool, recipes), *_of_recipes(recipes), *_of_members(everybody), *_of_runs(report)]
    elsewhere = [] if recipes else ["These members were trained elsewhere, or only their predictions are known."]
    again = _again(report)
    folds = [] if again is None else [Fold("How to get the same again", again)]
    return Section("What was trained", elsewhere, facts=[fact for fact in facts if fact[1]], folds=folds)


def _of_data(pool: Pool, recipes: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    yield "data", varied(_in_words(recipe.get("data")) for recipe in recipes) or pool.task.name
    target = pool.task.target
    yield "target", f"{target.width:,} {target.nouns[0 if target.width != 1 else 1]}"
    yield "rows", ", ".join(f"{split.size:,} {name}" for name, split in pool.task.splits.items())
    yield "splits", varied(_split(recipe.get("split")) for recipe in recipes)
    base = pool.task.base
    yield "base model", "" if base is None else base.path


def _of_recipes(recipes: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    settings = [recipe.get("train") or {} for recipe in recipes]
    yield "model", varied(_in_words(recipe.get("model")) for recipe in recipes)
    yield "policies", _policies([recipe.get("policy") for recipe in recipes])
    for key, name in (("epochs", "epochs"), ("batch_size", "batch size"), ("optimizer", "optimizer")):
        yield name, varied(_in_words(each.get(key)) for each in settings)
    for key in SHOWN_SETTINGS:
        values = [each.get(key) for each in settings]
        if any(value and _in_words(value) != str(PLAIN.get(key)) for value in values):
            yield key.replace("_", " "), varied(map(_in_words, values))
    seeds = {each["seed"] for each in settings if "seed" in each}
    yield "seeds", f"{len(seeds)} different" if len(seeds) > MOST_NAMED else ", ".join(map(str, sorted(seeds)))


def _of_members(everybody: Iterable[Member]) -> Iterator[tuple[str, str]]:
    members = list(everybody)
    sizes = [member.parameters for member in members if member.parameters is not None]
    yield "parameters of a member", varied(f"{size:,}" for size in sorted(sizes))
    seconds = [member.seconds for member in members if member.seconds is not None]
    yield "training", f"{duration(sum(seconds))} in all" if len(seconds) == len(members) else ""
    tools = Counter(policy_of(member) for member in members if member.recipe is None)
    yield "trained elsewhere", ", ".join(f"{count} {name}" for name, count in tools.items())


def _of_runs(report: ReportData) -> Iterator[tuple[str, str]]:
    made = [member.made_with for member in report.everybody if member.made_with is not None]
    yield "device", varied(each.device or "" for each in made)
    yield "machine", varied(_machine(each) for each in made)
    yield "execution", varied(each.execution or "" for each in made)
    yield "versions", varied(_versions(each) for each in made)
    course = course_of(report.pool)
    if course.first and course.last:
        yield "trained", f"{course.first} to {course.last} UTC"
    yield "command", course.command or ""


def _again(report: ReportData) -> str | None:
    """Commands and the recipe that give the same again; None where nobody knows how."""
    known = [member for member in report.everybody if member.recipe is not None]
    if not known:
        return None
    first = next((member for member in known if member.id in report.in_team), known[0])
    lines = list[str]()
    made = first.made_with
    if made is not None:
        wanted = " ".join(f"{name}=={made.versions[name]}" for name in INSTALLED if name in made.versions)
        lines += [f"# With Python {made.versions.get('python', '3')}:", f"pip install {wanted}", ""]
    if command := course_of(report.pool).command:
        lines += ["# All members:", command, ""]
    folder = report.pool.folder.name
    lines += ["# One member, compared with this one to the last bit:", f"lrensemble reproduce {folder} {first.id}", ""]
    lines += [f"# All that determines it ({first.name}):", json.dumps(first.recipe, indent=2, ensure_ascii=False)]
    return "\n".join(lines)


def _policies(given: list[Any]) -> str:
    """Policies by name, with the values of their arguments: `cosine (4): peak 0.05, 0.1`."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for policy in given:
        if isinstance(policy, dict) and "name" in policy:
            groups.setdefault(_in_words(policy["name"]).replace(PREFIX, ""), []).append(policy)
    words = []
    for name, own in groups.items():
        keys = dict.fromkeys(key for policy in own for key in policy if key != "name")
        said = "; ".join(f"{key} {varied((_in_words(each.get(key)) for each in own), MOST_VALUES)}" for key in keys)
        words.append(f"{name} ({len(own)}{f': {said}' if said else ''})")
    return varied(words, MOST_VALUES)


def varied(values: Iterable[str], most: int = MOST_NAMED) -> str:
    """Different values in their order, the first ones of many; empty where there is none."""
    found = [value for value in dict.fromkeys(values) if value]
    more = f" and {len(found) - most} more" if len(found) > most else ""
    return ", ".join(found[:most]) + more


def duration(seconds: float) -> str:
    """Seconds in the unit that people would take."""
    if seconds < 120:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _in_words(value: Any) -> str:
    """Value of a recipe: a named thing in its text form, a list by commas."""
    if isinstance(value, dict) and "name" in value:
        try:
            return str(to_spec(value)).replace(PREFIX, "")
        except SpecError:  # of another version: as it is written
            return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list | tuple):
        return ", ".join(map(_in_words, value))
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _split(split: Any) -> str:
    if not isinstance(split, dict):
        return ""
    shares = f"{_in_words(split.get('val'))} val, {_in_words(split.get('test'))} test where the data bring none"
    return f"{shares}, seed {split.get('seed', 0)}"


def _machine(made: MadeWith) -> str:
    cores = None if made.cores is None else f"{made.cores} cores"
    threads = None if made.threads is None else f"{counted(made.threads, 'thread')} used"
    return ", ".join(filter(None, (made.processor, made.machine, cores, threads, made.instructions, made.system)))


def _versions(made: MadeWith) -> str:
    return ", ".join(f"{name} {version}" for name, version in made.versions.items())
