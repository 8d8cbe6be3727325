"""`lrensemble tune`: an experiment's recipes become members of a pool."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typing_extensions import TypedDict

from lrensemble.cli.beside import dashboard_of
from lrensemble.cli.console import Json, Plugins, names_of, people, print_json, progress_of, registered, writable
from lrensemble.cli.ending import OUT_OF_TIME
from lrensemble.text.counted import counted

if TYPE_CHECKING:
    from lrensemble.config import Experiment
    from lrensemble.front.sweep import How, Swept
    from lrensemble.pool import Pool
    from lrensemble.train import Ended


def _experiments() -> list[str]:
    from lrensemble.config import shipped

    return shipped()


def _executions() -> list[str]:
    from lrensemble.registry import written_keys

    return written_keys("lrensemble.train.execution.jobs", "COST_RULES")


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
        help="auto, one-by-one, fused (many in one program), workers (a process a core), measure, or sharded.",
        autocompletion=names_of(_executions),
    ),
]
GroupSize = Annotated[int | None, typer.Option(help="Maximum number of members in one program.", min=1)]
Hours = Annotated[float | None, typer.Option(help="Hours after which it saves and ends; the same command goes on.")]
Reproducible = Annotated[
    bool,
    typer.Option(
        "--reproducible",
        help="The same bits on every machine of this kind: one thread, each run alone or in groups of --group-size.",
    ),
]
Log = Annotated[
    list[str] | None,
    typer.Option(
        "--log",
        metavar="LOGGER",
        help="Who else is told what happens: tensorboard, mlflow, wandb, or your own; may be repeated.",
        autocompletion=registered("loggers"),
    ),
]
ExecutorOf = Annotated[
    str | None,
    typer.Option(
        "--executor",
        help="Who trains: in_process, processes(workers=4), ray(address='auto', gpus=1); what suits unless given.",
        autocompletion=registered("executors"),
    ),
]
ShardOf = Annotated[
    str | None,
    typer.Option(
        "--shard",
        metavar="I/N",
        help="Only part I of N fixed ones, for who divides a sweep by hand; started N times without it, N share it.",
    ),
]
Dashboard = Annotated[bool, typer.Option("--dashboard", help="Serve the page of the pool while it is trained.")]
SaveSteps = Annotated[
    int | None,
    typer.Option(help="Steps between two savings of a run's state; as many as take half a minute unless given.", min=1),
]


class TunedMember(TypedDict):
    """Ending of one run."""

    id: str
    """Id of the member in the pool."""
    name: str
    status: str
    """`finished`, `exists`, `diverged`, `learned_nothing`, `pruned` or `failed`."""
    val: dict[str, float]
    """Scores on `val`, by metric; empty where the run left no predictions."""


class Tuned(TypedDict):
    """A sweep that ended."""

    pool: str
    """Folder of the pool."""
    members: list[TunedMember]
    """Members in the order in which their runs ended."""
    missing: int
    """Number of runs that the hours did not suffice for."""


EXAMPLES = (
    "lrensemble tune digits --out pool",
    "lrensemble tune experiment.toml --out pool --hours 8 --log tensorboard",
)


def output() -> Any:
    """Folder of the pool, and how every run ended."""
    return Tuned


def tune(
    experiment: Name,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the pool; runs/EXPERIMENT/pool unless given.", callback=writable)
    ] = None,
    data: Data = None,
    epochs: Epochs = None,
    device: Device = "cpu",
    save_steps: SaveSteps = None,
    execution: Execution = "auto",
    group_size: GroupSize = None,
    reproducible: Reproducible = False,
    hours: Hours = None,
    shard: ShardOf = None,
    executor: ExecutorOf = None,
    log: Log = None,
    dashboard: Dashboard = False,
    plugin: Plugins = None,
    json: Json = False,
) -> None:
    """Train the members of an experiment that the pool does not have yet."""
    from lrensemble.front.sweep import How

    folder = out or run_folder(experiment) / "pool"
    how = How(
        device=device,
        save_steps=save_steps,
        execution=execution,
        group_size=group_size,
        reproducible=reproducible,
        hours=hours,
        loggers=log or (),
        shard=shard,
        executor=executor,
    )
    settings = load(experiment, data, epochs, plugin)
    swept, _ = train(settings, folder, how, dashboard_of(folder, plugin) if dashboard else None)
    if json:
        members = [TunedMember(id=e.run.id, name=e.run.name, status=e.status, val=e.scores) for e in swept.ended]
        print_json(Tuned(pool=str(folder), members=members, missing=swept.missing))
    raise typer.Exit(status_of(swept.ended, swept.missing))


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
    experiment: Experiment, folder: Path, how: How, beside: AbstractContextManager[None] | None = None
) -> tuple[Swept, Pool]:
    """Run the sweep and show its progress; what became of it, and the pool.

    Args:
        experiment: what to train.
        folder: folder of the pool.
        how: options of the sweep.
        beside: what goes on as long as it trains.
    """
    from lrensemble.cli.progress import shown
    from lrensemble.evaluate import default_metric
    from lrensemble.evaluate.peaks import edge_of_peaks
    from lrensemble.front.sweep import Swept, others_in, sweep
    from lrensemble.pool import Pool
    from lrensemble.train.run.sharded.processes import follows

    experiment, swept = _based(experiment), Swept()
    with beside or nullcontext(), terminated(), shown() as show:
        for event in sweep(experiment, folder, how):
            show(event)
            swept.note(event)
    if how["execution"] == "sharded" and follows():
        raise typer.Exit(0)  # who leads tells what became of it
    _summarise(swept.ended, folder)
    if swept.missing:
        people.print(
            f"the time is over ({how['hours']:g} hours), runs missing: {swept.missing}; what was begun is saved, and "
            "the same command goes on",
            soft_wrap=True,
        )
    pool = Pool.open(folder)
    members = pool.members()
    if members and (line := edge_of_peaks(members, default_metric(pool))):
        people.print(line, soft_wrap=True)
    if how["shard"] is not None:
        people.print(_of_shards(how["shard"], swept.elsewhere), soft_wrap=True)
    elif line := others_in(pool, swept.ids, "--out FOLDER"):
        people.print(line, soft_wrap=True)
    return swept, pool


def _based(experiment: Experiment) -> Experiment:
    """The experiment with the base that it pre-trains, whose progress is shown."""
    if experiment.pretrain is None:
        return experiment
    from lrensemble.train.sweep.pretraining import with_base

    with progress_of("pre-training"):
        return with_base(experiment)


def _of_shards(shard: str, elsewhere: int) -> str:
    """Line on what a shard leaves to others."""
    if elsewhere:
        return f"shard {shard} is done; {counted(elsewhere, 'run')} of other shards to go"
    return f"shard {shard} is done, and so are all others"


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


def status_of(ended: Iterable[Ended], missing: int = 0) -> int:
    """Exit status of a sweep: 124 where runs are missing since the time is over, 1 where a run failed."""
    return OUT_OF_TIME if missing else int(any(event.status == "failed" for event in ended))


def _summarise(ended: Sequence[Ended], folder: Path) -> None:
    words = {"finished": "trained", "exists": "there already", "diverged": "diverged"}
    words |= {"learned_nothing": "learned nothing", "pruned": "pruned", "failed": "failed"}
    counts = {what: sum(event.status == what for event in ended) for what in words}
    parts = [f"{count} {words[what]}" for what, count in counts.items() if count]
    people.print(
        f"{counted(len(ended), 'member')} in {folder}{': ' if parts else ''}{', '.join(parts)}", soft_wrap=True
    )
    for event in ended:
        if event.status == "failed":
            people.warn(f"  {event.run.name} failed: {event.reason} (see {folder}/failed/{event.run.id}.json)")
