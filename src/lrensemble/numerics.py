"""Numerical contracts that hold alike wherever predictions are measured, combined, selected or shipped."""

from __future__ import annotations

import numpy as np

SMALLEST_PROBABILITY = np.finfo(np.float64).eps
"""What a probability counts as in a logarithm where it is less, zero among them: a row costs 36.04 nats at most.

scikit-learn's `log_loss` clips float64 there too. It is the same for probabilities of any type.
"""
