"""`lrensemble tune`: an experiment's recipes become members of a pool."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import typer
from typing_extensions import TypedDict

from lrensemble.cli.console import Json, Plugins, names_of, people, percent, print_json
from lrensemble.text import visible

if TYPE_CHECKING:
    from rich.progress import Progress

    from lrensemble.config import Experiment
    from lrensemble.pool import Pool
    from lrensemble.train import Elsewhere, Ended, Event
    from lrensemble.train.execution.jobs import Job


def _experiments() -> list[str]:
    from lrensemble.config import shipped

    return shipped()


def _executions() -> list[str]:
    from lrensemble.train.execution.jobs import EXECUTIONS

    return list(EXECUTIONS)


Name = Annotated[
    str, typer.Argument(help="A .toml file, or the name of one that ships.", autocompletion=names_of(_experiments))
]
Data = Annotated[Path | None, typer.Option("--data", help="Folder of the data set's files.")]
Epochs = Annotated[int | None, typer.Option(help="Number of epochs, in place of the experiment's.", min=1)]
Device = Annotated[
    str, typer.Option(help="cpu, cuda, cuda:0,cuda:1, gpus for all, mps, auto for a GPU of CUDA's if there is one.")
]
Execution = Annotated[
    str,
    typer.Option(
        help="auto, one-by-one, fused (many in one program), workers (a process a core), or measure.",
        autocompletion=names_of(_executions),
    ),
]
GroupSize = Annotated[int | None, typer.Option(help="Maximum number of members in one program.", min=1)]
SaveSteps = Annotated[int | None, typer.Option(help="Save the state every so many steps, not every epoch.", min=1)]


class TunedMember(TypedDict):
    """Ending of one run."""

    id: str
    """Id of the member in the pool."""
    name: str
    status: str
    """`finished`, `exists`, `diverged`, `pruned` or `failed`."""
    val: dict[str, float]
    """Scores on `val`, by metric; empty where the run left no predictions."""


class Tuned(TypedDict):
    """A sweep that ended."""

    pool: str
    """Folder of the pool."""
    members: list[TunedMember]
    """Members in the order in which their runs ended."""


def output() -> Any:
    """Folder of the pool, and how every run ended."""
    return Tuned


def tune(
    experiment: Name,
    out: Annotated[Path | None, typer.Option(help="Folder of the pool; runs/EXPERIMENT/pool unless given.")] = None,
    data: Data = None,
    epochs: Epochs = None,
    device: Device = "cpu",
    save_steps: SaveSteps = None,
    execution: Execution = "auto",
    group_size: GroupSize = None,
    plugin: Plugins = None,
    json: Json = False,
) -> None:
    """Train the members of an experiment that the pool does not have yet."""
    folder = out or run_folder(experiment) / "pool"
    _, ended = train(load(experiment, data, epochs, plugin), folder, device, save_steps, execution, group_size)
    if json:
        members = [TunedMember(id=e.run.id, name=e.run.name, status=e.status, val=e.scores) for e in ended]
        print_json(Tuned(pool=str(folder), members=members))
    raise typer.Exit(status_of(ended))


def run_folder(experiment: str) -> Path:
    """Default folder of an experiment's pool and result: `runs/NAME`."""
    return Path("runs") / Path(experiment).stem


def load(experiment: str, data: Path | None, epochs: int | None, plugins: list[str] | None = None) -> Experiment:
    """Experiment with the overrides and plugins of the command line."""
    from lrensemble.config import load_experiment

    overrides: dict[str, dict[str, object]] = {}
    if data is not None:
        overrides["data"] = {"folder": data}
    if epochs is not None:
        overrides["train"] = {"epochs": epochs}
    return load_experiment(experiment, overrides, plugins or ())


def train(
    experiment: Experiment,
    folder: Path,
    device: str,
    save_steps: int | None,
    execution: str,
    group_size: int | None,
) -> tuple[Pool, list[Ended]]:
    """Run the sweep and show its progress; the pool and the ending of every run are returned."""
    from lrensemble.pool import Pool
    from lrensemble.train import tune

    with terminated(), display() as shown:
        events = tune(
            experiment,
            folder,
            device=device,
            save_steps=save_steps,
            execution=execution,
            group_size=group_size,
        )
        ended = [ending for event in events if (ending := shown.show(event))]
    _summarise(ended, folder)
    return Pool.open(folder), ended


@contextmanager
def terminated() -> Iterator[None]:
    """Leave with the signal's exit status where one asked the program to end; Ctrl-C is the command line's own."""
    from lrensemble.train.run.session import Terminated

    try:
        yield
    except (Terminated, OSError) as error:
        # The terminal of a session that was closed cannot be written to any more; that is no error of the sweep.
        stopped = error.__context__ if isinstance(error, OSError) else error
        if not isinstance(stopped, Terminated):
            raise
        raise typer.Exit(stopped.exit_status) from None


def status_of(ended: list[Ended]) -> int:
    """Exit status of a sweep: 1 where a run failed."""
    return int(any(event.status == "failed" for event in ended))


def _summarise(ended: list[Ended], folder: Path) -> None:
    counts = {
        what: sum(e.status == what for e in ended) for what in ("finished", "exists", "diverged", "pruned", "failed")
    }
    words = {"finished": "trained", "exists": "there already"}
    parts = [f"{count} {words.get(what, what)}" for what, count in counts.items() if count]
    people.print(f"{len(ended)} members in {folder}: {', '.join(parts)}", soft_wrap=True)
    for event in ended:
        if event.status == "failed":
            people.print(f"  {event.run.name} failed: {event.reason} (see {folder}/failed/{event.run.id}.json)")


class _Display(Protocol):
    def show(self, event: Event) -> Ended | None:
        """Show an event; an ending is handed back."""


@contextmanager
def display() -> Iterator[_Display]:
    """A bar on a terminal, a line a member elsewhere."""
    if not people.is_terminal:
        yield _Lines()
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=people, transient=True) as progress:
        yield _Bar(progress)


class _Lines:
    """One line for every member that ends."""

    def __init__(self) -> None:
        self._planned = self._runs = self._seen = 0
        self._others: set[str] = set()

    def show(self, event: Event) -> Ended | None:
        from lrensemble.train import Elsewhere, Ended, Planned

        if isinstance(event, Elsewhere):
            _print_other_process(event, self._others)

        if isinstance(event, Planned):
            self._planned += len(event.runs)
            self._runs = self._planned + event.remaining
            _print_execution(event.jobs)
        if not isinstance(event, Ended):
            return None
        self._seen += 1
        if event.status != "exists":
            people.print(f"[{self._seen}/{self._runs}] {describe(event)}", soft_wrap=True)
        return event


class _Bar:
    """One bar over all steps of the sweep, and a line above it for every member that ends."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("planning", total=None)
        self._planned: list[int] = []
        self._done: dict[str, int] = {}
        """Steps seen of the runs that go on, by id."""
        self._current = ""
        self._others: set[str] = set()

    def show(self, event: Event) -> Ended | None:
        from lrensemble.train import Began, Elsewhere, Ended, Planned, Step

        if isinstance(event, Planned):
            self._planned += [run.policy.total for run in event.runs]
            later = event.remaining * sum(self._planned) / len(self._planned)  # as long as those known, on average
            self._progress.update(self._task, total=sum(self._planned) + later)
            _print_execution(event.jobs)
        elif isinstance(event, Began):
            self._current = event.run.id
            self._progress.update(self._task, description=visible(event.run.name))
        elif isinstance(event, Elsewhere):
            _print_other_process(event, self._others)
        elif isinstance(event, Step):
            run = event.run or self._current
            self._progress.advance(self._task, event.step + 1 - self._done.get(run, 0))
            self._done[run] = event.step + 1
        elif isinstance(event, Ended):
            already = self._done.pop(event.run.id, 0)
            self._progress.advance(self._task, event.run.policy.total - already)
            if event.status != "exists":
                people.print(describe(event))
            return event
        return None


def _print_execution(jobs: Sequence[Job]) -> None:
    """Print the execution of runs, where it is not one by one."""
    together = [len(job.runs) for part in jobs for job in (part.parts or (part,)) if job.execution == "fused"]
    if together:
        people.print(f"{sum(together)} runs are trained together, up to {max(together)} in one program")
    for job in jobs:
        if job.execution == "workers":
            devices = ", ".join(sorted(set(job.devices)))
            people.print(f"{len(job.runs)} runs are trained in {len(job.devices)} worker processes on {devices}")


def _print_other_process(event: Elsewhere, known: set[str]) -> None:
    """Print which other process works in the pool, once for each."""
    if event.holder not in known:
        known.add(event.holder)
        people.print(f"{event.holder} trains {event.run.name}; what it trains is waited for", soft_wrap=True)


def describe(event: Ended) -> str:
    """Ending of a run in one line."""
    if event.status != "finished":
        return f"{event.run.name}: {event.status} {event.reason}".rstrip()
    if "accuracy" in event.scores:
        return f"{event.run.name}: val accuracy {percent(event.scores['accuracy'])}, NLL {event.scores['nll']:.4f}"
    return f"{event.run.name}: val {', '.join(f'{name} {value:.4g}' for name, value in event.scores.items())}"
