"""The selectors, one file each; importing this registers them all. What several of them need lies in `shared`."""

from lrensemble.select.methods import (  # noqa: F401  (register what they define)
    anneal,
    backward,
    beam,
    branch_and_bound,
    brute_force,
    diversity_threshold,
    focal,
    focal_fq,
    greedy,
    hierarchical,
    pareto,
    simple,
    simplex,
    weighted,
)
