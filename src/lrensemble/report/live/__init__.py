"""The page of a pool while it is trained, served to browsers that are told what changes.

`course` tells how a pool stands, `so_far` chooses the best team of today's members, `watched` makes the sections that
have changed, `together` those that compare several pools, and `watching` does so in a thread of its own; `state` keeps
what was made last, once for all viewers, and `viewers` hands it to each; `app` is what browsers ask, and `server` the
process that answers.
"""

from lrensemble.report.live.server import serve

__all__ = ["serve"]
