"""What a command imports: a library that takes a second to load is loaded by those commands alone that use it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from lrensemble.config import load_experiment
from lrensemble.train.tune import tune

SLOW = (
    "torch",
    "torch._dynamo",
    "numba",
    "scipy.stats",
    "sklearn",
    "pandas",
    "transformers",
    "optuna",
    "plotly",
    "huggingface_hub",
)

EXPERIMENT = """
[data]
name = "digits"
[model]
name = "mlp"
width = 4
[[policy]]
name = "cosine"
peak = [0.05, 0.2]
[train]
epochs = 1
batch_size = 256
"""

RUN_ALL = """
import contextlib, json, os, sys
import lrensemble
from lrensemble.cli import main

lrensemble.score("nll", [[0.9, 0.1], [0.2, 0.8]], [0, 1])
for line in json.loads(sys.argv[1]):
    sys.argv = ["lrensemble", *line]
    with contextlib.redirect_stdout(sys.stderr), contextlib.suppress(SystemExit):
        main()
    print(json.dumps([name for name in json.loads(os.environ["SLOW"]) if name in sys.modules]))
"""


def test_a_command_imports_what_it_uses(tmp_path: Path) -> None:
    """One process runs them all, those that need least first, after a metric of bare arrays."""
    file = tmp_path / "e.toml"
    file.write_text(EXPERIMENT)
    for _ in tune(load_experiment(file), tmp_path / "out" / "pool"):
        pass
    pool, collected = str(tmp_path / "out" / "pool"), str(tmp_path / "collected")
    said = np.random.default_rng(0).dirichlet(np.ones(3), size=(2, 40))
    np.savez(tmp_path / "said.npz", probs=said, labels=np.arange(40) % 3)
    page = {"numba", "plotly", "optuna"}
    allowed: list[tuple[list[str], set[str]]] = [
        (["--help"], set()),
        (["ls", pool], set()),
        (["ls", "metrics"], set()),
        (["ls", "data"], set()),
        (["collect", str(tmp_path / "said.npz"), "--out", collected, "--holdout", "0.5"], set()),
        (["status", pool], set()),
        (["select", pool, "--method", "greedy"], {"numba"}),
        (["evaluate", pool], {"numba"}),
        (["select", collected, "--method", "all"], {"numba"}),
        (["combine", collected, str(tmp_path / "said.npz"), "--out", str(tmp_path / "combined.csv")], {"numba"}),
        (["report", collected], page),
        (["run", str(file), "--out", str(tmp_path / "out")], {*page, "torch"}),
    ]
    child = subprocess.run(
        [sys.executable, "-c", RUN_ALL, json.dumps([line for line, _ in allowed])],
        env=os.environ | {"SLOW": json.dumps(SLOW)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "2 members" in child.stderr  # of `run`: it had nothing to train, and went to the end
    seen = [set(json.loads(line)) for line in child.stdout.splitlines()]
    surprises = {" ".join(line): found - may for (line, may), found in zip(allowed, seen, strict=True) if found - may}
    assert not surprises
