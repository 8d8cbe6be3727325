"""Learning-rate policies: the rate as a pure function of the step, built as `name(total, *, …)`.

`basic` go one way, `cycles` up and down, `compose` puts policies together, `paper` holds the paper's grid, `lrbench`
LRBench's names; `torch_adapter` turns policies into torch schedulers and back, and alone imports torch.
"""

from lrensemble.policies.base import POLICIES, Policy, build, policy
from lrensemble.policies.basic import (
    constant,
    cosine,
    exponential,
    inverse,
    linear,
    multi_step,
    polynomial,
    sigmoid,
    step,
    table,
    trapezoidal,
)
from lrensemble.policies.compose import join, repeat, warmup, warmup_cosine
from lrensemble.policies.cycles import cosine_restarts, cosine_wave, one_cycle, sawtooth, sine, triangular
from lrensemble.policies.paper import composite, paper_grid

# isort: split
from lrensemble.policies import lrbench as _lrbench  # noqa: F401  (last: LRBench's names stand after our own)

__all__ = [
    "POLICIES",
    "Policy",
    "build",
    "composite",
    "constant",
    "cosine",
    "cosine_restarts",
    "cosine_wave",
    "exponential",
    "inverse",
    "join",
    "linear",
    "multi_step",
    "one_cycle",
    "paper_grid",
    "policy",
    "polynomial",
    "repeat",
    "sawtooth",
    "sigmoid",
    "sine",
    "step",
    "table",
    "trapezoidal",
    "triangular",
    "warmup",
    "warmup_cosine",
]
