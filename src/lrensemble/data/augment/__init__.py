"""Augmentation of whole batches on their device: what is drawn is a pure function of (seed, step)."""

from lrensemble.data.augment import cover, crop, flip, mix  # noqa: F401 – importing registers them
from lrensemble.data.augment.augmenter import Augmenter, join, move
from lrensemble.data.augment.base import AUGMENTATIONS, Draws, Mixing

__all__ = ["AUGMENTATIONS", "Augmenter", "Draws", "Mixing", "join", "move"]
