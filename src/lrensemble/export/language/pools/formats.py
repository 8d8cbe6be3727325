"""Formats of teams of language models beside the folder of a team: one adapter, and one whole model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field

from lrensemble.export.formats import FORMATS
from lrensemble.export.language.merge import merged_adapter, write_merged_adapter, write_merged_base
from lrensemble.export.language.pools.team import AdapterTeam
from lrensemble.export.language.pools.whole import WholeTeam, write_mean_model


@FORMATS.register("adapter", suffix="-adapter", of=("adapters",))
def adapter(
    ensemble: AdapterTeam,
    path: Path,
    *,
    combination: str = "cat",
    rank: Annotated[int, Field(ge=1, le=65_536)] | None = None,
) -> Mapping[str, object]:
    """One LoRA adapter in the layout of `peft`: the weighted mean of the members' updates.

    It runs at the cost of one member, and is not the team: what it says has to be scored anew. A member's two matrices
    are never averaged apart (`linear`), which would be the mean of nothing.

    Args:
        ensemble: team of adapters.
        path: of the folder.
        combination: `cat`, the exact mean, whose rank is the sum of the ranks; or `svd`, the nearest of a lower rank.
        rank: rank for `svd`; the highest of a member unless given.

    Raises:
        ExportError: members whose updates are no such product (DoRA), or something in the folder.
        SpecError: the base is not there, or has other weights.
        StorageError: it cannot be written.
    """
    team = ensemble.load()
    merged = merged_adapter(team, combination, rank)
    write_merged_adapter(team, merged, path)
    return {"combination": combination, "rank": merged.rank, "loss": merged.loss}


@FORMATS.register("merged", suffix="-model", of=("adapters", "models"))
def merged_model(ensemble: AdapterTeam | WholeTeam, path: Path) -> Mapping[str, object]:
    """One whole causal model with its tokenizer: the base, to which the mean of the members' updates is added.

    Of members that were trained as a whole, the mean of their weights.

    Args:
        ensemble: team of adapters, or of whole models.
        path: of the folder.

    Raises:
        ExportError: members whose updates are no such product (DoRA), or something in the folder.
        SpecError: the base is not there, or has other weights.
        StorageError: it cannot be written.
    """
    if isinstance(ensemble, WholeTeam):
        write_mean_model(ensemble, path)
    else:
        write_merged_base(ensemble.load(), path)
    return {}
