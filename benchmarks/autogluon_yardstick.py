"""Greedy ensemble selection by AutoGluon, in an interpreter of its own that shares nothing but the arrays."""

from __future__ import annotations

import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lrensemble.select import Validation, team_score

PROGRAM = """
import json, sys, time
import numpy as np
from autogluon.core.metrics import accuracy, log_loss, mean_squared_error
from autogluon.core.models.greedy_ensemble.ensemble_selection import EnsembleSelection

predictions, truth = np.load(sys.argv[1]), np.load(sys.argv[2])
metric = {"accuracy": accuracy, "nll": log_loss, "mse": mean_squared_error}[sys.argv[3]]
if sys.argv[3] == "mse":
    predictions, truth = predictions[:, :, 0], truth[:, 0]
selection = EnsembleSelection(int(sys.argv[4]), "regression" if sys.argv[3] == "mse" else "multiclass", metric)
start = time.perf_counter()
selection.fit(list(predictions), truth)
print(json.dumps({"seconds": time.perf_counter() - start, "weights": list(map(float, selection.weights_))}))
"""


@dataclass(frozen=True, eq=False)
class Theirs:
    """What AutoGluon chose."""

    seconds: float
    weights: NDArray[np.float64]
    """[member]"""

    def score_of(self, validation: Validation, metric: str) -> float:
        """The score of the weights by our definition, higher is better."""
        team = np.flatnonzero(self.weights)
        return team_score(validation, team.tolist(), self.weights[team].tolist(), metric=metric)


def greedy_by_autogluon(python: Path, validation: Validation, metric: str, size: int) -> Theirs:
    """Run `EnsembleSelection` on the predictions in float64 that ours are scored in; of values, one output."""
    with tempfile.TemporaryDirectory() as folder:
        probs, labels = Path(folder) / "probs.npy", Path(folder) / "labels.npy"
        np.save(probs, validation.probs)
        np.save(labels, validation.truth)
        command = [str(python), "-c", PROGRAM, str(probs), str(labels), metric, str(size)]
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    answer = json.loads(printed.splitlines()[-1])
    return Theirs(answer["seconds"], np.array(answer["weights"]))
