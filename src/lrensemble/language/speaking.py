"""The ways in which several language models speak as one, by name; what each means stands with its formula in
`lrensemble.export.language.consensus`.

A pool holds what its members say of rows, and there the mean of probabilities is one consensus of many. Of what it is
the mean decides its name among those of language models: of answers, or of tokens.
"""

from __future__ import annotations

from typing import Literal, get_args

from lrensemble.pool import Pool
from lrensemble.spec import SpecLike, to_spec
from lrensemble.targets import Choices

Consensus = Literal["answer_probabilities", "sequence_likelihoods", "token_probabilities", "token_logits"]
NAMES: tuple[str, ...] = get_args(Consensus)

MEANING: dict[Consensus, str] = {
    "answer_probabilities": "the mean of answer probabilities",
    "sequence_likelihoods": "the mixture of sequence likelihoods",
    "token_probabilities": "the mean of token probabilities",
    "token_logits": "the mean of token logits",
}


def holds_tokens(pool: Pool) -> bool:
    """Whether the rows of a pool are answer tokens of which language models give the likelihood."""
    return pool.task.base is not None and any(member.form == "likelihood" for member in pool.members())


def spoken(pool: Pool, consensus: SpecLike) -> Consensus | None:
    """The name among language models of a consensus that was scored on a pool; None where it has none there.

    Args:
        pool: of language models, or any other.
        consensus: of a team, fitted or not.
    """
    if to_spec(consensus).name != "mean":
        return None
    if isinstance(pool.task.target, Choices):
        return "answer_probabilities"
    return "token_probabilities" if holds_tokens(pool) else None
