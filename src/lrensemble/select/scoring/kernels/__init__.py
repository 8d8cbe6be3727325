"""Exact scores of many teams, fast. What is prepared once and what each kernel counts:

* `columns`: the contested pairs (row, rival class), all that accuracy depends on;
* `exhaustive`: every subset of the members, block by block; `incremental_*`: a team with each candidate added;
* `jit`: how kernels are compiled and cached; `subsets`: sums over all subsets of a few numbers.
"""
