"""First day on a GPU: tests, rows of the benchmark, a pool of 64 small ResNets on CIFAR-10 and what is chosen from it.

From a bare clone, also on a machine without a package registry that has torch for its GPU, numba, safetensors and
scikit-learn: what it lacks is carried there as wheels.

    python -m benchmarks.gpu --pack FOLDER [--python 3.12]         where there is a registry
    python -m benchmarks.gpu --data FOLDER [--wheels FOLDER] [--minutes 8] [--out FOLDER]

Every step is a process with a time limit of its own, and what it finds is written as it goes: `results.jsonl`, a page
`gpu.md` made of it, and `log.txt`, in the place of earlier ones. Nothing that fails or takes too long loses anything
else. The pool is trained for as many epochs as the time that is left allows, by the rates that were measured before it.

`--device cpu --tiny` shows on any machine that all of it runs.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks.gpu import results, wheels

ROOT = Path(__file__).parents[2]
STUDY_SHARE = 0.1
"""Share of the time that is kept for the study of the pool."""


class Step(NamedTuple):
    """One process."""

    name: str
    command: tuple[str, ...]
    share: float
    """Share of the whole time that it may take; of what is left it never takes more than there is."""


def steps_of(asked: argparse.Namespace) -> list[Step]:
    """All steps, the most important first; the pool takes what those before it leave."""
    tests = [path for path in (ROOT / "tests").rglob("test_*.py") if "mark.gpu" in path.read_text(encoding="utf-8")]
    options = ["-q", "--tb=short", "-n", "2" if asked.tiny else "4", "-p", "no:cacheprovider", "-p", "no:benchmark"]
    options += ["-k", "sweep or ties or compiled"] if asked.tiny else []

    def tested(path: Path, marks: str, share: float) -> Step:
        name = f"{path.stem}, {marks}"
        return Step(name, ("-m", "pytest", *options, "-m", marks, str(path.relative_to(ROOT))), share)

    places = {"--data": asked.data, "--device": asked.device, "--out": asked.out, "--work": asked.work}
    common = [*(str(part) for pair in places.items() for part in pair), *(["--tiny"] if asked.tiny else [])]

    def work(name: str, share: float) -> Step:
        module = "benchmarks.gpu.pool" if name in ("pool", "study") else "benchmarks.gpu.rows"
        return Step(name, ("-m", module, name, *common), share)

    shares = {"together": 0.2, "layouts": 0.08, "host": 0.08, "wide": 0.08, "graphs": 0.06}
    return [
        *(tested(path, "gpu and not long", 0.15) for path in sorted(tests)[::-1]),
        *(work(name, share) for name, share in shares.items()),
        work("pool", 1.0),
        work("study", 1.0),
        work("compiled", 1.0),
        *(tested(path, "gpu and long", 1.0) for path in tests if "mark.long" in path.read_text(encoding="utf-8")),
    ]


def run(step: Step, limit: float, out: Path, environment: dict[str, str]) -> None:
    """Run a step, and write down how it ended and what it said last."""
    start, command = time.monotonic(), [sys.executable, *step.command]
    command += ["--seconds", f"{limit:.0f}"] if step.name == "pool" else []
    with (out / results.LOG).open("ab") as log:
        log.write(f"\n=== {step.name}, at most {limit:.0f} s\n".encode())
        log.flush()
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
        status = wait(process, limit)
    said = [line for line in (out / results.LOG).read_text("utf-8", "replace").splitlines() if line.strip()]
    seconds = round(time.monotonic() - start, 1)
    end = "" if status == "done" and not step.name.startswith("test_") else said[-1][:300]
    results.add(out, "step", {"step": step.name, "status": status, "seconds": seconds, "end": end})
    print(f"{step.name}: {status} after {seconds} s", flush=True)


def wait(process: subprocess.Popen[bytes], limit: float) -> str:
    """How a process ended: left alone up to the limit, then asked to end as by Ctrl-C, then killed with its own."""
    try:
        status = process.wait(limit)
        return "done" if status == 0 else f"status {status}"
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGINT)
    try:
        process.wait(15)
        return "took too long"
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return "took too long"


def environment_of(asked: argparse.Namespace) -> dict[str, str]:
    """What steps find in their environment: this clone, what was carried, and where decoded images are kept."""
    site = asked.work / "site"
    wheels.unpack(ROOT, asked.wheels, site)
    places = [str(ROOT / "src"), str(ROOT), str(site), os.environ.get("PYTHONPATH", "")]
    own = {"PYTHONPATH": os.pathsep.join(filter(None, places)), "LRENSEMBLE_CACHE": str(asked.work / "cache")}
    # Threads of tiny work wait for one another longer than they compute.
    threads = {"OMP_NUM_THREADS": "1"} if asked.device == "cpu" else {}
    return {**os.environ, **own, **threads, "PYTHONUNBUFFERED": "1"}


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--pack", type=Path, metavar="FOLDER", help="download wheels into a folder, and do nothing else"
    )
    parser.add_argument("--python", default="3.12", help="version of Python that wheels are for")
    parser.add_argument("--data", type=Path, help="folder of CIFAR-10, binary or parquet")
    parser.add_argument("--wheels", type=Path, help="folder of what --pack has downloaded")
    parser.add_argument("--minutes", type=float, default=8.0)
    parser.add_argument("--device", default="cuda")
    parser.add_argument(
        "--out", type=Path, default=Path("build/gpu"), help="folder of the results; build/gpu unless given"
    )
    parser.add_argument(
        "--work", type=Path, default=Path("build/gpu-work"), help="folder of the pool and decoded images"
    )
    parser.add_argument("--tiny", action="store_true", help="tiny sizes, which say nothing of speed")
    asked = parser.parse_args()
    if asked.pack is None and asked.data is None:
        parser.error("give --data, the folder of CIFAR-10, or --pack")
    for name in ("data", "wheels", "out", "work"):
        path = getattr(asked, name)
        setattr(asked, name, path and path.resolve())  # steps run elsewhere
    return asked


def main() -> None:
    """Run all steps, one after another, within the time."""
    start, asked = time.monotonic(), arguments()
    if asked.pack is not None:
        wheels.pack(ROOT, asked.pack, asked.python)
        return
    results.begin(asked.out)
    environment, whole = environment_of(asked), 60 * asked.minutes
    if asked.tiny:
        run(
            Step("data", ("-m", "benchmarks.gpu.tiny", str(asked.data), str(asked.work / "data")), 1.0),
            whole,
            asked.out,
            environment,
        )
        asked.data = asked.work / "data"
    for step in steps_of(asked):
        left = whole - (time.monotonic() - start)
        limit = min(left - (STUDY_SHARE * whole if step.name == "pool" else 0), step.share * whole)
        if limit > 0:
            run(step, limit, asked.out, environment)
        else:
            results.add(asked.out, "step", {"step": step.name, "status": "no time left", "seconds": 0, "end": ""})
        print(results.write_page(asked.out), flush=True)


if __name__ == "__main__":
    main()
