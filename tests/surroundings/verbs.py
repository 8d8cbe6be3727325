"""Every verb of the command line as it is tried in all surroundings, on a small pool that is made for it."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tests.surroundings.places import Place

EXPERIMENT = """
data = "digits"
model = "mlp(width=4)"
policy = [{ name = "constant", peak = 0.05 }, { name = "cosine", peak = 0.1 }]

[train]
epochs = 1
batch_size = 200
"""

VERBS: dict[str, str] = {
    "run": "run small.toml --out new-run",
    "tune": "tune small.toml --out new-pool",
    "range-test": "range-test small.toml",
    "collect": "collect predictions.npz --out new-collected",
    "select": "select pool --method greedy",
    "evaluate": "evaluate pool",
    "report": "report pool --out page.html",
    "export": "export pool --out ensemble",
    "predict": "predict bundle rows.npy --out predicted.csv",
    "ls": "ls pool",
    "reproduce": "reproduce pool {member}",
    "rm": "rm pool {member}",
}
"""By name, the arguments; `{member}` stands for a member's id."""


@dataclass(frozen=True)
class Outcome:
    """What a verb did in a place."""

    verb: str
    place: str
    status: int
    word: str
    """`done`, `refused`, or what is wrong."""
    last: str
    """The last line on standard error."""

    @property
    def good(self) -> bool:
        """Whether that is right."""
        return self.word in ("done", "refused")


def prepare(folder: Path) -> None:
    """Fill a folder with an experiment, predictions, a pool with a team, and a bundle of it."""
    folder.mkdir(parents=True)
    (folder / "small.toml").write_text(EXPERIMENT, encoding="utf-8")
    generator, arrays = np.random.default_rng(0), dict[str, object]()
    for prefix, rows in (("", 40), ("test_", 30)):
        labels = generator.integers(3, size=rows)
        logits = generator.normal(size=(3, rows, 3))
        logits[:, np.arange(rows), labels] += 1.5
        arrays |= {f"{prefix}logits": logits, f"{prefix}labels": labels}
    np.savez(folder / "predictions.npz", **arrays)  # type: ignore[arg-type]
    np.save(folder / "rows.npy", generator.random((5, 1, 8, 8)).astype(np.float32))
    for arguments in (
        "tune small.toml --out pool",
        "select pool --method greedy",
        "export pool --out bundle",
    ):
        subprocess.run(command_of(arguments), cwd=folder, check=True, capture_output=True)


def command_of(arguments: str) -> list[str]:
    """A command of this library, as this interpreter runs it."""
    return [sys.executable, "-m", "lrensemble", *shlex.split(arguments)]


def attempt(verb: str, place: Place, prepared: Path, folder: Path) -> Outcome:
    """Run a verb in a place, on a copy of what was prepared."""
    shutil.copytree(prepared, folder)
    member = sorted(path.name for path in (folder / "pool" / "members").iterdir() if path.name[0] != ".")[0]
    command = shlex.join(command_of(VERBS[verb].format(member=member)))
    environment = {**os.environ, **{name: value for name, value in place.change.items() if value is not None}}
    for name in (name for name, value in place.change.items() if value is None):
        environment.pop(name, None)
    done = subprocess.run(
        ["sh", "-c", place.wrap(command, folder)],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=300,
        check=False,
    )
    said = done.stderr.decode(errors="replace")
    word = judged(place, done.returncode, said)
    left = [path.name for path in folder.rglob("*.draft")]
    if word in ("done", "refused") and (left or "LEFT " in said):
        word = "left a draft"
    lines = said.strip().splitlines()
    return Outcome(verb, place.name, done.returncode, word, lines[-1] if lines else "")


def judged(place: Place, status: int, said: str) -> str:
    """What to call an outcome."""
    if "Traceback" in said:
        return "traceback"
    if status == 0:
        return "done"
    if not (place.may_refuse or place.silent):
        return f"exit {status}"
    refusals = [line for line in said.splitlines() if line.startswith("lrensemble: ")]
    if place.name != "both closed" and len(refusals) != 1:
        return f"exit {status} without a line"
    return "refused" if status in (1, 2, 74) else f"exit {status}"
