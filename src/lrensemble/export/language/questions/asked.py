"""What a team and its members said of texts after their contexts, each asked once, however often it is wanted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from lrensemble.export.language.consensus import over_choices
from lrensemble.export.language.ensemble import LanguageEnsemble
from lrensemble.language.pairs import Pair, encode_pairs

Reply = tuple[float, bool]
"""Log-likelihood of a text after its context, and whether it is what would be written greedily."""


@dataclass(frozen=True)
class Replies:
    """Replies to one pair."""

    team: Reply
    members: tuple[Reply, ...]


class Asked:
    """A team that remembers what it was asked: all members look at a text together, and each is then heard alone."""

    def __init__(self, ensemble: LanguageEnsemble, rows: int) -> None:
        """Take a team, and the sequences in a batch."""
        self.ensemble, self.rows = ensemble, rows
        self._known: dict[Pair, Replies] = {}

    def members(self, pairs: Sequence[Pair], place: int) -> list[Reply]:
        """Replies [pair] of one member alone."""
        self._ask(pairs)
        return [self._known[pair].members[place] for pair in pairs]

    def heard(self, pairs: Sequence[Pair]) -> list[tuple[Reply, ...]]:
        """Replies [pair, member] of all members."""
        self._ask(pairs)
        return [self._known[pair].members for pair in pairs]

    def team(self, pairs: Sequence[Pair]) -> list[Reply]:
        """Replies [pair] of the team.

        By `answer_probabilities` they are logarithms of the mean of the probabilities of the answers of one question,
        which stand one after another and have one context.

        Raises:
            DataError, ExportError: as `LanguageEnsemble.log_likelihoods`.
        """
        self._ask(pairs)
        replies = [self._known[pair] for pair in pairs]
        totals = np.array([each.team[0] for each in replies], dtype=np.float64)
        if self.ensemble.description.consensus == "answer_probabilities":
            members = torch.tensor([[own[0] for own in each.members] for each in replies], dtype=torch.float64).T
            log_weights = torch.from_numpy(self.ensemble.weights).log()
            for question in questions_of(pairs):
                totals[question] = over_choices(members[:, question], log_weights).numpy()
        return [(float(total), each.team[1]) for total, each in zip(totals, replies, strict=True)]

    def _ask(self, pairs: Sequence[Pair]) -> None:
        new = list(dict.fromkeys(pair for pair in pairs if pair not in self._known))
        if not new:
            return
        team = self.ensemble
        scored = team.score(encode_pairs(team.tokenizer, new, team.context).sequences, self.rows)
        totals, members = scored.log_probs.sum(axis=1), scored.members.sum(axis=2)
        for place, pair in enumerate(new):
            own = zip(members[:, place].tolist(), scored.members_greedy[:, place].tolist(), strict=True)
            self._known[pair] = Replies((float(totals[place]), bool(scored.greedy[place])), tuple(own))


def questions_of(pairs: Sequence[Pair]) -> list[NDArray[np.int64]]:
    """Places of pairs that are answers of one question: they stand together and have one context."""
    starts = [place for place, pair in enumerate(pairs) if place == 0 or pair[0] != pairs[place - 1][0]]
    return [np.arange(start, end) for start, end in zip(starts, [*starts[1:], len(pairs)], strict=True)]
