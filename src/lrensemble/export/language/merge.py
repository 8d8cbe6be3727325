"""A team of adapters as one adapter, or as one model: the weighted mean of their updates.

Each member adds U_m = s_m B_m A_m to the weights of a layer. The mean Σ w_m U_m is again a product of two thin
matrices: of the A_m laid one above another, each times w_m s_m, and of the B_m side by side (`cat`). It is exact, and
its rank is the sum of theirs. `svd` is the nearest update of a lower rank (Eckart & Young 1936), and says what is lost.
To average the A_m and the B_m separately, as `linear` does elsewhere, is another thing: (Σ w B)(Σ w A) has terms that
belong to no member, and it is refused.

The mean of weights is cheaper than the team, and is not the team: what it says has to be scored anew.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from lrensemble.errors import ExportError
from lrensemble.export.language.adapters import Adapter, with_adapters
from lrensemble.export.language.bundle import adapter_files
from lrensemble.export.language.ensemble import LanguageEnsemble
from lrensemble.export.language.model_folder import description_of, write_model
from lrensemble.files import write_folder
from lrensemble.language.base import load_base

PREFIX, A, B = "base_model.model.", ".lora_A.weight", ".lora_B.weight"

Factors = tuple[Tensor, Tensor]
"""A [rank, input] and B [output, rank] float64, whose product B A is the update."""


@dataclass(frozen=True, eq=False)
class Merged:
    """One adapter whose update is the mean of those of a team."""

    adapter: Adapter
    rank: int
    loss: float
    """Distance from the mean of the updates over its length (Frobenius norms over all layers); 0 for `cat`."""


def merged_adapter(ensemble: LanguageEnsemble, combination: str = "cat", rank: int | None = None) -> Merged:
    """The weighted mean of a team's updates as one adapter.

    Args:
        ensemble: the team.
        combination: `cat`, exact; or `svd`, of a lower rank.
        rank: rank for `svd`; the highest of a member's layers unless given.

    Raises:
        ExportError: another combination; members whose updates are no such product (DoRA, embeddings); a rank that is
            not above zero, or is given for `cat`.
    """
    _check(combination, rank)
    layers = _layers(ensemble)
    lost, whole = 0.0, 0.0
    factors = dict[str, Factors]()
    lower = rank or max(max(own.shape[0] for own, _ in parts) for parts in layers.values())
    for name, parts in layers.items():
        joined = torch.cat([own for own, _ in parts]), torch.cat([own for _, own in parts], dim=1)
        factors[name] = joined
        if combination == "svd":
            factors[name], values = _nearest(joined, lower)
            lost += float((values[lower:] ** 2).sum())
            whole += float((values**2).sum())
    most = max(own.shape[0] for own, _ in factors.values())
    return Merged(
        adapter=_adapter(ensemble, factors, most), rank=most, loss=math.sqrt(lost / whole) if whole > 0 else 0.0
    )


def write_merged_adapter(ensemble: LanguageEnsemble, merged: Merged, folder: Path | str) -> None:
    """Write one adapter in the layout of `peft`, whole or not at all, with a word on where it comes from.

    Raises:
        ExportError: there is something in the folder already.
        StorageError: it cannot be written.
    """
    files = adapter_files(merged.adapter, ensemble.description.base)
    about = description_of(ensemble.description, rank=merged.rank, loss=merged.loss)
    if not write_folder(Path(folder), {**files, **about}):
        raise ExportError(f"{folder} is there already; remove it, or name another folder")


def write_merged_base(ensemble: LanguageEnsemble, folder: Path | str) -> None:
    """Write a whole model with its tokenizer: the base, to which the mean of the team's updates is added.

    Raises:
        ExportError: as `merged_adapter` does, or there is something in the folder already.
        SpecError: the base is no longer there.
        StorageError: it cannot be written.
    """
    merged = merged_adapter(ensemble)
    base = load_base(ensemble.description.base)
    model = with_adapters(base.model, ["merged"], [merged.adapter]).merge_and_unload()
    model = model.to(getattr(torch, ensemble.description.dtype))  # rounded once, after the sum
    write_model(Path(folder), model, base.tokenizer, ensemble.description)


def _check(combination: str, rank: int | None) -> None:
    if combination == "linear":
        raise ExportError(
            "combination 'linear' averages A and B separately, which is not the mean of the updates; give 'cat', which "
            "is, or 'svd' for a lower rank"
        )
    if combination not in ("cat", "svd"):
        raise ExportError(f"no combination {combination!r}; give 'cat', which is exact, or 'svd' for a lower rank")
    if rank is not None and (rank < 1 or combination == "cat"):
        raise ExportError(f"rank = {rank} is refused; it is for 'svd' and at least 1, 'cat' has the sum of the ranks")


def _layers(ensemble: LanguageEnsemble) -> dict[str, list[Factors]]:
    """What members add to each layer, times their weights, by the layer's name."""
    found = dict[str, list[Factors]]()
    for place, adapter in enumerate(ensemble.adapters):
        name, weight = ensemble.description.names[place], float(ensemble.weights[place])
        if adapter.settings.get("use_dora"):
            raise ExportError(f"member {name!r} is a DoRA adapter, whose update is no product; export the team instead")
        for key in sorted(key for key in adapter.weights if not key.endswith(B)):
            if not key.endswith(A):
                raise ExportError(f"member {name!r} changes more than linear layers ({key}); export the team instead")
            layer = key.removesuffix(A)
            scale = weight * ensemble.scale(place, layer)
            own = adapter.weights[key].double() * scale, adapter.weights[layer + B].double()
            found.setdefault(layer.removeprefix(PREFIX), []).append(own)
    return found


def _nearest(factors: Factors, rank: int) -> tuple[Factors, Tensor]:
    """The nearest product of a lower rank, and all singular values; by two thin decompositions."""
    of_b, b = torch.linalg.qr(factors[1])
    of_a, a = torch.linalg.qr(factors[0].mT)
    left, values, right = torch.linalg.svd(b @ a.mT)
    root = values[:rank].sqrt()
    return ((root[:, None] * right[:rank]) @ of_a.mT, (of_b @ left[:, :rank]) * root), values


def _adapter(ensemble: LanguageEnsemble, factors: Mapping[str, Factors], rank: int) -> Adapter:
    """An adapter of these updates; those of a lower rank are filled with zeros, so that there is one rank."""
    weights = dict[str, Tensor]()
    for layer, (a, b) in factors.items():
        gap = rank - a.shape[0]
        weights[f"{PREFIX}{layer}{A}"] = torch.nn.functional.pad(a, (0, 0, 0, gap)).float()
        weights[f"{PREFIX}{layer}{B}"] = torch.nn.functional.pad(b, (0, gap)).float()
    first = ensemble.adapters[0]
    settings = {"r": rank, "lora_alpha": rank, "target_modules": _targets(ensemble, list(factors))}
    if "fan_in_fan_out" in first.settings:
        settings["fan_in_fan_out"] = first.settings["fan_in_fan_out"]
    return Adapter(folder=first.folder, settings=settings, base=ensemble.description.base.path, weights=weights)


def _targets(ensemble: LanguageEnsemble, layers: Sequence[str]) -> list[str]:
    """Names of layers: by their last part where all that are called so are meant."""
    last = {name.rpartition(".")[2] for name in layers}
    named = {name for name, _ in ensemble.model.get_base_model().named_modules() if name.rpartition(".")[2] in last}
    return sorted(last if named == set(layers) else layers)
