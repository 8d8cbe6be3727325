"""Predictions that were made elsewhere become a pool: files and folders of arrays.

`names` says what an array is by its name, `files` reads them, `members` says what each member gives, `identity` which
rows are the same, `division` which of them are in which split, and `into_pool` adds the members.
"""

from lrensemble.pool.collect.into_pool import CollectResult, collect

__all__ = ["CollectResult", "collect"]
