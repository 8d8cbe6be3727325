"""The lines of the page on clusters, run as they stand but for the folder and the number of processes."""

import json
import os
import re
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
import typer
from tests.cli.toy_experiment import FOUR_RUNS

from lrensemble.cli import app
from lrensemble.pool import Pool

pytestmark = [pytest.mark.long, pytest.mark.skipif(os.name != "posix", reason="a shell of POSIX")]

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "cluster.md"
TOML = (
    FOUR_RUNS
    + """[select]
methods = ["all"]
"""
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An experiment, and a command `lrensemble`, and `srun`, which runs what it is given."""
    labels = np.arange(120) % 3
    inputs = np.random.default_rng(0).normal(size=(120, 5)) + 1.5 * np.eye(3, 5)[labels]
    np.savez(tmp_path / "toy.npz", x=inputs.astype(np.float32), y=labels)
    (tmp_path / "experiment.toml").write_text(TOML)
    (tmp_path / "bin").mkdir()
    for name, line in {"lrensemble": f'exec "{sys.executable}" -m lrensemble "$@"', "srun": 'exec "$@"'}.items():
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{line}\n")
        (tmp_path / "bin" / name).chmod(0o755)
    return tmp_path


def script(holding: str, folder: Path) -> str:
    """The block of the page that holds a text, for the folder of the test."""
    (found,) = (
        str(block)
        for block in re.findall(r"^```bash\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
        if re.search(holding, block)
    )
    return found.replace("/shared/", f"{folder}/")


def environment(folder: Path, **more: str) -> dict[str, str]:
    return os.environ | {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}"} | more


@pytest.mark.parametrize("holding", [r"^seq(?!.*shard)", "shard"])
def test_xargs_fills_a_pool(folder: Path, holding: str) -> None:
    line = script(holding, folder).replace("seq 4", "seq 2").replace("-P 4", "-P 2").replace("{}/4", "{}/2")
    done = subprocess.run(
        ["bash", "-c", line], cwd=folder, env=environment(folder), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert len(Pool.open(folder / "sweep" / "pool").members()) == 4


def test_tasks_of_an_array_end_with_one_result(folder: Path) -> None:
    text = script("SBATCH", folder).replace("--device auto", "--json")
    (folder / "job.sh").write_text(text)
    with ExitStack() as stack:
        tasks = [
            stack.enter_context(
                subprocess.Popen(
                    ["bash", "job.sh"],
                    cwd=folder,
                    env=environment(folder, SLURM_ARRAY_TASK_ID=str(task), SLURM_ARRAY_TASK_COUNT="2"),
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                )
            )
            for task in (1, 2)
        ]
        ended = [task.communicate(timeout=600) for task in tasks]
        assert [task.returncode for task in tasks] == [0, 0], ended
    first, second = (json.loads(out) for out, _ in ended)
    assert first == second
    assert first["looks"] == 1


def test_the_pod_is_a_command_of_ours() -> None:
    text = PAGE.read_text(encoding="utf-8")
    command = re.search(r"command: \[(.*)\]", text)
    assert command is not None
    words = [word.strip() for word in command[1].split(",")]
    assert words[:2] == ["lrensemble", "run"]
    verbs = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    verbs["run"].make_context("run", words[2:]).close()
