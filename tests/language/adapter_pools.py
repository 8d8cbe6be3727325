"""Pools of adapters that were trained in a moment, and questions for them."""

from pathlib import Path
from typing import Any

from tests.language.benchmarks.sets import rows_of, write
from tests.language.models import tiny_base

import lrensemble
from lrensemble.pool import Pool

SETTINGS: dict[str, Any] = {
    "plugins": ["tests.language.toy_texts"],
    "data": "toy-texts",
    "policy": ["constant(peak=0.01)", "constant(peak=0.03)", "cosine(peak=0.1)"],
    "train": {"epochs": 2, "batch_size": 8, "optimizer": "adamw"},
}


def adapter_pool(folder: Path, base: Path, **changes: Any) -> Pool:
    """Three adapters of a tiny base, or what else the changes of the experiment make of them."""
    model = {"name": "lora", "base": str(base), "rank": 3}
    return lrensemble.tune({**SETTINGS, "model": model, **changes}, folder, execution="one-by-one")


def own_base(folder: Path, seed: int = 0) -> Path:
    return tiny_base(folder / "base", seed)


def questions(folder: Path) -> Path:
    """ARC of three or four answers, and WinoGrande of two, whose training rows are validated on."""
    write(folder / "arc_easy.validation.jsonl", rows_of(9, answers=4, uneven=True))
    write(folder / "arc_easy.test.jsonl.gz", rows_of(14, answers=4, uneven=True, first=100))
    gaps = [{**row, "question": f"so _ is {row['id']} then"} for row in rows_of(11, answers=2, first=200)]
    write(folder / "winogrande.train.jsonl", gaps[:5])
    write(folder / "winogrande.validation.jsonl", gaps[5:])
    return folder
