"""A pool on disk: the members of one task over the same rows, one folder each.

`store` reads and writes pools, `removal` finds members and takes them out, `keeping` renames, slims and merges,
`made_with` says what decides a member's bits, `gone` what was taken away while it is read, `collect` takes over
predictions that were made elsewhere.
"""

from lrensemble.pool.keeping import Merged, Slimmed, drop_weights, members_in_teams, merge_pools, rename_member
from lrensemble.pool.made_with import MadeWith
from lrensemble.pool.member import Failure, Member, MemberRecord, StepStatistics
from lrensemble.pool.removal import Removal, find_member, remove_members
from lrensemble.pool.store import Pool
from lrensemble.pool.task import Split, Task

__all__ = [
    "Failure",
    "MadeWith",
    "Member",
    "MemberRecord",
    "Merged",
    "Pool",
    "Removal",
    "Slimmed",
    "Split",
    "StepStatistics",
    "Task",
    "drop_weights",
    "find_member",
    "members_in_teams",
    "merge_pools",
    "remove_members",
    "rename_member",
]
