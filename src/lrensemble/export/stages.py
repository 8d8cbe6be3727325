"""Run a cascade: each member sees only the rows that those before it left undecided."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import log_softmax

from lrensemble.consensus import combine
from lrensemble.export.description import Description, Stages


def run_stages(members: Sequence[nn.Module], description: Description, prepared: Tensor) -> tuple[Tensor, Tensor]:
    """Probabilities [sample, class] float64 and how many members each row took [sample] int64.

    Args:
        members: the networks.
        description: with stages.
        prepared: normalised inputs [sample, …].
    """
    stages = cast(Stages, description.stages)
    rows = torch.arange(len(prepared), device=prepared.device)
    probs = torch.zeros(len(prepared), len(description.classes), dtype=torch.float64, device=prepared.device)
    used = torch.zeros_like(rows)
    seen: dict[int, Tensor] = {}
    for stage, index in enumerate(stages.order):
        if not len(rows):
            break
        seen[index] = log_softmax(members[index](prepared[rows]).float(), dim=1).double().exp()
        combined = stage_consensus(description, seen)
        decided = combined.max(dim=1).values >= (stages.thresholds[stage] if stage < len(stages.thresholds) else 0)
        probs[rows[decided]] = combined[decided]
        used[rows[decided]] = stage + 1
        rows = rows[~decided]
        seen = {position: own[~decided] for position, own in seen.items()}
    return probs, used


def stage_consensus(description: Description, seen: dict[int, Tensor]) -> Tensor:
    """What the members asked so far say, [sample, class]: their weighted mean; of all, the team's own consensus.

    Args:
        description: of the whole team.
        seen: by position of a member, its probabilities [sample, class].
    """
    order = sorted(seen)
    stacked = torch.stack([seen[index] for index in order])
    weights = [description.weights[index] for index in order]
    whole = len(order) == len(description.parts)
    return cast(Tensor, combine(description.consensus if whole else "mean", stacked, weights))
