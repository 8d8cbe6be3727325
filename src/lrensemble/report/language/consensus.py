"""The consensus that was scored, by name: there are several ways for language models to speak as one."""

from __future__ import annotations

from lrensemble.language.speaking import MEANING, Consensus
from lrensemble.spec import to_spec


def scored(consensus: str, *, choices: bool) -> str:
    """A consensus in words, as it was scored on answer tokens or on choices."""
    if to_spec(consensus).name != "mean":  # of answer tokens there is no other
        return f"the consensus {consensus}"
    own: Consensus = "answer_probabilities" if choices else "token_probabilities"
    return f"{MEANING[own]} ({own})"
