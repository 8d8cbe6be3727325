"""Pools of adapters made by hand: what they say of tokens and of questions, and matrices that nobody trained."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tests.language.benchmarks.sets import rows_of, write

from lrensemble.config import Base
from lrensemble.evaluate import choose, load, save
from lrensemble.evaluate.benchmarks import judge_benchmarks, write_judgement
from lrensemble.language.answering import rows_asked
from lrensemble.language.benchmarks import read_benchmarks
from lrensemble.language.members import pool_of
from lrensemble.pool import MemberRecord, Pool, Task
from lrensemble.report.language.data import ANSWERS, JUDGEMENT, OF_BASE
from lrensemble.targets import LOG_ZERO, Classes, Likelihood, LogProbs

BASE = Base(path="/no/such/base", weights_sha256="0" * 64)
POLICIES = ({"name": "constant", "peak": 0.01}, {"name": "constant", "peak": 0.1}, {"name": "cosine", "peak": 0.01})
FAILED = {"name": "cosine", "peak": 1.0}
MEMBERS = len(POLICIES) + 1
TOKENS = {"val": 400, "test": 300}
OF_BASE_ALONE = 1000
"""Parameters that the base is said to have."""
LAYERS = {"up": (5, 7), "down": (7, 5)}
"""(out, in) of the layers of the base that adapters change."""


def config(rank: int, **changes: Any) -> dict[str, Any]:
    return {"r": rank, "lora_alpha": 6, "use_rslora": False, "use_dora": False, "alpha_pattern": {}, **changes}


def matrices(seed: int, rank: int, layers: dict[str, tuple[int, int]] | None = None) -> dict[str, torch.Tensor]:
    """A and B of each layer, by the names that `peft` saves them under."""
    draw, found = torch.Generator().manual_seed(seed), {}
    for layer, (outputs, inputs) in (LAYERS if layers is None else layers).items():
        found[f"base_model.model.{layer}.lora_A.weight"] = torch.randn(rank, inputs, generator=draw)
        found[f"base_model.model.{layer}.lora_B.weight"] = torch.randn(outputs, rank, generator=draw)
    return found


def token_pool(folder: Path) -> Pool:
    """Adapters whose errors are their own, so that a team is better than each, and one that has failed."""
    draw = np.random.default_rng(0)
    truth = {split: np.arange(size) % 5 for split, size in TOKENS.items()}
    rows = {split: np.arange(size) for split, size in TOKENS.items()}
    pool = Pool.create(
        folder, Task.of("tokens", Classes(names=tuple("abcde")), rows=rows, labels=truth, base=BASE), truth
    )
    for place, policy in enumerate([*POLICIES, FAILED]):
        mean = 30.0 if policy is FAILED else 1 + 0.05 * place
        said = {split: Likelihood(-draw.exponential(mean, size)) for split, size in TOKENS.items()}
        record = MemberRecord(
            id=f"m{place}",
            order=place,
            name=f"{policy['name']}(peak={policy['peak']})",
            form="likelihood",
            scores={"val": {"nll": float(-said["val"].main.mean())}},
            recipe={"policy": policy, "model": {"name": "lora"}, "train": {}},
            adapter=config(2),
            parameters=OF_BASE_ALONE + 2 * (5 + 7) * 2,
            seconds=10.0,
        )
        pool.add(record, said, weights=matrices(place, 2))
    for method in ("greedy(size=6, bootstrap=0)", "all"):
        save(pool, choose(pool, method, folds=0))
    return pool


def ask(pool: Pool, folder: Path, seed: int = 3) -> Pool:
    """Give a pool answers to questions beside it, those of the base too, and a judgement; nobody computes anything."""
    write(folder / "arc_easy.validation.jsonl", rows_of(9, answers=4, uneven=True))
    write(folder / "arc_easy.test.jsonl", rows_of(40, answers=4, uneven=True, first=100))
    gaps = [{**row, "question": f"so _ is {row['id']} then"} for row in rows_of(31, answers=2, first=200)]
    write(folder / "winogrande.train.jsonl", gaps[:5])
    write(folder / "winogrande.validation.jsonl", gaps[5:])
    asked = rows_asked(read_benchmarks(("arc_easy", "winogrande"), folder))
    home, draw = pool.folder.parent, np.random.default_rng(seed)
    answers, of_base = pool_of(home / ANSWERS, asked), pool_of(home / OF_BASE, asked)
    known = {split: np.asarray(answers.choices(split)) for split in answers.task.splits}
    for member in pool.members():
        said = {split: LogProbs(drawn(draw, answers.truth(split), known[split])) for split in known}
        answers.add(MemberRecord(id=member.id, order=member.order, name=member.name), said)
    said = {split: LogProbs(drawn(draw, answers.truth(split), known[split])) for split in known}
    of_base.add(MemberRecord(id="base", order=0, name="base alone"), said)
    judge(pool)
    return answers


def judge(pool: Pool) -> None:
    home = pool.folder.parent
    found = judge_benchmarks(pool, load(pool), Pool.open(home / ANSWERS), Pool.open(home / OF_BASE))
    write_judgement(found, home / JUDGEMENT)


def drawn(
    draw: np.random.Generator, truth: NDArray[np.int64], counts: NDArray[np.int64], width: int = 4
) -> NDArray[np.float32]:
    logits = draw.normal(size=(len(truth), width)) + 0.5 * np.eye(width)[truth]
    logits[np.arange(width) >= counts[:, None]] = -np.inf
    log_probs = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    found: NDArray[np.float32] = np.maximum(log_probs, LOG_ZERO).astype(np.float32)
    return found
