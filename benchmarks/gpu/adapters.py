"""Adapters of one base: trained in one program against one by one, and a team that decodes in one batch against a loop.

    python -m benchmarks.gpu.adapters adapters --out FOLDER [--device cuda] [--tiny]

The base is a Llama of random weights, made on the spot. A step of a member is one update by one batch of its own;
`one by one` has the device to itself, with the layers of `peft`. Peaks are those of the allocator, base included.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from benchmarks.gpu import results
from benchmarks.gpu.rows import Row, attempt, facts, finish, parsed, steps_per_second
from benchmarks.llama import Llama, adapter, adapters, lora_config, random_llama, random_sequences

from lrensemble.config import TrainSettings
from lrensemble.export.language.members import Batching, Cache, Members
from lrensemble.language.dataset import SequenceDataset
from lrensemble.train.execution.devices import to_device
from lrensemble.train.run.fused.sequences import StackedSequenceTrainee
from lrensemble.train.run.loop import Trainee
from lrensemble.train.run.sequences import SequenceTrainee


class Work(NamedTuple):
    """How large everything is."""

    llama: Llama
    rank: int
    groups: tuple[tuple[int, int, int], ...]
    """Members, batch of each and length of its sequences."""
    prompt: int
    team: int
    """Members that decode together."""
    decoded: int
    """Tokens of a measurement."""
    seconds: float


FULL = Work(
    llama=Llama(2048, 5632, 16, 16, 32000, "bfloat16"),
    rank=8,
    groups=((16, 4, 256), (16, 1, 256), (4, 4, 256), (16, 8, 256)),
    prompt=128,
    team=8,
    decoded=24,
    seconds=2.0,
)
TINY = Work(Llama(32, 64, 2, 2, 128, "bfloat16"), 4, ((4, 2, 16), (2, 1, 16)), 8, 3, 4, 0.1)


def training(work: Work, networks: Sequence[Any], out: Path, device: torch.device) -> None:
    """Groups of several sizes, each against one of its members alone."""

    def row(members: int, batch: int, length: int) -> Row:
        data = random_sequences(work.llama, max(64, 4 * batch), length, device)
        recipes = [settings(batch, seed) for seed in range(members)]
        apart = difference(networks[:members], data, recipes)
        one, own = measured(lambda: SequenceTrainee(networks[0], data, recipes[0]), 1, work.seconds, device)
        many, all_ = measured(
            lambda: StackedSequenceTrainee(networks[:members], data, recipes), members, work.seconds, device
        )
        found: Row = {"one by one, steps of a member/s": one, "one program, steps of a member/s": members * many}
        found |= {"ratio": members * many / one, "one program, tokens/s": members * batch * length * many}
        return found | own_and_all(own, all_) | {"losses after 4 steps differ by": apart}

    for members, batch, length in work.groups:
        what: Row = {"base": work.llama.name, "rank": work.rank, "members": members, "batch": batch, "length": length}
        attempt(out, "Adapters in one program", what, partial(row, members, batch, length), device)


def own_and_all(own: float, all_: float) -> Row:
    """Peaks of the memory, where the device tells them."""
    return {"one by one, MiB": own, "one program, MiB": all_} if own else {}


def difference(networks: Sequence[Any], data: SequenceDataset, recipes: Sequence[TrainSettings]) -> float:
    """How far the loss of the first member lies from what it is alone, after some steps; rounding makes it."""
    group = StackedSequenceTrainee(networks, data, recipes)
    alone = SequenceTrainee(networks[0], data, recipes[0])
    for step in range(4):
        losses, own = group.step(step, [1e-4] * len(recipes))[0], alone.step(step, [1e-4])[0]
    return float((losses[0] - own[0]).abs())


def settings(batch: int, seed: int) -> TrainSettings:
    """The recipe of a member."""
    common = {"optimizer": "adamw", "precision": "bfloat16", "clip_norm": 1.0}
    return TrainSettings.model_validate({"batch_size": batch, "seed": seed, **common})


def measured(make: Callable[[], Trainee], members: int, seconds: float, device: torch.device) -> tuple[float, float]:
    """Steps in a second, and the peak of the memory in MiB."""
    free(device)
    rate = steps_per_second(make(), members, seconds, 4)
    return rate, torch.cuda.max_memory_allocated(device) / 2**20 if device.type == "cuda" else 0.0


def free(device: torch.device) -> None:
    """Give back what nobody holds, and begin a new peak."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)


BATCHINGS: tuple[Batching, ...] = ("loop", "mixed batch", "stacked")


def decoding(work: Work, out: Path, device: torch.device) -> None:
    """Tokens that a team writes in a second: a loop over members, `peft`'s mixed batch, and thin matrices stacked."""

    def row() -> Row:
        rates = {way: decoded(team(work, device, way), work, device) for way in BATCHINGS}
        found: Row = {f"{way}, tokens/s": rate for way, rate in rates.items()}
        return found | {f"{way} / loop": rates[way] / rates["loop"] for way in ("mixed batch", "stacked")}

    what: Row = {"base": work.llama.name, "rank": work.rank, "members": work.team, "prompt": work.prompt}
    attempt(out, "A team that decodes", what, row, device)


Decoder = Callable[[torch.Tensor, torch.Tensor, Cache], torch.Tensor]
"""Tokens [1, position], mask [1, all positions] and cache to log-probabilities [member, 1, position, token]."""


def team(work: Work, device: torch.device, way: Batching) -> Decoder:
    """A team as `LanguageEnsemble` runs it, in one of its ways."""
    base = random_llama(work.llama, device)
    network, config = adapter(base, work.rank, 0), lora_config(base, work.rank)
    for place in range(1, work.team):
        network.add_adapter(f"m{place}", config)
    keys = ("default", *(f"m{place}" for place in range(1, work.team)))
    members = Members(network.eval().requires_grad_(False), keys, batching=way)
    return lambda ids, mask, cache: members.log_probs(ids, mask, cache=cache)


def decoded(run: Decoder, work: Work, device: torch.device) -> float:
    """Tokens in a second, after a prompt and as many tokens that do not count; each is that of the mean probability.

    Seconds are those of the processor on a CPU, so that what else the machine does counts for no way.
    """
    clock = time.process_time if device.type == "cpu" else time.perf_counter
    cache, ids = Cache(), torch.arange(work.prompt, device=device)[None] % work.llama.vocabulary
    mask, start = torch.ones_like(ids), 0.0
    for place in range(2 * work.decoded + 1):
        if place == work.decoded + 1:
            finish(device)
            start = clock()
        said = run(ids, mask, cache)[:, :, -1]
        ids = said.exp().mean(dim=0).argmax(dim=-1, keepdim=True)
        mask = torch.cat([mask, torch.ones_like(ids)], dim=1)
    finish(device)
    return work.decoded / (clock() - start)


def main() -> None:
    """Measure both tables."""
    asked = parsed(__doc__, ("adapters",))
    device, work = to_device(asked.device), TINY if asked.tiny else FULL
    results.add(asked.out, "machine", {"facts": facts(device)})
    networks = adapters(random_llama(work.llama, device), work.rank, max(members for members, *_ in work.groups))
    training(work, networks, asked.out, device)
    decoding(work, asked.out, device)


if __name__ == "__main__":
    main()
