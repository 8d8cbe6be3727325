"""What PyTorch Lightning leaves: a callback that keeps every run, and the checkpoints and folders that it writes."""

from lrensemble.adopt.lightning.callback import Keep

__all__ = ["Keep"]
