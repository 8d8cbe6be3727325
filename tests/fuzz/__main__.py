"""Fuzzing: inputs that nobody expects, each tried in a folder of its own.

```
python -m tests.fuzz --inputs 10000 --seed 0          # all kinds
python -m tests.fuzz --seed 0 --only 4711             # one of them again
```

An input fails where the command neither gives what it always gives nor refuses in one line, or touches anything else.
The inputs that fail are kept, as they were before the command, with a file `failure.txt` that says what is wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.fuzz import alone  # noqa: F401 – first, before anything starts threads
from tests.fuzz.kinds import KINDS
from tests.fuzz.material import Material, make
from tests.fuzz.one import preload, try_one


def main() -> None:
    """Try inputs, as many as are asked for, and end with 1 where one of them fails."""
    asked = _asked()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="lrensemble-fuzz-") as temporary:
        folder = Path(temporary).resolve()
        (folder / "tmp").mkdir()
        os.environ |= {"LRENSEMBLE_CACHE": str(folder / "cache"), "TMPDIR": str(folder / "tmp")}
        preload()
        make(folder / "material")
        numbers = [asked.only] if asked.only is not None else range(asked.inputs)
        jobs = [_job(folder, asked, numbers[part :: asked.jobs], part) for part in range(asked.jobs)]
        bad = [status for job in jobs if (status := os.waitstatus_to_exitcode(os.waitpid(job, 0)[1]))]
        records = [json.loads(line) for file in folder.glob("*.jsonl") for line in file.read_text().splitlines()]
    _summarise(records, asked, time.monotonic() - began)
    failed = any(record["faults"] for record in records)
    sys.exit(1 if failed or bad or len(records) != len(numbers) else 0)


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Try inputs that nobody expects.")
    parser.add_argument("--inputs", type=int, default=10_000, help="how many")
    parser.add_argument("--seed", type=int, default=0, help="of all of them")
    parser.add_argument("--only", type=int, help="the number of the one input to try again")
    parser.add_argument("--kind", choices=list(KINDS), help="inputs of this kind alone")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes side by side")
    parser.add_argument("--keep", type=Path, default=Path("build/fuzz"), help="folder of the inputs that fail")
    return parser.parse_args()


def _job(folder: Path, asked: argparse.Namespace, numbers: Sequence[int], part: int) -> int:
    """A process that tries some of the inputs, and writes a line for each."""
    if child := os.fork():
        return child
    status = 70
    try:
        own = folder / f"job-{part}"
        own.mkdir()
        material = Material(folder / "material", own)
        with (folder / f"{part}.jsonl").open("w") as lines:
            for number in numbers:
                record = try_one(material, asked.keep, asked.seed, number, asked.kind)
                lines.write(json.dumps(record) + "\n")
                for fault in record["faults"]:
                    sys.stderr.write(
                        f"{number} {record['kind']}, {record['does']}: {fault}\n".encode(
                            "ascii", "backslashreplace"
                        ).decode()
                    )
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)
    return 0


def _summarise(records: list[dict[str, object]], asked: argparse.Namespace, seconds: float) -> None:
    failed = [record for record in records if record["faults"]]
    sys.stdout.write(f"{'kind':24}{'inputs':>8}{'accepted':>10}{'refused':>9}{'failed':>8}\n")
    for kind in KINDS:
        own = [record for record in records if record["kind"] == kind]
        statuses = Counter("refused" if record["status"] == 2 else "accepted" for record in own)
        bad = sum(bool(record["faults"]) for record in own)
        sys.stdout.write(f"{kind:24}{len(own):8}{statuses['accepted']:10}{statuses['refused']:9}{bad:8}\n")
    rate = len(records) / seconds
    sys.stdout.write(
        f"{len(records):,} inputs, seed {asked.seed}: {len(failed)} failures; {seconds:.0f} s, {rate:.1f} a second\n"
    )
    if failed:
        sys.stdout.write(f"those that failed are kept in {asked.keep}\n")


if __name__ == "__main__":
    main()
