"""Studies: several pools of one experiment at equal cost, trained, compared and written down.

`conduct` is the whole way, `pools` plans and trains, `part` takes a pool out of another, `begun` notices a file that
was edited. What is compared, and how, is said in `evaluate.study`.
"""

from lrensemble.studies.conduct import RESULT, compared, study
from lrensemble.studies.pools import PoolBegins, StudyEvent, plan_of, train_pools

__all__ = ["RESULT", "PoolBegins", "StudyEvent", "compared", "plan_of", "study", "train_pools"]
