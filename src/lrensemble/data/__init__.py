"""Data sets: one file per source, one record for all, and batches that are a pure function of (seed, step)."""

from lrensemble.data import (  # noqa: F401 – importing registers them
    diabetes,
    digits,
    folders,
    hub,
    idx,
    linnerud,
    mnist,
    npz,
    parquet,
    published,
    table,
)
from lrensemble.data.augment import AUGMENTATIONS, Augmenter, Mixing
from lrensemble.data.batches import batch_rows, epoch_order, steps_per_epoch
from lrensemble.data.dataset import Dataset, load, of_recipe
from lrensemble.data.source import SOURCES, Samples

__all__ = [
    "AUGMENTATIONS",
    "SOURCES",
    "Augmenter",
    "Dataset",
    "Mixing",
    "Samples",
    "batch_rows",
    "epoch_order",
    "load",
    "of_recipe",
    "steps_per_epoch",
]
