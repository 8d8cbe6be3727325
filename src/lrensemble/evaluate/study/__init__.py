"""Studies: several pools of one experiment at equal cost, compared.

`training` trains the pools of a study file or finds them, `begun` notices edited files, `part` makes a pool of a part;
`comparison` puts together what `findings` hold, `claim` and `tables` say it in `words`, and `record` is the content of
`study.json`.
"""

from lrensemble.evaluate.study.comparison import compare
from lrensemble.evaluate.study.record import Comparison
from lrensemble.evaluate.study.tables import tables

__all__ = ["Comparison", "compare", "tables"]
