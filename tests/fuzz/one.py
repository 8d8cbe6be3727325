"""One input: laid out, tried, judged, and kept where it fails."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from tests.fuzz.case import Case
from tests.fuzz.kinds import KINDS, choose, random_of
from tests.fuzz.material import Material
from tests.fuzz.process import GOOD_ENDINGS, Ended, run, written
from tests.fuzz.snapshot import snapshot, touched
from tests.fuzz.verdict import faults, faults_of_next


def preload() -> None:
    """Import all that commands import, so that no child has to."""
    import importlib

    for module in (
        "lrensemble.cli", "lrensemble.pool.collect", "lrensemble.evaluate.tables", "lrensemble.export.formats",
        "lrensemble.export.predictions", "lrensemble.report", "lrensemble.train.sweep.strategies", "lrensemble.models",
        "lrensemble.data", "lrensemble.select", "lrensemble.policies", "tests.fuzz.checks", "plotly.graph_objects",
        "plotly.io", "optuna", "scipy.stats", "scipy.optimize", "PIL.Image", "pyarrow.parquet", "sklearn.datasets",
    ):  # fmt: skip
        importlib.import_module(module)
    import torch

    from lrensemble.cli import program

    program()

    torch.set_num_threads(1)


def try_one(material: Material, keep: Path, seed: int, number: int, only: str | None) -> dict[str, Any]:
    """Try an input; what became of it."""
    place = material.own / "case"
    _removed(place)
    case, kind = _laid_out(material, place, seed, number, only)
    before = snapshot(place)
    ended = run(case.arguments, place, material.own, long=case.long)
    found = faults(case, ended, place, touched(before, snapshot(place), case.writes))
    if ended.status in GOOD_ENDINGS and not found:
        for arguments in case.then:
            found += faults_of_next(arguments, run(arguments, place, material.own))
    _removed(place)
    if found:
        _keep(material, keep / f"{seed}-{number}", seed, number, only, ended, found)
    return {
        "number": number,
        "kind": kind,
        "does": case.does,
        "status": ended.status,
        "faults": found,
        "seconds": ended.seconds,
    }


def _laid_out(material: Material, place: Path, seed: int, number: int, only: str | None) -> tuple[Case, str]:
    random = random_of(seed, number)
    kind = choose(random)
    kind = only or kind
    return KINDS[kind][0](random, place, material), kind


def _keep(
    material: Material, folder: Path, seed: int, number: int, only: str | None, ended: Ended, found: list[str]
) -> None:
    """The input as it was, with what is wrong."""
    _removed(folder)
    case, kind = _laid_out(material, folder, seed, number, only)
    lines = [
        f"kind: {kind}",
        f"does: {case.does}",
        f"command, in this folder: {written(case.arguments)}",
        *(f"fault: {each}" for each in found),
        f"exit status: {ended.status}, after {ended.seconds:.1f} s, {ended.memory / 2**20:.0f} MB",
        "",
        "standard output:",
        ended.stdout[:20_000],
        "standard error:",
        ended.stderr[:20_000],
    ]
    (folder / "failure.txt").write_bytes("\n".join(lines).encode("utf-8", "surrogateescape"))


def _removed(folder: Path) -> None:
    if folder.is_dir():
        shutil.rmtree(folder)
