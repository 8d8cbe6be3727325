"""Figures of a study, one kind a file.

`reader` reads one pool, `chosen` chooses from it on `val` and measures on test, `differences` pairs pools over rows and
over replicates; `subsets` draws members, `sizes` makes teams and pools smaller, `cost` counts, `equivalent` measures in
seeds, `diverse` in diversity, `soups` averages weights.
"""
