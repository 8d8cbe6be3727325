"""Predictions that were made elsewhere become a pool: files and folders of arrays.

`names` says what an array is by its name, `reading` opens what other programs wrote, `sources` reads all that is given
and `files` makes members of it; `labels`, `classes`, `rounded` and `unpredicted` bring what means one thing into one
form; `members` says what each member gives, `identity` which
rows are the same, `division` which of them are in which split, and `into_pool` adds the members.
"""

from lrensemble.pool.collect.into_pool import CollectResult, collect

__all__ = ["CollectResult", "collect"]
