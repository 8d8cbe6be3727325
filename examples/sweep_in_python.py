"""A sweep, a choice and a verdict from Python, the same that `lrensemble run` does.

python examples/sweep_in_python.py [FOLDER]
"""

import sys
import tempfile
from pathlib import Path

import lrensemble
from lrensemble.train import Ended, Event


def tell(event: Event) -> None:
    """Print how a run ended."""
    if isinstance(event, Ended):
        print(f"{event.run.name}: {event.status}, val accuracy {event.scores.get('accuracy', 0):.4f}")


folder = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp())
experiment = {
    "data": "digits",
    "model": "mlp(width=32)",
    "policy": [{"name": "one_cycle", "peak": [0.05, 0.1, 0.2]}, {"name": "cosine", "peak": [0.05, 0.1]}],
    "train": {"epochs": 3, "batch_size": 64},
}
pool = lrensemble.tune(experiment, folder / "pool", watch=tell)
lrensemble.select(pool, "greedy(size=10)", metric="nll")
print(lrensemble.evaluate(pool).verdict.text)
