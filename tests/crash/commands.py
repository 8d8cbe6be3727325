"""The commands that meet faults: each with what it needs, made from a handful of rows in tenths of a second."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

TOY = """
[data]
name = "npz"
file = "toy.npz"
[model]
name = "mlp"
width = 4
[[policy]]
name = "constant"
peak = [0.05, 0.2]
[train]
epochs = 2
batch_size = 32
[select]
methods = ["all", "greedy(size=2, bootstrap=0)"]
"""
CHAINS = TOY + '[sweep]\nstrategy = "snapshots(cycles=2)"\n'
SEARCH = (
    TOY + '[sweep]\nstrategy = "optuna(trials=2)"\n[sweep.space]\ntrain.weight_decay = "uniform(low=0.0, high=0.1)"\n'
)
IMAGES = TOY.replace('name = "npz"\nfile = "toy.npz"', 'name = "image-folder"\nfolder = "images"').replace("32", "12")
PEAKS = (
    TOY.replace("peak = [0.05, 0.2]\n", "")
    + '[sweep.space]\npolicy.peak = "range_test(count=2, low=1e-3, high=100.0, steps=60)"\n'
)

Prepare = Callable[[Path], None]


@dataclass(frozen=True)
class Command:
    """A command line, and what must be there before it."""

    arguments: tuple[str, ...]
    prepare: Prepare
    """Makes the files that it reads."""
    before: tuple[tuple[str, ...], ...] = ()
    """Commands that are run first, undisturbed."""
    again: tuple[str, ...] = ()
    """What it may say, with exit status 2, where it is run again after it was done."""
    several: bool = False
    """Whether several processes do its work, so that their calls come in any order."""


def rows(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Three overlapping clouds of points, inputs [sample, 5] and labels [sample]."""
    labels = np.arange(count) % 3
    inputs = np.random.default_rng(0).normal(size=(count, 5)) + 1.5 * np.eye(3, 5)[labels]
    return inputs.astype(np.float32), labels


def toy(folder: Path) -> None:
    """A data set in a file, and experiments over it."""
    inputs, labels = rows(120)
    np.savez(folder / "toy.npz", x=inputs, y=labels)
    for name, text in {"toy": TOY, "chains": CHAINS, "search": SEARCH, "peaks": PEAKS}.items():
        (folder / f"{name}.toml").write_text(text)


def images(folder: Path) -> None:
    """A data set of image files, which are decoded into a cache."""
    generator = np.random.default_rng(0)
    for label, name in enumerate("ab"):
        (folder / "images" / name).mkdir(parents=True)
        for index in range(20):
            pixels = generator.integers(100 * label, 100 * label + 156, (3, 3, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / "images" / name / f"{index}.png")
    (folder / "images.toml").write_text(IMAGES)


def predictions(folder: Path) -> None:
    """Predictions of two members, made elsewhere."""
    generator = np.random.default_rng(0)
    labels = np.arange(60) % 3
    for name in ("first", "second"):
        logits = generator.normal(size=(1, 60, 3)) + np.eye(3)[labels]
        np.savez(folder / f"{name}.npz", logits=logits, labels=labels)


RUN = ("run", "toy.toml", "--out", "out", "--save-steps", "2")
POOL = "out/pool"
TRAINED = ("tune", "toy.toml", "--out", POOL, "--execution", "one-by-one")
CHOSEN = ("select", POOL, "-m", "all", "-m", "best")
JUDGED = ("evaluate", POOL)
SHIPPED = ("export", POOL, "--method", "all")
THERE = ("is there already",)

COMMANDS = {
    "run one by one": Command((*RUN, "--execution", "one-by-one"), toy),
    "run fused": Command((*RUN, "--execution", "fused"), toy),
    "run workers": Command((*RUN, "--execution", "workers"), toy, several=True),
    "run chains": Command(("run", "chains.toml", *RUN[2:], "--execution", "one-by-one"), toy),
    "run optuna": Command(("run", "search.toml", *RUN[2:]), toy),
    "run peaks": Command(("run", "peaks.toml", *RUN[2:], "--execution", "one-by-one"), toy),
    "run images": Command(("run", "images.toml", *RUN[2:], "--execution", "one-by-one"), images),
    "select": Command(CHOSEN, toy, (TRAINED,)),
    "select every team": Command((*CHOSEN, "--every-team", "teams.npz"), toy, (TRAINED,)),
    "evaluate": Command(JUDGED, toy, (TRAINED, CHOSEN)),
    "report": Command(("report", POOL), toy, (TRAINED, CHOSEN, JUDGED)),
    "export bundle": Command((*SHIPPED, "--out", "bundle"), toy, (TRAINED, CHOSEN), THERE),
    "export torch": Command((*SHIPPED, "--format", "torch", "--out", "team.pt2"), toy, (TRAINED, CHOSEN), THERE),
    "export onnx": Command((*SHIPPED, "--format", "onnx", "--out", "team.onnx"), toy, (TRAINED, CHOSEN), THERE),
    "rm": Command(("rm", POOL, "constant(peak=0.05)"), toy, (TRAINED, CHOSEN), ("has no member",)),
    "collect": Command(("collect", "first.npz", "second.npz", "--out", "pool", "--holdout", "0.4"), predictions),
    "predict": Command(
        ("predict", "bundle", "toy.npz", "--out", "said.csv"), toy, (TRAINED, CHOSEN, (*SHIPPED, "--out", "bundle"))
    ),
}
