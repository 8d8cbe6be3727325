"""Settings of a model that is trained in a second."""

from lrensemble.config.pretraining import Pretraining

SMALL = Pretraining(vocabulary=280, width=32, layers=2, heads=2, context=64, length=24, steps=60, batch_size=4, seed=1)
