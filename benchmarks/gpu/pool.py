"""A pool of small ResNets on CIFAR-10, the paper's four policies at many peaks and a seed each, and its study.

    python -m benchmarks.gpu.pool pool|study --data FOLDER --out FOLDER --work FOLDER [--seconds 240] [--device cuda]

`pool` trains all members in groups, for as many epochs as the seconds allow by the rates that `rows together` measured;
`study` judges the teams of the pool, and the default team of pools of several sizes that are drawn from it.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from benchmarks.gpu import results
from benchmarks.gpu.rows import AUGMENT, TOGETHER, parsed
from benchmarks.gpu.sizes import FULL, TINY, Sizes

from lrensemble.config import Experiment, to_record
from lrensemble.consensus import combine
from lrensemble.evaluate import evaluate
from lrensemble.evaluate.teams import choose, validation_of
from lrensemble.metrics import METRICS
from lrensemble.pool import Pool
from lrensemble.select import select
from lrensemble.train import Ended, tune

POLICIES = ("multi_step", "one_cycle", "warmup_cosine", "composite")
LOWEST, HIGHEST = 0.0125, 0.4
"""Peaks of the rate."""
TRAINING_SHARE, START_SECONDS = 0.7, 15.0
"""Share of the time that training is planned for, and what the process takes before and after it."""
MOST_EPOCHS, TRAINING_ROWS = 30, 45_000
METHODS = ("greedy", "top_k", "all")


def experiment_of(sizes: Sizes, data: Path, epochs: int, precision: str) -> Experiment:
    """Every policy at as many peaks as make the pool, in equal ratios; as the shipped experiment but for that."""
    peaks = [round(float(peak), 5) for peak in np.geomspace(LOWEST, HIGHEST, sizes.pool // len(POLICIES))]
    train = {"epochs": epochs, "batch_size": sizes.batch, "momentum": 0.9, "nesterov": True, "weight_decay": 5e-4}
    content = {
        "data": {"name": "cifar10", "folder": data},
        "split": {"val": 0.1},
        "model": sizes.model,
        "policy": [{"name": name, "peak": peaks} for name in POLICIES],
        "train": train | {"precision": precision, "augment": list(AUGMENT)},
    }
    return to_record(Experiment, content, "benchmark")


def plan(sizes: Sizes, out: Path, seconds: float) -> tuple[int, str, int]:
    """Epochs, precision and size of groups: the fastest that was measured, and what it can do in the time."""
    measured = [row for row in results.rows_of(out, TOGETHER) if "ratio" in row and not row["compiled"]]
    if not measured:
        return 1, "bfloat16", sizes.groups[1]
    best = max(measured, key=lambda row: float(row["one program, samples/s"]))
    budget = TRAINING_SHARE * (seconds - START_SECONDS) * float(best["one program, samples/s"])
    epochs = int(budget / (sizes.pool * TRAINING_ROWS))
    return max(1, min(MOST_EPOCHS, epochs)), str(best["precision"]), int(best["members"])


def train(sizes: Sizes, data: Path, out: Path, folder: Path, device: str, seconds: float) -> None:
    """Train the pool anew, and write down how fast that was, with scores after every epoch and members on disk."""
    shutil.rmtree(folder, ignore_errors=True)  # one of other epochs would be judged with it
    epochs, precision, group_size = plan(sizes, out, seconds)
    experiment, start, ended = experiment_of(sizes, data, epochs, precision), time.perf_counter(), list[str]()
    for event in tune(experiment, folder, device=device, execution="fused", group_size=group_size):
        if isinstance(event, Ended):
            ended.append(event.status)
            print(
                f"{time.perf_counter() - start:.0f} s: {event.run.name} {event.status} {dict(event.scores)}", flush=True
            )
    passed = time.perf_counter() - start
    members = Pool.open(folder).members(include_diverged=True)
    samples = sum(member.samples or 0 for member in members)
    row: dict[str, object] = {
        "data": data.name,
        "model": sizes.model,
        "precision": precision,
        "epochs": epochs,
        "group size": group_size,
    }
    row |= {
        "members": len(ended),
        "finished": ended.count("finished"),
        "seconds": passed,
        "samples/s": samples / passed,
    }
    results.add_row(out, "The pool", row)


def study(sizes: Sizes, out: Path, folder: Path) -> None:
    """Judge the teams of the pool, then the default team of pools drawn from it."""
    pool = Pool.open(folder)
    validation = validation_of(pool)
    teams = [choose(pool, method, validation=validation) for method in METHODS]
    result = evaluate(pool, teams)
    single = result.references[teams[0].metric]
    results.add_row(
        out,
        "Teams of the pool",
        {"team": f"best single: {single.name}", "members": 1, "accuracy, %": _percent(single.test.accuracy)},
    )
    for name, team in result.teams.items():
        gain = team.gain["accuracy"]
        row = {"team": name, "members": len(set(team.members)), "accuracy, %": _percent(team.test.accuracy)}
        row |= {"gain": 100 * gain.value, "from": 100 * gain.low, "to": 100 * gain.high, "p": gain.p_value}
        results.add_row(out, "Teams of the pool", row)
    results.add_row(out, "Verdict", {"verdict": result.verdict.text})
    by_size(pool, sizes, out)


def by_size(pool: Pool, sizes: Sizes, out: Path) -> None:
    """Accuracy on `test` of the default team and of the best single model, means over pools that are drawn."""
    validation, members = validation_of(pool), pool.members()
    probs = np.stack([pool.task.target.seen(member.predictions("test")) for member in members])
    truth, generator = pool.truth("test"), np.random.default_rng(0)
    wanted = [size for size in (sizes.pool // 8, sizes.pool // 4, sizes.pool // 2) if size < len(members)]
    for size in (*wanted, len(members)):
        scores = []
        for _ in range(sizes.draws if size < len(members) else 1):
            drawn = np.sort(generator.permutation(len(members))[:size])
            own = replace(validation, predictions=tuple(members[one].predictions("val") for one in drawn), cost=())
            found = []
            for method in ("greedy", "best"):
                chosen = select(own, method, metric="nll", seed=0)
                said = combine("mean", probs[drawn[list(chosen.team)]], np.array(chosen.weights))
                found.append(METRICS.call("accuracy", said, truth))
            scores.append(found)
        team, single = np.mean(scores, axis=0)
        row = {"members": size, "pools": len(scores), "best single, %": 100 * single, "greedy, %": 100 * team}
        results.add_row(out, "Pools drawn from it", row | {"gain": 100 * (team - single)})


def _percent(fraction: float | None) -> float:
    return float("nan") if fraction is None else 100 * fraction


def main() -> None:
    """Train the pool, or study it."""
    asked = parsed(__doc__, ("pool", "study"))
    sizes = TINY if asked.tiny else FULL
    if asked.step == "pool":
        train(sizes, asked.data, asked.out, asked.work / "pool", asked.device, asked.seconds)
    else:
        study(sizes, asked.out, asked.work / "pool")


if __name__ == "__main__":
    main()
