"""Code that comes through standard input, as a notebook's: nothing of it can be imported by another process."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.conftest import Python

TEN_LINES = """
import lrensemble, numpy as np, torch
class Net(torch.nn.Module):
    def __init__(self, shape, outputs):
        super().__init__()
        self.first, self.last = torch.nn.Linear(*shape, WIDTH), torch.nn.Linear(WIDTH, outputs)
    def forward(self, x):
        return self.last(torch.relu(self.first(x)))
X = np.random.default_rng(0).normal(size=(150, 5)); y = np.where(X[:, 0] > X[:, 1], "left", "right")
pool = lrensemble.tune({"data": (X, y), "model": Net, "policy": [lambda step: 0.1 * 0.99**step, lambda step: 0.05],
    "train": {"epochs": 2, "batch_size": 16}}, "pool")
"""
CHAIN = """
lrensemble.select(pool); lrensemble.report(pool)
print(lrensemble.export(pool, "ensemble.onnx", format="onnx").ensemble.predict(X[:3]))
"""


Stdin = Callable[[str, Path], subprocess.CompletedProcess[str]]


@pytest.fixture
def stdin(python: Python) -> Stdin:
    return lambda code, folder: python("-", given=code, folder=folder)


def test_own_network_data_and_rate_become_a_pool_a_report_and_onnx(tmp_path: Path, stdin: Stdin) -> None:
    for extra in ("plotly", "onnx", "onnxruntime", "onnxscript"):
        pytest.importorskip(extra)
    done = stdin(f"WIDTH = 8\n{TEN_LINES}{CHAIN}", tmp_path)
    assert done.returncode == 0, done.stderr
    assert set(done.stdout.split("'")) & {"left", "right"}
    told = [line for line in done.stderr.splitlines() if "trained in this process" in line]
    assert len(told) == 1
    assert all(name in told[0] for name in ("Net_", "rate_", "data_"))
    assert (tmp_path / "pool" / "report.html").is_file()
    assert (tmp_path / "ensemble.onnx").is_file()


def test_the_same_lines_find_their_members_again_and_edited_ones_do_not(tmp_path: Path, stdin: Stdin) -> None:
    counts = "print(len(pool), sorted(member.id for member in pool))"
    first = stdin(f"WIDTH = 8\n{TEN_LINES}{counts}", tmp_path)
    assert first.returncode == 0, first.stderr
    assert stdin(f"WIDTH = 8\n{TEN_LINES}{counts}", tmp_path).stdout == first.stdout
    assert first.stdout.startswith("2 ")
    wider = stdin(f"WIDTH = 9\n{TEN_LINES}{counts}", tmp_path)
    assert wider.stdout.startswith("4 "), wider.stderr


def test_another_process_is_told_what_is_missing(tmp_path: Path, stdin: Stdin) -> None:
    assert stdin(f"WIDTH = 8\n{TEN_LINES}lrensemble.select(pool, 'all')", tmp_path).returncode == 0
    lost = stdin("import lrensemble; lrensemble.export('pool', 'e', method='all')", tmp_path)
    assert "Net was defined in a notebook, a script or on standard input" in lost.stderr.splitlines()[-1]
    trusted = stdin("import lrensemble; lrensemble.export('pool', 'e', method='all', trust_code=True)", tmp_path)
    assert "Net was defined in a notebook, a script or on standard input" in trusted.stderr.splitlines()[-1]


@pytest.mark.parametrize("how", ["execution='workers'", "device='cpu,cpu'"])
def test_several_processes_are_refused_before_any_training(tmp_path: Path, how: str, stdin: Stdin) -> None:
    code = TEN_LINES.replace('"pool")', f'"pool", {how})')
    done = stdin(f"WIDTH = 8\n{code}", tmp_path)
    assert "put it into a module to train in several processes" in done.stderr.splitlines()[-1]
    assert not (tmp_path / "pool").exists()
