"""How a team of language models spoke as one when it was scored, by name, and what another way would have given."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy
from numpy.typing import NDArray

from lrensemble.evaluate.teams import Team
from lrensemble.language.speaking import MEANING, holds_tokens, spoken
from lrensemble.pool import Pool
from lrensemble.spec import to_spec


def spoken_notes(pool: Pool, teams: Sequence[Team], split: str) -> list[str]:
    """A line for each team of several language models: the name of the consensus that was scored.

    Of answer tokens, also the NLL of the same members and weights as a mixture of sequence likelihoods, which is a
    consensus of whole answers and not of rows, and so is none that a team can be chosen by.

    Args:
        pool: whose members speak; of any kind.
        teams: that were judged.
        split: test set that the verdict is on.
    """
    notes = []
    for team in teams:
        name = spoken(pool, team.consensus)
        if name is None or len(team.team) < 2:
            continue
        line = f"{to_spec(team.method).name} was scored as {name}, {MEANING[name]}"
        if name == "token_probabilities" and pool.groups(split) is not None and pool.weights(split) is None:
            found = sequence_nll(pool, team, split)
            line += f"; as sequence_likelihoods, {MEANING['sequence_likelihoods']}, its {split} NLL is {found:.4f}"
        notes.append(f"{line}.")
    return notes


def sequence_nll(pool: Pool, team: Team, split: str) -> float:
    """NLL in nats a token of a mixture of sequence likelihoods: with weights w_m and the tokens t of an answer a,
    -Σ_a ln Σ_m w_m Π_{t in a} p_m(t), over the number of tokens.

    Args:
        pool: of answer tokens, whose groups are the answers.
        team: members and weights.
        split: whose rows are meant.
    """
    assert holds_tokens(pool), "the rows are answer tokens"
    groups: NDArray[np.int64] = np.unique(np.asarray(pool.groups(split)), return_inverse=True)[1]
    own = (np.asarray(pool[name].predictions(split).main, dtype=np.float64) for name in team.team)
    answers = np.stack([np.bincount(groups, weights=each) for each in own])
    weights = np.array(team.weights)[:, None] / np.sum(team.weights)
    return float(-scipy.special.logsumexp(answers, b=weights, axis=0).sum() / len(groups))
