"""Test sets in files of their own: what the same members say of further rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from lrensemble.errors import PoolError, PredictionsError
from lrensemble.pool.collect.files import PredictionFile
from lrensemble.pool.collect.members import CollectedMember
from lrensemble.pool.task import split_named


def with_test_sets(
    files: Sequence[PredictionFile], tests: Mapping[str, Sequence[PredictionFile]]
) -> list[PredictionFile]:
    """The files with what their members say of further test sets.

    Members are known by their names; where the files of neither side name them, by their places.

    Args:
        files: predictions of all members, their rows in one order.
        tests: by name of the test set, files whose rows are those of the test set, in one order.

    Raises:
        PoolError: a test set lacks a member, has another one, or its rows are there already.
        PredictionsError: members in another form than elsewhere, or test rows inside a test set.
    """
    found = list(files)
    for name, given in tests.items():
        split = split_named(name)
        if split in files[0].rows:
            raise PoolError(f"{files[0].path} has {split} rows, and so has {given[0].path}; give them once")
        if len(given[0].rows) > 1:
            more = [other for other in given[0].rows if other != "val"]
            raise PredictionsError(
                f"{given[0].path} is test set {name!r} and has {more[0]} rows itself; leave them away"
            )
        said = _matched(files, given, name)
        start = 0
        for place, file in enumerate(found):
            members = tuple(
                replace(member, said={**member.said, split: other.said["val"]})
                for member, other in zip(file.members, said[start : start + len(file.members)], strict=True)
            )
            start += len(file.members)
            found[place] = replace(file, rows={**file.rows, split: given[0].rows["val"]}, members=members)
    return found


def _matched(files: Sequence[PredictionFile], given: Sequence[PredictionFile], name: str) -> list[CollectedMember]:
    """Members of a test set in the order of those of the files."""
    members = [member for file in files for member in file.members]
    others = [member for file in given for member in file.members]
    by_place = not any(file.named for file in (*files, *given))
    if by_place and len(members) != len(others):
        raise PoolError(f"test set {name!r} has {len(others)} members and the pool {len(members)}; give the same ones")
    by_name = {member.name: member for member in others}
    if not by_place:
        for mine, theirs in (({member.name for member in members}, by_name), (by_name, {m.name for m in members})):
            if lacking := [each for each in mine if each not in theirs]:
                what = "lacks" if theirs is by_name else "has"
                raise PoolError(f"test set {name!r} {what} member {min(lacking)!r}; give the same members as elsewhere")
    matched = others if by_place else [by_name[member.name] for member in members]
    for member, other in zip(members, matched, strict=True):
        if member.form != other.form:
            where = f"{other.said['val'].where} of {other.name}"
            raise PredictionsError(
                f"{where} are {other.form}, and elsewhere {member.form}; give one form of each member"
            )
    return matched
