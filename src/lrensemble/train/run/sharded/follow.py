"""What a process does that follows: the same as the leader, when it is told to."""

from __future__ import annotations

from lrensemble.config import Recipe
from lrensemble.language.dataset import SequenceDataset
from lrensemble.train.run.sequences import SequenceTrainee
from lrensemble.train.run.sharded.processes import Processes
from lrensemble.train.run.sharded.trainee import sharded


def follow(dataset: SequenceDataset, processes: Processes) -> None:
    """Do what is told until the end is told; nothing is written.

    Args:
        dataset: as the leader has it, on the device of this process.
        processes: of which this one does not lead.
    """
    trainee: SequenceTrainee | None = None
    while (word := processes.hear())["do"] != "end":
        if word["do"] == "begin":
            trainee = None  # first, so that its part of the base is free
            trainee = sharded(Recipe.model_validate(word["recipe"]), dataset, processes)
            continue
        assert trainee is not None
        if word["do"] == "step":
            trainee.step(word["step"], word["rates"], word["momenta"])
        elif word["do"] == "predict":
            trainee.predict(word["split"])
        else:
            trainee.load(processes.take())
