"""Studies: several pools at equal cost, compared.

`comparison` puts together what the others find: `reader` reads one pool, `chosen` chooses from it on `val` and measures
on test, `differences` pairs pools over rows and over replicates, `sizes` and `subsets` make teams and pools smaller,
`cost` counts, `equivalent` measures in seeds, `diverse` in diversity, `soups` averages weights. `claim` and `tables`
say it in words, `record` holds the content of `study.json`.
"""

from lrensemble.evaluate.study.comparison import compare
from lrensemble.evaluate.study.record import Comparison
from lrensemble.evaluate.study.tables import tables

__all__ = ["Comparison", "compare", "tables"]
