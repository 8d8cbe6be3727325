"""How far members are apart in what they say of answer tokens."""

from __future__ import annotations

import numpy as np

from lrensemble.report.parameters import Floats


def distances(log_probs: Floats) -> Floats:
    """Mean absolute difference [member, member] of log-probabilities [member, token], in nats a token."""
    members = len(log_probs)
    found = np.zeros((members, members))
    for place, own in enumerate(log_probs):
        found[place, place + 1 :] = np.abs(log_probs[place + 1 :] - own).mean(axis=1)
    return found + found.T
