"""A pool of adapters for tests, trained in seconds on instructions about nothing, chosen from and judged."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from lrensemble.config import Experiment, to_record
from lrensemble.evaluate import choose, evaluate, save, write_result
from lrensemble.pool import Pool
from lrensemble.train import tune

WORDS = ("one", "two", "ten", "red", "old", "new", "far", "cat", "dog", "sun", "rain", "stone", "river", "he", "she")


def write_instructions(folder: Path, count: int = 40) -> Path:
    """A file of instructions whose answers are the last two words of what is asked."""
    draw = np.random.default_rng(3)
    drawn = [draw.choice(WORDS, 4, replace=False).tolist() for _ in range(count)]
    records = [{"instruction": " ".join(words), "output": " ".join(words[2:])} for words in drawn]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "instructions.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    return folder


def experiment(base: Path, data: Path, **changes: Any) -> Experiment:
    content: dict[str, Any] = {
        "data": {
            "name": "instructions",
            "folder": str(data),
            "file": "instructions.jsonl",
            "template": "alpaca(preamble=false)",
            "length": 60,
        },
        "model": {"name": "lora", "base": str(base), "rank": 2},
        "policy": ["constant(peak=0.03)", "cosine(peak=0.1)", "constant(peak=0.3)"],
        "train": {"epochs": 2, "batch_size": 8, "optimizer": "adamw"},
    }
    return to_record(Experiment, content | changes, "test")


def trained(
    folder: Path, made_of: Experiment, methods: tuple[str, ...] = ("greedy", "all"), judge: bool = True
) -> Pool:
    """The pool that an experiment makes, with teams by these methods and a result."""
    list(tune(made_of, folder))
    pool = Pool.open(folder)
    for method in methods:
        save(pool, choose(pool, method))
    if judge:
        write_result(evaluate(pool, [choose(pool, method) for method in methods]), folder / "result.json")
    return pool
