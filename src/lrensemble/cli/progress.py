"""Progress of a sweep, for people: a live table on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from lrensemble.cli.console import people, percent
from lrensemble.cli.course import Course, UnderWay, shown_metric
from lrensemble.text import time_in_words
from lrensemble.train import Counted, Elsewhere, Ended, Epoch, Event, Planned
from lrensemble.train.execution.jobs import Job

SECONDS_PER_LINE = 30.0
"""Seconds between two lines of progress, where there is no terminal."""
SECONDS_PER_PICTURE = 0.25
"""Seconds between two pictures of the table at least."""
MOST_ROWS = 12
"""Runs under way that the table shows at most; the best of more."""
OTHER_LINES = 6
"""Lines of a terminal that are not for runs: the heading, how many more there are, the bar, and some above."""

Show = Callable[[Event], Ended | None]
"""Shows an event; an ending is handed back."""


@contextmanager
def shown() -> Iterator[Show]:
    """Show events: in a table on a terminal, else in lines."""
    if not people.is_terminal:
        yield Lines().show
        return
    with Live(console=people, auto_refresh=False, transient=True, vertical_overflow="crop") as live:
        yield LiveTable(live).show


class Lines:
    """A line for every run that ends; one after the first epoch and then one every half minute for those under way."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._course = clock, Course()
        self._others = set[str]()
        self._due = math.inf
        """When the next line is due; before the first epoch never."""

    def show(self, event: Event) -> Ended | None:
        """Show an event; an ending is handed back."""
        now = self._clock()
        if now >= self._due and not isinstance(event, Epoch):  # those of a group come together
            people.print(line_of_progress(self._course, now), soft_wrap=True)
            self._due = now + SECONDS_PER_LINE
        self._course.note(event, now)
        if isinstance(event, Epoch) and self._due == math.inf:
            self._due = now
        told = print_what_happened(event, self._others)
        if isinstance(event, Ended) and event.status != "exists":
            people.print(f"[{self._course.ended}/{self._course.runs}] {describe(event)}", soft_wrap=True)
        return told


class LiveTable:
    """The runs under way, the best first, over a bar for the whole sweep; above it a line for every run that ends."""

    def __init__(self, live: Live, clock: Callable[[], float] = time.monotonic) -> None:
        self._live, self._clock, self._course = live, clock, Course()
        self._others = set[str]()
        self._last = -math.inf

    def show(self, event: Event) -> Ended | None:
        """Show an event; an ending is handed back."""
        now = self._clock()
        self._course.note(event, now)
        told = print_what_happened(event, self._others)
        if isinstance(event, Ended) and event.status != "exists":
            people.print(describe(event))
        if now - self._last >= SECONDS_PER_PICTURE:
            self._last = now
            self._live.update(picture(self._course, now, people.size.height), refresh=True)
        return told


def print_what_happened(event: Event, others: set[str]) -> Ended | None:
    """Print what is planned and who else is at work; an ending is handed back."""
    if isinstance(event, Planned):
        print_execution(event.jobs)
    elif isinstance(event, Counted):
        people.print(event.line, soft_wrap=True)
    elif isinstance(event, Elsewhere) and event.holder not in others:
        others.add(event.holder)
        people.print(f"{event.holder} trains {event.run.name}; what it trains is waited for", soft_wrap=True)
    return event if isinstance(event, Ended) else None


def print_execution(jobs: Sequence[Job]) -> None:
    """Print the execution of runs, where it is not one by one."""
    together = [len(job.runs) for part in jobs for job in (part.parts or (part,)) if job.execution == "fused"]
    if together:
        people.print(f"{sum(together)} runs are trained together, up to {max(together)} in one program")
    for job in jobs:
        if job.execution == "workers":
            devices = ", ".join(sorted(set(job.devices)))
            people.print(f"{len(job.runs)} runs are trained in {len(job.devices)} worker processes on {devices}")


def picture(course: Course, now: float, height: int) -> RenderableType:
    """The live table, for a terminal of so many lines."""
    rows = max(1, min(MOST_ROWS, height - OTHER_LINES))
    best = course.best_first()
    table = Table(box=None, expand=True, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(heading(course), ratio=1, no_wrap=True, overflow="ellipsis")
    for name in ("epoch", "rate", "loss", column_of_scores(best)):
        table.add_column(name, justify="right", no_wrap=True)
    for each in best[:rows]:
        table.add_row(each.run.name, each.epochs, number(each.rate), number(each.loss), score_of(each))
    more = [f"and {len(best) - rows} more"] if len(best) > rows else []
    return Group(table, *more, bar(course, now))


def heading(course: Course) -> str:
    """`3 of 16 done, 13 running`."""
    return f"{course.ended} of {course.runs} done, {len(course.running)} running"


def bar(course: Course, now: float) -> RenderableType:
    """The whole sweep as a bar, with speed and time left."""
    line = Table.grid(padding=(0, 2, 0, 0), expand=True)
    line.add_column(ratio=1)
    for _ in range(3):
        line.add_column(justify="right", no_wrap=True)
    done = ProgressBar(total=1.0, completed=course.share)
    line.add_row(done, f"{course.share:.0%}", speed(course), f"{time_in_words(course.seconds_left(now))} left")
    return line


def line_of_progress(course: Course, now: float) -> str:
    """Where a sweep stands, in one line."""
    parts = [heading(course)]
    for best in course.best_first()[:1]:
        name = "best" if len(course.running) > 1 else "it is"
        metric = column_of_scores([best])
        parts.append(
            f"{name} {best.run.name}: epoch {best.epochs}, loss {number(best.loss)}, {metric} {score_of(best)}"
        )
    left = time_in_words(course.seconds_left(now))
    return f"{'; '.join(parts)}; {speed(course)}, {course.share:.0%} done, {left} left"


def column_of_scores(runs: Sequence[UnderWay]) -> str:
    """`val accuracy`, or the metric that runs are shown by."""
    scores = next((each.epoch.scores for each in runs if each.epoch is not None), {})
    return f"val {shown_metric(scores) or 'score'}"


def score_of(each: UnderWay) -> str:
    """Score on val of a run's last epoch; a dash before there is one."""
    if each.epoch is None or (metric := shown_metric(each.epoch.scores)) is None:
        return "–"
    value = each.epoch.scores[metric]
    return percent(value) if metric == "accuracy" else number(value)


def number(value: float) -> str:
    """Four digits, `0.0500`; a dash for what is not known."""
    return "–" if math.isnan(value) else f"{value:#.4g}".removesuffix(".")


def speed(course: Course) -> str:
    """`3,412 samples/s`."""
    known = course.samples_per_second
    return "– samples/s" if math.isnan(known) else f"{known:,.0f} samples/s"


def describe(event: Ended) -> str:
    """Ending of a run in one line."""
    if event.status != "finished":
        return f"{event.run.name}: {event.status.replace('_', ' ')} {event.reason}".rstrip()
    if "accuracy" in event.scores:
        return f"{event.run.name}: val accuracy {percent(event.scores['accuracy'])}, NLL {event.scores['nll']:.4f}"
    return f"{event.run.name}: val {', '.join(f'{name} {value:.4g}' for name, value in event.scores.items())}"
