"""Detection of foreign rows by how unsure predictions are: by entropy or mutual information."""

from __future__ import annotations

import numpy as np
import scipy

from lrensemble.metrics.base import Floats
from lrensemble.metrics.ranking import roc_auc


def entropy(probs: Floats) -> Floats:
    """Entropy [...] in nats of probabilities [..., class]: -Σ p ln p."""
    return np.asarray(scipy.special.entr(probs).sum(axis=-1))


def mutual_information(probs: Floats, weights: Floats | None = None) -> Floats:
    """Mutual information [sample] of class and member in nats: how much members disagree (Depeweg et al. 2018).

    Entropy of the weighted mean of probabilities, less the weighted mean of entropies; never negative.

    Args:
        probs: [member, sample, class] probabilities.
        weights: [member] of the mean; all the same where not given.
    """
    shares = np.full(len(probs), 1 / len(probs)) if weights is None else np.asarray(weights) / np.sum(weights)
    mean = np.einsum("msc,m->sc", probs, shares)
    return np.asarray(np.maximum(entropy(mean) - np.einsum("ms,m->s", entropy(probs), shares), 0.0))


def detection_auroc(known: Floats, foreign: Floats) -> float:
    """How often a foreign row is more unsure than a known one, ties half: area under the ROC curve.

    Args:
        known: uncertainty of rows that are like those of the training, [sample].
        foreign: uncertainty of others, [foreign sample].
    """
    both = np.concatenate([known, foreign])
    return roc_auc(np.stack([-both, both], axis=1), np.repeat([0, 1], [len(known), len(foreign)]))


def fpr_at_recall(known: Floats, foreign: Floats, recall: float = 0.95) -> float:
    """Share of known rows that are called foreign by the highest threshold that finds so many foreign ones; FPR95.

    Args:
        known: uncertainty of rows that are like those of the training, [sample].
        foreign: uncertainty of others, [foreign sample].
        recall: share of foreign rows that are to be found.
    """
    ranked = np.sort(foreign)[::-1]
    limit = ranked[max(0, int(np.ceil(recall * len(ranked) - 1e-9)) - 1)]
    return float(np.mean(known >= limit))
