"""Data sets: one file per source, one record for all, and batches that are a pure function of (seed, step).

What brings torch is imported when it is first used: who reads images or tables needs none.
"""

from typing import TYPE_CHECKING

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
from lrensemble.data.batches import batch_rows, epoch_order, rows_seen, steps_per_epoch
from lrensemble.data.samplers import SAMPLERS
from lrensemble.data.source import SOURCES, Samples
from lrensemble.lazy import lazily

if TYPE_CHECKING:
    from lrensemble.data.augment import AUGMENTATIONS, Augmenter, Mixing
    from lrensemble.data.dataset import Dataset, load, of_recipe
    from lrensemble.data.learnable import Learnable
    from lrensemble.data.learning import check_training, lesson_of, loss_of, sampler_of

__all__ = [
    "AUGMENTATIONS",
    "SAMPLERS",
    "SOURCES",
    "Augmenter",
    "Dataset",
    "Learnable",
    "Mixing",
    "Samples",
    "batch_rows",
    "check_training",
    "epoch_order",
    "lesson_of",
    "load",
    "loss_of",
    "of_recipe",
    "rows_seen",
    "sampler_of",
    "steps_per_epoch",
]

lazily(
    __name__,
    {
        "AUGMENTATIONS": "augment",
        "Augmenter": "augment",
        "Dataset": "dataset",
        "Learnable": "learnable",
        "Mixing": "augment",
        "check_training": "learning",
        "lesson_of": "learning",
        "load": "dataset",
        "loss_of": "learning",
        "of_recipe": "dataset",
        "sampler_of": "learning",
    },
)
