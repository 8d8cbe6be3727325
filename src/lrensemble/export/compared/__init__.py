"""All variants of a team in one table, against what they cost.

`compare` goes all the way: `making` has the variants made or says why not, `kept` keeps those with weights of their own
in the pool, `latency` times all in turns, and `row` is what is known of each until it is a record of
`lrensemble.evaluate.variants`.
"""

from lrensemble.export.compared.compare import compare, default_variants

__all__ = ["compare", "default_variants"]
