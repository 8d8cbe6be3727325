"""Two source trees train the same sweeps: are all members equal to the last bit, and how long does a step take in each?

    git worktree add ../before COMMIT
    python -m benchmarks.bit_equality ../before/src src

Every sweep is trained by both trees; some are killed on the way and gone on with, also by the other tree. Compared are
the predictions, weights and history of every member, and how it ended.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.measure import show

POLICIES = ["constant(peak=0.01)", "one_cycle(peak=0.05)", "cosine(peak=0.02)"]
EPOCH_STEPS = 8
KILL_STEP = 11
"""In the second epoch; what was saved lies a step before."""

HALVING = "pruner=successive_halving(min_resource=1, reduction_factor=2)"
SEEDS = {"space": {"train.seed": [3, 4]}}
MIXED = {"augment": ["flip", "mixup"], "clip_norm": 0.5, "label_smoothing": 0.1}

Case = dict[str, Any]


def case(name: str, execution: str = "one-by-one", *, killed: bool = False, **changes: Any) -> Case:
    """A sweep over digits, and how it is trained."""
    train = {"epochs": 2, "batch_size": 100, "optimizer": "adamw"} | changes.pop("train", {})
    base = {"data": "digits", "split": {"val": 0.2, "test": 0.35}, "policy": POLICIES}
    return {"name": name, "execution": execution, "killed": killed, "sweep": base | changes | {"train": train}}


CASES = [
    *(
        case(f"{model}, {execution}", execution, model=model)
        for model in ("mlp(width=7)", "cnn(width=3)", "resnet-20")
        for execution in ("one-by-one", "fused", "workers")
    ),
    case("dropout", model="mlp(width=7, dropout=0.2)"),
    case("ema, mixup, clip", model="cnn(width=3)", train=MIXED | {"ema": 0.9}),
    case("accumulate, cutmix", model="cnn(width=3)", train={"accumulate": 3, "augment": ["cutmix"]}),
    case("float16", model="mlp(width=7)", train={"precision": "float16"}),
    case("mixup, clip, seeds", "fused", model="cnn(width=3)", train=MIXED | {"optimizer": "sgd"}, sweep=SEEDS),
    *(
        case(f"diverged, {execution}", execution, model="mlp(width=7)", policy=["constant(peak=1e30)", *POLICIES])
        for execution in ("one-by-one", "fused")
    ),
    case("snapshots", model="cnn(width=3)", train={"epochs": 4}, sweep={"strategy": "snapshots(cycles=2)"}),
    case(
        "optuna, pruned",
        model="mlp(width=7)",
        policy=["constant", "cosine"],
        train={"epochs": 4},
        sweep={"strategy": f"optuna(trials=5, {HALVING})", "space": {"policy.peak": "log_uniform(low=1e-5, high=0.1)"}},
    ),
    *(case(f"{model}, killed", killed=True, model=model) for model in ("mlp(width=7, dropout=0.2)", "resnet-20")),
    case("cnn, ema, killed", killed=True, model="cnn(width=3)", train={"ema": 0.9, "optimizer": "sgd"}),
    *(case(f"{model}, fused, killed", "fused", killed=True, model=model) for model in ("mlp(width=7)", "resnet-20")),
    case(
        "snapshots, killed",
        killed=True,
        model="cnn(width=3)",
        train={"epochs": 4},
        sweep={"strategy": "snapshots(cycles=2)"},
    ),
]

TIMED = [
    case("mlp, one-by-one", model="mlp(width=64)", policy=POLICIES[:1], train={"epochs": 60}),
    case("cnn, one-by-one", model="cnn(width=4)", policy=POLICIES[:1], train={"epochs": 20}),
    case("resnet-20, one-by-one", model="resnet-20", policy=POLICIES[:1], train={"epochs": 1}),
    case("mlp, fused", "fused", model="mlp(width=64)", train={"epochs": 40}),
    case("cnn, fused", "fused", model="cnn(width=4)", train={"epochs": 10}),
]

WORKER = """
import json, os, signal, sys, tempfile, time
from pathlib import Path
import torch
from lrensemble.config import Experiment, to_record
from lrensemble.train import Step, tune

def train(case, folder, kill=None):
    torch.set_num_threads(1)
    experiment = to_record(Experiment, case["sweep"], "benchmark")
    begun = last = time.process_time()
    steps = 0
    for event in tune(experiment, Path(folder), execution=case["execution"], save_steps=2 if case["killed"] else None):
        if isinstance(event, Step):
            begun = begun if steps else time.process_time()
            steps, last = steps + 1, time.process_time()
            if event.step == kill:
                os.kill(os.getpid(), signal.SIGKILL)
    return (last - begun) / max(1, steps - 1)

if __name__ == "__main__":
    for line in sys.stdin:
        case, folder, kill = json.loads(line)
        with tempfile.TemporaryDirectory() as empty:
            print(json.dumps(train(case, folder or empty, kill)), flush=True)
"""


class Tree:
    """A process that trains by the code of a source tree."""

    def __init__(self, source: Path, home: Path) -> None:
        self._command = [sys.executable, str(home / "worker.py")]
        self._environment = os.environ | {"PYTHONPATH": str(source.resolve()), "OMP_NUM_THREADS": "1"}
        self._start()

    def _start(self) -> None:
        self._process = subprocess.Popen(
            self._command, env=self._environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def train(self, case: Case, folder: Path | None, kill: int | None = None) -> float:
        """Train a sweep; CPU seconds of a step, or NaN where it was killed at that step."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([case, str(folder or ""), kill]) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if answer:
            return float(answer)
        if self._process.wait() != -signal.SIGKILL or kill is None:
            raise SystemExit(f"{case['name']}: the process ended with status {self._process.returncode}")
        self._start()
        return float("nan")

    def renew(self) -> None:
        """Go on in a new process: how its memory happens to lie is a tenth of a step of a small network."""
        self.end()
        self._start()

    def end(self) -> None:
        """Let the process end."""
        self._process.communicate()


def content(pool: Path) -> dict[str, bytes]:
    """What must be equal between two pools."""
    found = {}
    for folder in (pool / "members").iterdir():
        for path in folder.iterdir():
            found[f"{folder.name}/{path.name}"] = path.read_bytes()
        record = json.loads(found.pop(f"{folder.name}/member.json"))
        kept = {key: record[key] for key in ("status", "scores", "samples", "steps", "order", "name")}
        found[f"{folder.name}/record"] = json.dumps(kept).encode()
    return found


def compare(case: Case, before: Tree, after: Tree, home: Path) -> tuple[str, ...]:
    """One row: members and files of a case, and which files differ."""
    pools = {"before": [before], "after": [after]}
    if case["killed"]:
        pools |= {"before, killed": [before, before], "after, killed": [after, after], "across": [before, after]}
    contents = {}
    for name, trees in pools.items():
        folder = home / case["name"] / name
        for tree in trees[:-1]:
            tree.train(case, folder, KILL_STEP)
            if not list(folder.glob("unfinished/*/*/state.safetensors")):
                raise SystemExit(f"{case['name']}, {name}: nothing was saved")
        trees[-1].train(case, folder)
        contents[name] = content(folder)
    expected = contents["before"]
    names = {name for found in contents.values() for name in found}
    differing = {name for name in names for found in contents.values() if found.get(name) != expected.get(name)}
    members = {name.partition("/")[0] for name in expected}
    statuses = sorted(json.loads(expected[f"{member}/record"])["status"] for member in members)
    ended = ", ".join(f"{statuses.count(status)} {status}" for status in dict.fromkeys(statuses))
    row = (case["name"], str(len(contents)), ended, str(len(expected)), ", ".join(sorted(differing)) or "none")
    print(*row, sep=" | ", file=sys.stderr, flush=True)
    return row


def timed(case: Case, before: Tree, after: Tree, repeats: int) -> tuple[str, ...]:
    """One row: CPU time of a step, medians of interleaved rounds, each in a process of its own that trains it twice."""
    times: dict[Tree, list[float]] = {before: [], after: []}
    for place in range(repeats):
        for tree in (before, after) if place % 2 else (after, before):
            tree.renew()
            tree.train(case, None)
            times[tree].append(tree.train(case, None))
    first, second = (1e6 * statistics.median(times[tree]) for tree in (before, after))
    ratio = second / first
    row = (case["name"], f"{first:,.0f}", f"{second:,.0f}", f"{ratio:.3f}")
    print(*row, sep=" | ", file=sys.stderr, flush=True)
    return row


def main() -> None:
    """Print the tables; exit status 1 where anything differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path, help="a source tree")
    parser.add_argument("after", type=Path, help="another one")
    parser.add_argument("--only", default="", help="cases whose names contain this")
    parser.add_argument("--repeats", type=int, default=9, help="rounds of the timing; 0 for none")
    parser.add_argument("--save", type=Path, help="write the first table here as well")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "worker.py").write_text(WORKER, encoding="utf-8")
        before, after = Tree(asked.before, home), Tree(asked.after, home)
        rows = [compare(each, before, after, home) for each in CASES if asked.only in each["name"]]
        show("Bit-equality", ("sweep", "pools", "members", "files", "differing"), rows, asked.save)
        if asked.repeats:
            times = [timed(each, before, after, asked.repeats) for each in TIMED if asked.only in each["name"]]
            show("CPU time of a step, µs", ("sweep", "before", "after", "after / before"), times, None)
        before.end()
        after.end()
    raise SystemExit(any(differing != "none" for *_, differing in rows))


if __name__ == "__main__":
    main()
