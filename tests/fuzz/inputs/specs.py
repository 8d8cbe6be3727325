"""Names with arguments, of everything that is registered, and text that is none."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

from tests.fuzz.case import Arguments, Case
from tests.fuzz.inputs.values import argument, number, value
from tests.fuzz.material import Material

POOLS = ("collected", "run/pool")
KINDS = ("selectors", "metrics", "consensus", "policies", "models", "datasets", "strategies", "augmentations")


def text(random: Random, place: Path, material: Material) -> Case:
    """Any text reads back as itself, or is refused."""
    material.lay_out(place)
    spec = _of_any(random) if random.random() < 0.6 else _mangled(random, _of_any(random))
    return Case(spec[:80], ("-", "spec", spec.replace("\0", "")))


def policy(random: Random, place: Path, material: Material) -> Case:
    """Policies, and how long their runs are."""
    material.lay_out(place)
    total = random.choice(("1", "2", "3", "7", "100", "1000"))
    return Case(f"over {total} steps", ("-", "policy", _registered(random, "policies"), total))


def model(random: Random, place: Path, material: Material) -> Case:
    """Models of absurd sizes among others."""
    material.lay_out(place)
    return Case("a model", ("-", "model", _registered(random, "models", without=("timm", "checkpoint"))))


def named(random: Random, place: Path, material: Material) -> Case:
    """A name of one kind where another is wanted, or with arguments that it does not have."""
    material.lay_out(place)
    kind = random.choice(_kinds())
    return Case(f"as one of {kind}", ("-", "names", kind, _registered(random, random.choice(_kinds()))))


def select(random: Random, place: Path, material: Material) -> Case:
    """Selectors, metrics and consensus functions that are run."""
    folder = random.choice(POOLS)
    material.lay_out(place, folder.split("/")[0])
    arguments: Arguments = ("select", folder, "-m", _registered(random, "selectors"))
    if random.random() < 0.4:
        arguments += ("--metric", _registered(random, "metrics"))
    if random.random() < 0.4:
        arguments += ("--consensus", _registered(random, "consensus"))
    if random.random() < 0.1:
        arguments += ("--resamples", random.choice(("0", "1", "3", "-1", "1000000000000")))
    return Case(f"on {folder}", arguments, ("out", f"{folder}/selections"), long=True)


def _kinds() -> list[str]:
    from lrensemble.registry import HOMES

    return list(HOMES)


def _registered(random: Random, kind: str, without: tuple[str, ...] = ()) -> str:
    """A name that is registered, its example's arguments, and one or two others in their place."""
    from lrensemble.registry import registry_of

    registry: Any = registry_of(kind)
    name = random.choice([each for each in registry if not any(word in each for word in without)])
    given = {key: str(_text(each)) for key, each in registry.example(name).arguments.items()}
    others = [key for key in registry.arguments(name) if key not in without]
    for _ in range(random.choice((0, 1, 1, 1, 2, 3))):
        key = random.choice(others) if others and random.random() < 0.9 else "name"
        given[key] = value(random) if random.random() < 0.4 else number(random)
    return f"{name}({', '.join(f'{key}={each}' for key, each in given.items())})" if given else name


def _text(argument_value: Any) -> str:
    from lrensemble.spec import Spec

    return str(argument_value) if isinstance(argument_value, Spec) else repr(argument_value)


def _of_any(random: Random) -> str:
    if random.random() < 0.3:
        return _registered(random, random.choice(_kinds()))
    name = random.choice(
        ("f", "mlp", "a.b:c", "timm/x", "wrn-16-4", "é", "1a", "", "f" * 300, "a-b", "_hidden_", "None")
    )
    return f"{name}({', '.join(argument(random) for _ in range(random.randrange(4)))})"


def _mangled(random: Random, spec: str) -> str:
    """With a character more, less or other."""
    place = random.randrange(len(spec) + 1)
    junk = random.choice(
        ("(", ")", "[", "=", ",", "'", '"', "\\", "\n", "#", "é", "\udcff", "*", "**", " ", "lambda", "0")
    )
    return spec[:place] + junk * random.choice((0, 1, 1, 1000)) + spec[place + random.randrange(2) :]
