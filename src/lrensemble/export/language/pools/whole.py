"""A team of models that were fine-tuned as a whole: nothing of them is shared, and what is made of it is their mean.

All began at one base, so that the weighted mean of their weights is the base and the mean of what each has learnt
(Wortsman et al. 2022): one model, at the cost of one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from lrensemble.errors import ExportError
from lrensemble.export.language.adapters import require_there
from lrensemble.export.language.description import LanguageDescription
from lrensemble.export.language.model_folder import write_model
from lrensemble.language.base import load_base
from lrensemble.pool import Member
from lrensemble.registry import known_paths_only


@dataclass(frozen=True, eq=False)
class WholeTeam:
    """Whole models of one base, in their pool."""

    description: LanguageDescription
    members: tuple[Member, ...]
    source: str
    trust_code: bool = False
    """Whether a hub may be asked for the base."""


def write_mean_model(team: WholeTeam, folder: Path) -> None:
    """Write the model whose weights are the mean of those of a team, with the tokenizer of its base.

    Raises:
        ExportError: members of other weights than the base has, or something in the folder already.
        SpecError: the base is not there, or has other weights.
        PoolError: weights that are missing or damaged.
        StorageError: it cannot be written.
    """
    require_there(team.description.base)
    with known_paths_only(team.source, trust_code=team.trust_code):
        base = load_base(team.description.base)
    own = base.model.state_dict()
    for name, mean in _means(team).items():
        if name not in own or own[name].shape != mean.shape:
            raise ExportError(f"the members' weights {name} do not fit the base {team.description.base.path}")
        own[name].copy_(mean)
    write_model(folder, base.model, base.tokenizer, team.description)


def _means(team: WholeTeam) -> dict[str, Tensor]:
    """Weighted mean of the members' weights, by name, summed in float64."""
    found = dict[str, Tensor]()
    for member, share in zip(team.members, team.description.weights, strict=True):
        weights = member.weights()
        if found and weights.keys() != found.keys():
            raise ExportError(f"member {member.id} ({member.name}) has weights of other names; export models of one")
        for name, tensor in weights.items():
            found[name] = found.get(name, torch.zeros((), dtype=torch.float64)) + share * tensor.double()
    return found
