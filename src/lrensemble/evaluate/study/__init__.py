"""Studies: several pools over the same rows, compared.

`comparison` puts together what `findings` hold, `claim` and `tables` say it in `words`, and `record` is the content of
`study.json`, which `stored` reads.
"""

from lrensemble.evaluate.study.comparison import compare
from lrensemble.evaluate.study.record import Comparison
from lrensemble.evaluate.study.stored import STUDY, is_study, read_comparison
from lrensemble.evaluate.study.tables import tables

__all__ = ["STUDY", "Comparison", "compare", "is_study", "read_comparison", "tables"]
