"""A pool on disk: the members of one task over the same rows, one folder each.

`store` reads and writes pools, `removal` takes members out, `collect` takes over predictions that were made elsewhere.
"""

from lrensemble.pool.member import Member, MemberRecord, StepStatistics
from lrensemble.pool.removal import Removal, remove_members
from lrensemble.pool.store import Failure, Pool
from lrensemble.pool.task import Split, Task

__all__ = ["Failure", "Member", "MemberRecord", "Pool", "Removal", "Split", "StepStatistics", "Task", "remove_members"]
