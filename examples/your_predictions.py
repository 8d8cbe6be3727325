"""Choose a team from predictions that are trained elsewhere, on bare arrays: nothing is written to disk.

python examples/your_predictions.py
"""

import numpy as np

from lrensemble.select import Validation, cross_fit, select, stability

# Six models of unequal strength on 600 rows of 4 classes: put your own log-probabilities [member, sample, class] here.
generator = np.random.default_rng(0)
labels = generator.integers(4, size=600)
logits = generator.normal(size=(6, 600, 4))
logits[:, np.arange(600), labels] += np.linspace(0.5, 2.0, 6)[:, None]
log_probs = logits - np.log(np.exp(logits).sum(axis=2, keepdims=True))

validation = Validation(log_probs.astype(np.float32), labels)
for method in ("best", "top_k(k=3)", "greedy", "brute_force", "simplex"):
    found = select(validation, method, metric="nll")
    honest = cross_fit(validation, method, metric="nll")
    print(f"{method:12} {found.team!s:20} score {found.score:.4f}, cross-fitted {honest.score:.4f}")

again = stability(validation, "greedy", resamples=10)
print("chosen again:", ", ".join(f"{member}: {share:.0%}" for member, share in enumerate(again.frequency)))
