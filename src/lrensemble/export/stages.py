"""Execution of a cascade: each member is run only on the rows that those before it left undecided."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from lrensemble.consensus import combine
from lrensemble.export.description import Description, Stages


def run_stages(members: Sequence[nn.Module], description: Description, prepared: Tensor) -> tuple[Tensor, Tensor]:
    """Probabilities [sample, class] float64, and the number of members run on each row [sample] int64.

    Args:
        members: the networks.
        description: description with stages.
        prepared: normalised inputs [sample, …].
    """
    stages, heads = cast(Stages, description.stages), description.heads()
    rows = torch.arange(len(prepared), device=prepared.device)
    probs = torch.zeros(len(prepared), len(description.classes), dtype=torch.float64, device=prepared.device)
    used = torch.zeros_like(rows)
    member_probs: dict[int, Tensor] = {}
    for stage, index in enumerate(stages.order):
        if not len(rows):
            break
        member_probs[index] = heads[index].dense(members[index](prepared[rows]))
        combined = stage_consensus(description, member_probs)
        decided = combined.max(dim=1).values >= (stages.thresholds[stage] if stage < len(stages.thresholds) else 0)
        probs[rows[decided]] = combined[decided]
        used[rows[decided]] = stage + 1
        rows = rows[~decided]
        member_probs = {position: own[~decided] for position, own in member_probs.items()}
    return probs, used


def stage_consensus(description: Description, probs: dict[int, Tensor]) -> Tensor:
    """Probabilities [sample, class] of the members run so far: their weighted mean; of all, the team's own consensus.

    Args:
        description: description of the whole team.
        probs: probabilities [sample, class] by position of a member.
    """
    order = sorted(probs)
    stacked = torch.stack([probs[index] for index in order])
    weights = [description.weights[index] for index in order]
    whole = len(order) == len(description.parts)
    return combine(description.consensus if whole else "mean", stacked, weights)
