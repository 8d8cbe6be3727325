"""What the page of a pool shows, made anew where the pool has changed; a pool may come, be written and go meanwhile."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from lrensemble.errors import LREnsembleError, PoolError
from lrensemble.evaluate import Result, load, stored_result
from lrensemble.pool import Pool
from lrensemble.report.live.course import head, is_at_work, running_in, under_way
from lrensemble.report.live.so_far import SoFar, best_so_far, team_so_far
from lrensemble.report.markup import anchors, contents_html, section_html
from lrensemble.report.page import HEAD, SECTIONS
from lrensemble.report.report_data import ReportData
from lrensemble.report.section import Section
from lrensemble.report.sections.curves import curves
from lrensemble.report.sections.verdict import verdict
from lrensemble.train.status import Status, status

logger = logging.getLogger(__name__)

CONTENTS = "contents"
"""Id of the part that is the table of contents."""

SHARE = 0.05
"""Largest share of the time that one section takes while somebody trains: that shall cost the training little."""

LONG = 0.5
"""Seconds of work after which what was made so far is shown."""

Signature = tuple[object, ...]
"""What changes with some files."""


@dataclass(frozen=True)
class Content:
    """Sections of a page, of which some changed."""

    title: str
    sections: tuple[Section, ...]

    def parts(self) -> list[tuple[str, str]]:
        """Ids and HTML of the parts of the page: each section, and the contents below the first ones."""
        ids = anchors(self.sections)
        written = [
            (place, section_html(section, place, 1 if number == 0 else 2))
            for number, (section, place) in enumerate(zip(self.sections, ids, strict=True))
        ]
        if len(written) > HEAD:
            written.insert(HEAD, (CONTENTS, contents_html(self.sections, ids)))
        return written


@dataclass
class Made:
    """Something that was made of a pool, and when it may be made again."""

    signature: Signature | None = None
    """Signature of the pool as it was then; None before it was made."""
    value: Any = None
    due: float = 0.0
    """Time by the clock of `time.monotonic`."""
    seconds: float = 0.0
    """What it took."""
    alone: threading.Lock = field(default_factory=threading.Lock)
    """Held by the thread that makes it, where the pages of several ask for it."""

    def is_due(self, signature: Signature, *, at_work: bool) -> bool:
        """Whether it is to be made again: the pool has changed, and it was not made just now beside those who train."""
        return signature != self.signature and (not at_work or time.monotonic() >= self.due)

    def make(self, signature: Signature, maker: Callable[[], Any]) -> None:
        """Make it, and take note of how long that took."""
        began, first = time.monotonic(), self.signature is None
        self.value = maker()
        self.seconds = time.monotonic() - began
        self.signature = signature
        if not first:  # the first time pays for imports and compilation
            self.due = began + self.seconds / SHARE

    def at(self, signature: Signature, maker: Callable[[], Any], *, at_work: bool) -> Any:
        """What was made last, or what is made now where it is due."""
        with self.alone:
            if self.is_due(signature, at_work=at_work):
                self.make(signature, maker)
            return self.value


@dataclass(frozen=True)
class Standing:
    """How a pool stands, in short, beside others."""

    name: str
    state: str
    """In words."""
    pool: Pool | None = None
    """None where it is not there, or cannot be read just now."""
    found: Status | None = None
    result: Result | None = None
    """Its evaluation; None as long as somebody trains."""
    so_far: SoFar | str | None = None
    """As of `best_so_far`."""
    signature: Signature = ()


class Watched:
    """A pool that is looked at again and again, by one thread. What has not changed is not made again."""

    def __init__(self, folder: Path, name: str, *, trust_code: bool = False) -> None:
        self.folder, self.name, self._trust_code = folder, name, trust_code
        self._last: tuple[Section, ...] = ()
        """Sections that were seen last."""
        self._begin()

    def _begin(self) -> None:
        self._report: ReportData | None = None
        self._seen: Signature | None = None
        """Signature of the pool and the team that `_report` is of."""
        self._team = Made()
        self._made = {make: Made() for make, _ in SECTIONS if make not in (verdict, curves)}

    def look(self) -> Iterator[Content]:
        """What the page shows now: at first how the sweep stands, then what takes longer, where members have changed.

        That a pool is not there, or cannot be read as it is just being changed, is told above what was seen last.
        """
        try:
            if (self.folder / "pool.json").exists():
                yield from self._look(Pool.open(self.folder, trust_code=self._trust_code))
            else:
                self._begin()
                yield self._told("removed" if self._last else "no pool yet", self._why_empty())
        except (LREnsembleError, OSError) as error:
            yield self._told("cannot be read just now", str(error).replace(str(self.folder), self.name))
        except Exception as error:  # a bug of ours or of a library: the viewers are told, and the next look may be good
            logger.warning("the page of %s cannot be made: %r", self.name, error, exc_info=True)
            yield self._told("cannot be shown just now", f"{type(error).__name__}: {error}")

    def standing(self) -> Standing:
        """How it stands now, for the page that compares it with others; its own page is made by another thread."""
        try:
            if not (self.folder / "pool.json").exists():
                return Standing(self.name, "no pool yet")
            pool = Pool.open(self.folder, trust_code=self._trust_code)
            files, found = signature_of(self.folder), status(pool)
            at_work = is_at_work(found)
            result = None if at_work else _result_of(pool)
            signature: Signature = (at_work, files)
            so_far = self._team.at(signature, partial(best_so_far, pool), at_work=at_work)
            state = "under way" if at_work else "evaluated" if result is not None else "not evaluated yet"
            return Standing(self.name, state, pool, found, result, so_far, signature)
        except (LREnsembleError, OSError):
            return Standing(self.name, "cannot be read just now")
        except Exception as error:  # as in `look`
            logger.warning("%s cannot be compared: %r", self.name, error, exc_info=True)
            return Standing(self.name, "cannot be shown just now")

    def _why_empty(self) -> str:
        if self._last:
            return f"{self.name} was removed. This is what was seen of it last; it is looked for again."
        return f"There is no pool at {self.name} yet. It is shown here as soon as a sweep makes it."

    def _look(self, pool: Pool) -> Iterator[Content]:
        files, found = signature_of(self.folder), status(pool)
        at_work = is_at_work(found)
        self._open(pool, (at_work, files), at_work=at_work)
        yield self._content(found)
        report, signature = self._report, self._seen
        assert report is not None
        assert signature is not None
        for make, need in SECTIONS:
            if make not in self._made or not self._made[make].is_due(signature, at_work=at_work):
                continue
            serves = need is None or (report.members and report.all_serve(need))
            self._made[make].make(signature, partial(make, report) if serves else lambda: None)
            if self._made[make].seconds > LONG:
                yield self._content(found)
        yield self._content(found)

    def _open(self, pool: Pool, signature: Signature, *, at_work: bool) -> None:
        """Read the pool anew, if it has changed, and choose the best team of it."""
        result = None if at_work else _result_of(pool)  # test is not shown while a sweep goes on
        chosen: SoFar | str | None = None
        if result is None:
            chosen = self._team.at(signature, partial(best_so_far, pool), at_work=at_work)
        so_far = frozenset[str]() if chosen is None or isinstance(chosen, str) else frozenset(chosen.team.team)
        if (signature, so_far) != self._seen:
            self._report = ReportData(pool, result, page=self.folder / "report.html", so_far=so_far)
            self._seen = (signature, so_far)

    def _content(self, found: Status) -> Content:
        report = self._report
        assert report is not None
        running, names = running_in(report.pool, found), {member.id: member.name for member in report.members}
        made = [
            verdict(report) if report.judged else head(report, found),
            under_way(found),
            None if report.judged else team_so_far(self._team.value, names),
            *(curves(report, running) if make is curves else self._made[make].value for make, _ in SECTIONS[1:]),
        ]
        self._last = tuple(section for section in made if section is not None)
        return Content(self._last[0].title, self._last)

    def _told(self, stands: str, why: str) -> Content:
        """Page that says why there is nothing new, above what was seen last."""
        above = Section(f"{self.name}: {stands}", [why])
        return Content(above.title, (above, *self._last[1:]))


def _result_of(pool: Pool) -> Result | None:
    """Stored evaluation of exactly today's members; nothing is evaluated here."""
    try:
        teams = load(pool)
    except PoolError:  # all of them were chosen among other members
        return None
    return stored_result(pool, teams)


def signature_of(folder: Path) -> Signature:
    """What changes when a member, a failure, a team or a result comes or goes."""
    files = [folder / "pool.json", folder / "result.json", folder.parent / "result.json"]
    folders = [(folder / "members", "member.json"), (folder / "failed", ""), (folder / "selections", "")]
    return (*map(_state, files), *(tuple(_states(own, name)) for own, name in folders))


def _states(folder: Path, name: str) -> Iterator[tuple[str, object]]:
    try:
        entries = sorted(os.listdir(folder))
    except OSError:
        return
    for entry in entries:
        if not entry.startswith("."):
            yield entry, _state(folder / entry / name)


def _state(path: Path) -> object:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
