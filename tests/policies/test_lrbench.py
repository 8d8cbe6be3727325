"""LRBench's policies by LRBench's names: its printed values, its formulas, and refusals in its words."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lrensemble.errors import SpecError
from lrensemble.policies import POLICIES, build


def test_all_34_policies_of_lrbench(shared_golden: Path) -> None:
    golden = json.loads((shared_golden / "lrbench_policies.json").read_text())
    assert len({entry["policy"] for entry in golden["single"]}) == 34
    for entry in golden["single"]:
        ours = build({"name": entry["policy"], **entry["params"]}, 200)
        # Read backwards, so that a state would show.
        for step, rate in reversed(list(zip(entry["t"], entry["lr"], strict=True))):
            assert ours(step) == pytest.approx(rate, abs=1e-12, rel=1e-12), (entry["policy"], step)


def test_composed_policies_of_lrbench(shared_golden: Path) -> None:
    for entry in json.loads((shared_golden / "lrbench_policies.json").read_text())["piecewise"]:
        pieces = [{"name": p["lrPolicy"], **{k: v for k, v in p.items() if k != "lrPolicy"}} for p in entry["pieces"]]
        ours = build({"name": "join", "pieces": pieces, "boundaries": entry["boundaries"]}, 100)
        np.testing.assert_allclose([ours(t) for t in entry["t"]], entry["lr"], rtol=1e-12, atol=1e-12)


# Height of each family above k0, as a fraction of k1 - k0, at u = t / l; and what a cycle is that the `2` halves.
HEIGHTS: dict[str, tuple[Callable[[float], float], Callable[[float], float]]] = {
    "TRI": (lambda u: 2 / math.pi * abs(math.asin(math.sin(math.pi * u / 2))), lambda u: u / 2),
    "DTRI": (lambda u: 2 / math.pi * abs(math.asin(math.sin(math.pi * (u + 1) / 2))), lambda u: (u + 1) / 2),
    "SIN": (lambda u: abs(math.sin(math.pi * u / 2)), lambda u: u / 2),
    "DSIN": (lambda u: abs(math.sin(math.pi * (u + 1) / 2)), lambda u: (u + 1) / 2),
    "COS": (lambda u: (1 + math.cos(math.pi * u)) / 2, lambda u: (u + 1) / 2),
    "UPCOS": (lambda u: (1 + math.cos(math.pi * (u + 1))) / 2, lambda u: u / 2),
    "RSW": (lambda u: math.ceil(u) - u, lambda u: u),
    "SINRSW": (lambda u: math.sin(math.pi / 2 * (math.ceil(u) - u)), lambda u: u),
    "COSRSW": (lambda u: (1 - math.cos(math.pi * (math.ceil(u) - u))) / 2, lambda u: u),
}


@pytest.mark.parametrize("name", HEIGHTS)
@pytest.mark.parametrize("length", [1, 7, 10])
def test_cyclic_families_equal_their_formulas(name: str, length: int) -> None:
    height, cycle = HEIGHTS[name]
    bounds = {"k0": 0.02, "k1": 0.5, "l": length}
    plain = build({"name": name, **bounds}, 60)
    halving = build({"name": f"{name}2", **bounds}, 60)
    exponential = build({"name": f"{name}EXP", **bounds, "gamma": 0.9}, 60)
    for step in range(60):
        u = step / length
        assert plain(step) == pytest.approx(0.02 + 0.48 * height(u), abs=1e-12)
        assert halving(step) == pytest.approx(0.02 + 0.48 * height(u) / 2 ** math.floor(cycle(u)), abs=1e-12)
        assert exponential(step) == pytest.approx(0.02 + 0.48 * height(u) * 0.9**step, abs=1e-12)


def test_decays_equal_their_formulas() -> None:
    assert build("SIG(k0=0.4, gamma=-0.5, l=6)", 20)(4) == pytest.approx(0.4 / (1 + math.exp(-1)))
    assert build("SIG(k0=0.4, gamma=0.5, l=6)", 20)(4) == pytest.approx(0.4 / (1 + math.exp(1)))
    assert build("INV(k0=0.4, gamma=0.5, p=2)", 20)(2) == pytest.approx(0.1)
    polynomial = build("POLY(k0=0.1, k1=0.5, p=2, l=4)", 20)
    assert [polynomial(step) for step in (0, 2, 4, 9)] == pytest.approx([0.5, 0.2, 0.1, 0.1])


def test_our_own_names_come_first() -> None:
    names = list(POLICIES)
    theirs = [name for name in names if name.isupper() or name[:-1].isupper()]
    assert len(theirs) == 34
    assert names[-34:] == theirs


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("FIX(k0=-0.1)", "policy 'FIX': k0 = -0.1 is refused: give a positive number"),
        ("STEP(k0=0.1, gamma=1.5, l=5)", "policy 'STEP': gamma = 1.5 is refused: give a factor above 0 and up to 1"),
        ("STEP(k0=0.1, gamma=0.5, l=0)", "policy 'STEP': l = 0 is refused: give steps as an integer from 1"),
        ("NSTEP(k0=0.1, gamma=0.5, l=[60, 30])", r"policy 'NSTEP': l = \[60, 30\] is refused: each must be later"),
        ("EXP(k0=0.1, gamma=0.0)", "policy 'EXP': gamma = 0.0 is refused"),
        ("INV(k0=0.1, gamma=0.1, p=-1)", "policy 'INV': p = -1 is refused: give a positive number"),
        ("POLY(k0=0.5, k1=0.1, p=1, l=10)", "policy 'POLY': k0 = 0.5, k1 = 0.1 is refused: give 0 <= k0 <= k1"),
        ("SIG(k0=0.1, gamma=1e999, l=10)", "SIG.*: gamma = inf is refused; give a finite number"),
        ("TRI(k0=0.5, k1=0.1, l=10)", "policy 'TRI': k0 = 0.5, k1 = 0.1 is refused: give 0 <= k0 <= k1"),
        ("COS2(k0=0.1, k1=1e999, l=10)", "COS2.*: k1 = inf is refused; give a finite number"),
        ("RSW(k0=0.1, k1=0.5, l=0)", "policy 'RSW': l = 0 is refused"),
        ("DSINEXP(k0=0.1, k1=0.5, l=9, gamma=1.1)", "policy 'DSINEXP': gamma = 1.1 is refused"),
        ("TRI(k0=0.1, k1=0.5, l=0.5)", "policy 'TRI': l = 0.5 is refused: input should be a valid integer"),
    ],
)
def test_refusals_speak_of_lrbenchs_names(text: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        build(text, 100)
