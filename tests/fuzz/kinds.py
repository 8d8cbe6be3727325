"""All kinds of inputs, and how often each comes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

from tests.fuzz.case import Case
from tests.fuzz.inputs import arguments, experiments, images, predictions, specs, stored
from tests.fuzz.material import Material

Kind = Callable[[Random, Path, Material], Case]
"""Lays out a folder that is not there yet, and says what to do in it; the same for the same random numbers."""

KINDS: dict[str, tuple[Kind, int]] = {
    "pool": (stored.pool, 22),
    "collected pool": (stored.collected, 8),
    "ensemble": (stored.ensemble, 7),
    "arrays": (predictions.arrays, 9),
    "files of predictions": (predictions.files, 6),
    "entries of an npz": (predictions.entries, 2),
    "data set": (images.damaged, 7),
    "arguments of a source": (images.arguments, 2),
    "pictures": (images.pictures, 3),
    "tables": (images.tables, 2),
    "files to predict": (images.asked, 4),
    "experiment": (experiments.tables, 7),
    "file of an experiment": (experiments.files, 3),
    "text of a spec": (specs.text, 5),
    "policy": (specs.policy, 3),
    "model": (specs.model, 3),
    "name of a kind": (specs.named, 2),
    "selection": (specs.select, 5),
    "arguments of a verb": (arguments.of_a_verb, 10),
}
"""By its name, what makes it, and how many of about a hundred inputs are of it."""


def random_of(seed: int, number: int) -> Random:
    """The random numbers of one input, whatever the others are."""
    return Random(f"{seed} {number}")


def choose(random: Random) -> str:
    """The kind of an input."""
    return random.choices(list(KINDS), [weight for _, weight in KINDS.values()])[0]
