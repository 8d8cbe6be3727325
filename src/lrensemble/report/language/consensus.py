"""The consensus that was scored, by name: there are several ways for language models to speak as one."""

from __future__ import annotations

from lrensemble.spec import to_spec

OF_TOKENS = {
    "mean": "the mean of token probabilities (token_probabilities)",
    "geometric_mean": "the softmax of the mean of token logits (token_logits)",
    "sequence_likelihoods": "the mixture of sequence likelihoods (sequence_likelihoods)",
}
OF_CHOICES = {
    "mean": "the mean of answer probabilities (answer_probabilities)",
    "geometric_mean": "the geometric mean of answer probabilities, normalised over the answers",
}


def scored(consensus: str, *, choices: bool) -> str:
    """A consensus in words, as it was scored on answer tokens or on choices."""
    name = to_spec(consensus).name
    return (OF_CHOICES if choices else OF_TOKENS).get(name, f"the consensus {consensus}")
