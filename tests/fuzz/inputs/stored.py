"""A finished pool with its result, a collected pool, and an ensemble, damaged in one place."""

from __future__ import annotations

from pathlib import Path
from random import Random

from tests.fuzz.case import Arguments, Case
from tests.fuzz.damage import damage_one
from tests.fuzz.material import Material

POOL, COLLECTED = "run/pool", "collected"

ON_A_POOL: tuple[Arguments, ...] = (
    ("ls", "POOL", "--json"),
    ("ls", "POOL"),
    ("select", "POOL", "--json", "-m", "best"),
    ("select", "POOL", "--json", "-m", "top_k(k=2)", "--metric", "accuracy"),
    ("evaluate", "POOL", "--json"),
    ("evaluate", "POOL"),
)
ON_A_RUN: tuple[Arguments, ...] = (
    *ON_A_POOL,
    ("export", "POOL", "--json", "--out", "out/ensemble"),
    ("export", "POOL", "--json", "--out", "out/ensemble", "--method", "focal(max_size=3)"),
    ("tune", "idx.toml", "--out", "POOL", "--json"),
)
RARE: tuple[Arguments, ...] = (
    ("report", "POOL", "--json", "--out", "out/report.html"),
    ("run", "idx.toml", "--out", "run", "--json"),
    ("export", "POOL", "--json", "--out", "out/cascade", "--variant", "cascade", "--method", "focal(max_size=3)"),
    ("select", "POOL", "--json", "-m", "greedy(size=2)"),
)
WRITES = ("selections", "looks", "result.json", "report.html")
"""What commands write into a pool, and a run beside it."""

TEACHES_NOTHING = ("selections", "looks", "result.json")
"""What may be missing, added to or exchanged without a contradiction: then the command may give something else."""
TEACHING = (
    *("removed", "emptied", "swapped with another", "a folder in its place"),
    *("a stranger in it", "a link in its place", "a file in its place"),
)


def pool(random: Random, place: Path, material: Material) -> Case:
    """A pool that was trained, with its result."""
    material.lay_out(place, "run", "idx", "idx.toml")
    commands = RARE if random.random() < 0.06 else ON_A_RUN
    return _damaged(random, place, material, POOL, random.choice(commands), "run", ("run", "idx", "idx.toml"))


def collected(random: Random, place: Path, material: Material) -> Case:
    """A pool of predictions that were made elsewhere."""
    names = ("collected", "logits.npz")
    material.lay_out(place, *names)
    again: Arguments = ("collect", "logits.npz", "--out", "POOL", "--json")
    command = random.choice((*ON_A_POOL, again))
    return _damaged(random, place, material, COLLECTED, command, COLLECTED, names)


def ensemble(random: Random, place: Path, material: Material) -> Case:
    """An exported ensemble that predicts."""
    names = ("ensemble", "x.npz", "x.png")
    material.lay_out(place, *names)
    command = random.choice((("predict", "ensemble", "x.npz"), ("predict", "ensemble", "x.png", "x.npz", "--json")))
    wanted = material.undisturbed(names, command)
    damaged, how = damage_one(place / "ensemble", random)
    return Case(f"{damaged.relative_to(place)}: {how}", command, wanted=wanted)


def _damaged(
    random: Random, place: Path, material: Material, folder: str, command: Arguments, root: str, names: tuple[str, ...]
) -> Case:
    command = tuple(folder if part == "POOL" else part for part in command)
    damaged, how = damage_one(place / root, random)
    path = damaged.relative_to(place)
    may_differ = how in TEACHING and bool({*path.parts, damaged.name} & {*TEACHES_NOTHING, "pool", "run", "collected"})
    writes = ("out", *(f"{folder}/{name}" for name in WRITES))
    if command[0] in ("run", "tune"):
        writes = (folder, "run/result.json", "run/report.html")
        may_differ = True  # what is gone is trained again
    if command[0] == "collect":
        writes = (folder,)
        may_differ = True
    wanted = None if may_differ else material.undisturbed(names, command)
    unless = "it is not used" if damaged.name == "result.json" else ""
    if damaged.parent.name == "looks":
        unless = "test is not looked at"
    return Case(f"{path}: {how}", command, writes, wanted, unless)
