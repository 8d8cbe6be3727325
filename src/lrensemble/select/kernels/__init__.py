"""Exact scores of many teams, fast. What is prepared once and what each kernel counts:

* `columns`: the contested pairs (row, rival class), all that accuracy depends on;
* `all_accuracy`, `all_nll`, `all_brier`: every subset of the members, block by block;
* `jit`: how kernels are compiled and cached; `subsets`: sums over all subsets of a few numbers.
"""
