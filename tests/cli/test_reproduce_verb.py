"""`lrensemble reproduce`: what agrees, as a table and as a record, and the exit status that says whether it should."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from tests.cli.command import Command

from lrensemble.pool import MemberRecord, Pool, remove_members
from lrensemble.targets import LogProbs
from lrensemble.train import Reproduction

EXPERIMENT = """
data = "digits"
model = "mlp(width=8)"
policy = ["cosine(peak=0.1)", "cosine(peak=0.05)"]
[train]
epochs = 2
"""


@pytest.fixture
def pool(command: Command, tmp_path: Path) -> Path:
    (tmp_path / "small.toml").write_text(EXPERIMENT, encoding="utf-8")
    status, *_ = command("tune", tmp_path / "small.toml", "--out", tmp_path / "pool", "--reproducible")
    assert status == 0
    return tmp_path / "pool"


def test_a_reproducible_member_is_reproduced(command: Command, pool: Path) -> None:
    status, out, err = command("reproduce", pool, "cosine(peak=0.1)")
    assert status == 0
    assert re.search(r"cosine\(peak=0\.1\) \(\w{12}, finished\), trained again alone on 1 thread of cpu", out)
    assert re.search(r"val +359 +0 +0\n", out)
    assert "training again: epoch 2 of 2" in err
    assert out.splitlines()[-1] == "the bits agree; all that decides the bits is as it was, so they have to agree"
    _, csv, _ = command("reproduce", pool, "cosine(peak=0.1)", "--format", "csv")
    assert csv.startswith("table,split,rows,labels differ,largest difference\n,val,359,0,0\n")
    found = Reproduction.model_validate(command("reproduce", pool, "cosine(peak=0.1)", "--json").record)
    assert (found.agreement, found.promised, found.kept) == ("bits", "bits", True)


def test_a_broken_promise_is_a_failure(command: Command, pool: Path, tmp_path: Path) -> None:
    opened = Pool.open(shutil.copytree(pool, tmp_path / "other"))
    member = opened.members()[0]
    said = {split: LogProbs(np.roll(member.predictions(split).main, 1, axis=0)) for split in ("val", "test")}
    remove_members(opened, [member.id])
    record = {key: value for key, value in member.record().items() if key not in ("task", "files")}
    opened.add(MemberRecord.model_validate(record), said)
    status, out, _ = command("reproduce", opened.folder, member.id[:6])
    assert status == 1
    end = "all that decides the bits is as it was, so they have to agree: they do not"
    assert out.splitlines()[-1].endswith(f"agree, not the labels; {end}")


def test_mistakes_are_told_in_one_line(command: Command, pool: Path) -> None:
    for given, said in (
        (("reproduce", pool, "sine"), "has no member 'sine'"),
        (("reproduce", pool, "cosine(peak=0.1)", "--device", "tpu"), "no device named 'tpu' here"),
        (
            ("tune", pool.parent / "small.toml", "--reproducible", "--execution", "fused"),
            "reproducible groups need a size",
        ),
    ):
        status, out, err = command(*given)
        assert (status, out) == (2, "")
        assert said in err
        assert len(err.strip().splitlines()) == 1
