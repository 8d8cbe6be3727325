"""Studies: several pools of one experiment at equal cost, trained, compared and written down.

`conduct` is the whole way; `plans` checks all that can be checked, `pools` trains, `part` takes a pool out of another,
`begun` notices a file that was edited, `averaging` makes soups. What is compared, and how, is said in `evaluate.study`.
"""

from lrensemble.studies.conduct import RESULT, compared, study
from lrensemble.studies.pools import PoolBegins, Pools, StudyEvent, train_pools

__all__ = ["RESULT", "PoolBegins", "Pools", "StudyEvent", "compared", "study", "train_pools"]
