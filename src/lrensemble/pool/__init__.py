"""A pool on disk: the members of one task over the same rows, one folder each.

`store` reads and writes pools, `collect` adopts predictions that were made elsewhere.
"""

from lrensemble.pool.member import Member, MemberRecord, StepStatistics
from lrensemble.pool.store import Failure, Pool
from lrensemble.pool.task import Split, Task

__all__ = ["Failure", "Member", "MemberRecord", "Pool", "Split", "StepStatistics", "Task"]
