"""A sweep, a choice and a verdict from Python, the same that `lrensemble run` does.

python examples/sweep_in_python.py [FOLDER]
"""

import sys
import tempfile
from pathlib import Path

from lrensemble import Pool, choose, tune
from lrensemble.config import Experiment, to_record
from lrensemble.evaluate import evaluate, load, save
from lrensemble.train import Ended

folder = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp())
experiment = to_record(
    Experiment,
    {
        "data": "digits",
        "model": "mlp(width=32)",
        "policy": [{"name": "one_cycle", "peak": [0.05, 0.1, 0.2]}, {"name": "cosine", "peak": [0.05, 0.1]}],
        "train": {"epochs": 3, "batch_size": 64},
    },
    "examples/sweep_in_python.py",
)
for event in tune(experiment, folder / "pool"):
    if isinstance(event, Ended):
        print(f"{event.run.name}: {event.status}, val accuracy {event.scores.get('accuracy', 0):.4f}")

pool = Pool.open(folder / "pool")
save(pool, choose(pool, "greedy(size=10)", metric="nll"))
print(evaluate(pool, load(pool)).verdict.text)
