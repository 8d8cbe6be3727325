"""What several language models say as one, each way with its name.

With weights w_m that sum to 1, and p_m(t | s) the probability that member m gives a token t after the text s:

* `token_probabilities`: p(t | s) = Σ w_m p_m(t | s), the mean of token probabilities, at every step anew;
* `token_logits`: p(t | s) ∝ Π p_m(t | s)^w_m, the softmax of the mean of token logits;
* `sequence_likelihoods`: p(answer) = Σ w_m p_m(answer), the mixture of sequence likelihoods. Token by token, it is the
  mean of token probabilities whose weights are in proportion to w_m p_m(answer so far): members that foresaw the
  answer so far count for more;
* `answer_probabilities`: of a question with choices, Σ w_m p_m(choice), where each member's likelihoods are normalised
  over the choices first. It says nothing of a text alone.
"""

from __future__ import annotations

import torch
from torch import Tensor

from lrensemble.errors import ExportError
from lrensemble.language.speaking import NAMES, Consensus

__all__ = ["NAMES", "Consensus", "after", "check_consensus", "next_token", "of_tokens", "over_choices"]


def check_consensus(name: str) -> Consensus:
    """The name, if it is one.

    Raises:
        ExportError: it is none.
    """
    if name not in NAMES:
        raise ExportError(f"no consensus of language models named {name!r}; give one of {', '.join(NAMES)}")
    found: Consensus = name  # type: ignore[assignment]  # one of them, as was looked up
    return found


def of_tokens(consensus: Consensus) -> Consensus:
    """The consensus by which texts are written: that of choices has none of its own, and token probabilities are it."""
    return "token_probabilities" if consensus == "answer_probabilities" else consensus


def next_token(consensus: Consensus, log_probs: Tensor, log_weights: Tensor) -> Tensor:
    """Log-probabilities [row, token] float64 of the next token.

    Args:
        consensus: one of tokens or sequences.
        log_probs: [member, row, token] that members give.
        log_weights: [member, row], whose exponentials sum to 1 over members; for a mixture of sequences, those that
            `after` gave.
    """
    said = log_probs.double()
    if consensus == "token_logits":
        weights = log_weights.exp()
        taking_part = torch.where(weights[:, :, None] > 0, said, 0.0)  # 0 · -inf is no number
        return torch.log_softmax((weights[:, :, None] * taking_part).sum(0), dim=-1)
    return torch.logsumexp(said + log_weights[:, :, None], dim=0)


def after(consensus: Consensus, log_weights: Tensor, token_log_probs: Tensor) -> Tensor:
    """Log-weights [member, row] after a token to which members gave log-probabilities [member, row]."""
    if consensus != "sequence_likelihoods":
        return log_weights
    return torch.log_softmax(log_weights + token_log_probs.double(), dim=0)


def over_choices(scores: Tensor, log_weights: Tensor) -> Tensor:
    """Log-probabilities [choice] by `answer_probabilities`, of members' log-likelihoods [member, choice]."""
    return torch.logsumexp(torch.log_softmax(scores.double(), dim=1) + log_weights[:, None], dim=0)
