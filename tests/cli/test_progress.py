"""Progress of a sweep as people see it: lines at stated intervals, and a table that fits the terminal."""

import itertools
from pathlib import Path

import pytest
from rich.console import RenderableType
from rich.live import Live
from tests.cli.command import Command

from lrensemble.cli.console import people
from lrensemble.cli.course import Course
from lrensemble.cli.progress import Lines, LiveTable, picture
from lrensemble.config import load_experiment
from lrensemble.train import Began, Epoch, Event, tune

TOML = """
data = "digits"
model = "mlp(width=4)"
[train]
epochs = 4
batch_size = 100
[[policy]]
name = "cosine"
peak = [0.02, 0.05, 0.1]
[[policy]]
name = "join"
pieces = [{name = "cosine", peak = 0.05}, {name = "constant", peak = 0.012345678901234}]
boundaries = [0.5]
"""


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> list[Event]:
    """A group of four runs of four epochs."""
    folder = tmp_path_factory.mktemp("sweep")
    (folder / "e.toml").write_text(TOML)
    return list(tune(load_experiment(str(folder / "e.toml")), folder / "pool", execution="fused"))


class Clock:
    """A second from one look to the next."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


def test_a_line_after_the_first_epoch_and_then_one_every_half_minute(
    events: list[Event], capsys: pytest.CaptureFixture[str]
) -> None:
    shown = Lines(Clock()).show
    told: list[int] = []
    for place, event in enumerate(events):
        capsys.readouterr()
        shown(event)
        if " running" in capsys.readouterr().err:
            told.append(place)
    first = next(place for place, event in enumerate(events) if isinstance(event, Epoch))
    assert told[0] == first + 4, "when all four have told their epoch"
    between = [after - before for before, after in itertools.pairwise(told)]
    assert all(30 <= each <= 34 for each in between), "the events of an epoch stay together"
    assert len(events) - told[-1] < 60


def test_what_a_line_says(events: list[Event], capsys: pytest.CaptureFixture[str]) -> None:
    show = Lines(Clock()).show
    epochs = [event for event in events if isinstance(event, Epoch) and event.epoch == 1]
    best = max(epochs, key=lambda event: event.scores["accuracy"])
    name = next(event.run.name for event in events if isinstance(event, Began) and event.run.id == best.run)
    for event in events[: events.index(epochs[-1]) + 2]:
        show(event)
    (line,) = [line for line in capsys.readouterr().err.splitlines() if " running" in line]
    speed = sum(event.samples_per_second for event in epochs)
    assert line.startswith(
        f"0 of 4 done, 4 running; best {name}: epoch 1/4, loss {best.train_loss:#.4g}, "
        f"val accuracy {100 * best.scores['accuracy']:.2f}; {speed:,.0f} samples/s, 25% done, "
    )
    assert line.endswith(" left")


def test_a_group_without_a_terminal_is_not_silent(command: Command, tmp_path: Path) -> None:
    (tmp_path / "e.toml").write_text(TOML)
    _, out, err = command("tune", tmp_path / "e.toml", "--execution", "fused", "--out", tmp_path / "pool")
    lines = err.splitlines()
    assert (out, lines[0]) == ("", "4 runs are trained together, up to 4 in one program")
    assert lines[1].startswith("0 of 4 done, 4 running; best ")
    assert [line[:5] for line in lines[2:6]] == ["[1/4]", "[2/4]", "[3/4]", "[4/4]"]


def rows_of(what: RenderableType) -> list[str]:
    with people.capture() as captured:
        people.print(what)
    return captured.get().splitlines()


@pytest.mark.parametrize(("height", "rows"), [(6, 1), (9, 3), (24, 4)])
def test_the_table_stays_within_the_terminal(
    events: list[Event], monkeypatch: pytest.MonkeyPatch, height: int, rows: int
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    course = Course()
    for now, event in enumerate(events[: len(events) // 2]):
        course.note(event, float(now))
    lines = rows_of(picture(course, 100.0, height))
    assert len(lines) == 2 + rows + (rows < 4) <= height
    assert all(len(line) <= 80 for line in lines)
    assert lines[0].split() == ["0", "of", "4", "done,", "4", "running", "epoch", "rate", "loss", "val", "accuracy"]
    scores = [float(line.split()[-1]) for line in lines[1 : 1 + rows]]
    assert scores == sorted(scores, reverse=True)
    assert (f"and {4 - rows} more" in [line.strip() for line in lines]) == (rows < 4)
    assert lines[-1].endswith(" left")
    assert " samples/s " in lines[-1]


def test_before_the_first_epoch_there_are_dashes(events: list[Event], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    course = Course()
    for event in events[:5]:
        course.note(event, 0.0)
    heading, *rows, bar = rows_of(picture(course, 0.0, 24))
    assert heading.endswith("val score")
    assert [row.split()[-4:] for row in rows] == [["0%", "–", "–", "–"]] * 4
    assert bar.split()[-5:] == ["0%", "–", "samples/s", "–", "left"]


def test_a_terminal_sees_the_table_move(events: list[Event], capsys: pytest.CaptureFixture[str]) -> None:
    pictures: list[RenderableType] = []

    class Kept(Live):
        def update(self, renderable: RenderableType, *, refresh: bool = False) -> None:
            assert refresh
            pictures.append(renderable)

    show = LiveTable(Kept(console=people), Clock()).show
    endings = [ending for event in events if (ending := show(event))]
    assert len(endings) == 4
    assert len(pictures) == len(events)
    assert sum(": val accuracy " in line for line in capsys.readouterr().err.splitlines()) == 4


def test_pictures_are_not_drawn_faster_than_an_eye_sees(events: list[Event]) -> None:
    drawn: list[float] = []
    clock = Clock()

    class Kept(Live):
        def update(self, renderable: RenderableType, *, refresh: bool = False) -> None:
            del renderable, refresh
            drawn.append(clock.now)

    table = LiveTable(Kept(console=people), lambda: clock() / 100)
    for event in events:
        table.show(event)
    assert min(after - before for before, after in itertools.pairwise(drawn)) >= 25
