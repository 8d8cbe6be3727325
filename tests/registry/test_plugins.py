"""Modules that register: named by the user, in real processes, or offered by an installed package."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Protocol

import numpy as np
import pytest
from tests import forked

from lrensemble.config import Experiment, to_record
from lrensemble.errors import ConfigError, SpecError
from lrensemble.registry import import_plugins

OWN_THINGS = Path(__file__).parent / "own_things.py"
SOURCE = Path(__file__).parents[2] / "src"

PLUGIN = '''
import numpy as np

from lrensemble.metrics import METRICS
from lrensemble.policies import policy


@METRICS.register(higher_is_better=True, aliases=("mean_recall",))
def recall_of_the_rarest(probs, labels):
    """Recall of the class with the fewest rows."""
    rarest = np.bincount(labels).argmin()
    return float((probs.argmax(axis=1) == labels)[labels == rarest].mean())


@policy(peak=0.1, stones=[0.5])
def terraces(total, *, peak: float, stones: tuple[float, ...]):
    """A tenth of the rate from every stone on."""
    return lambda step: peak * 0.1 ** sum(step >= stone * total for stone in stones)
'''

EXPERIMENT = """
plugins = ["own_plugin"]
model = "own_things:linear"

[data]
name = "own_things:rows"
count = 120

[[policy]]
name = "terraces"
peak = 0.05
stones = [[0.25, 0.5], [0.5]]

[[policy]]
name = "own_things:halves"
peak = [0.02, 0.05]

[train]
epochs = 2
batch_size = 16
augment = ["own_things:darker(by=0.5)"]

[sweep]
strategy = "own_things:backwards"

[select]
methods = ["best", "own_things:last(size=2)"]
metric = "own_things:balanced"
consensus = "own_things:middle"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of a user's with modules in it."""
    shutil.copy(OWN_THINGS, tmp_path / "own_things.py")
    (tmp_path / "own_plugin.py").write_text(PLUGIN, encoding="utf-8")
    (tmp_path / "broken.py").write_text("width = 1\nwidth / 0\n", encoding="utf-8")
    (tmp_path / "e.toml").write_text(EXPERIMENT, encoding="utf-8")
    return tmp_path


class Ran(Protocol):
    def __call__(
        self, folder: Path, *arguments: object, path: Path | None = None
    ) -> subprocess.CompletedProcess[str]: ...


@pytest.fixture
def run_python(forking: Path) -> Ran:
    """Python in a folder; `path` is searched for modules too."""

    def run(folder: Path, *arguments: object, path: Path | None = None) -> subprocess.CompletedProcess[str]:
        searched = os.pathsep.join(map(str, [SOURCE, *([path] if path else [])]))
        return forked.python(forking, *arguments, folder=folder, PYTHONPATH=searched, COLUMNS="200")

    return run


@pytest.fixture
def lrensemble(run_python: Ran) -> Ran:
    def run(folder: Path, *arguments: object, path: Path | None = None) -> subprocess.CompletedProcess[str]:
        return run_python(folder, "-m", "lrensemble", *arguments, path=path)

    return run


def collected(lrensemble: Ran, folder: Path) -> Path:
    """A pool of three members; the last alone knows the rarest class, and is the worst by accuracy."""
    labels = np.array([0] * 10 + [1] * 8 + [2] * 4)
    guesses = np.stack([labels, labels, labels])
    guesses[0, labels == 2] = 0
    guesses[1, labels == 2] = 1
    guesses[2, :9] = 1
    probs = np.eye(3)[guesses] * 0.7 + 0.1
    np.savez(folder / "p.npz", log_probs=np.log(probs), labels=labels)
    done = lrensemble(folder, "collect", "p.npz", "--out", "collected")
    assert done.returncode == 0, done.stderr
    return folder / "collected"


def test_own_names_of_every_kind_from_training_in_workers_to_the_verdict(lrensemble: Ran, folder: Path) -> None:
    one_worker = ("--execution", "workers", "--executor", "processes(workers=1)")  # a fresh interpreter
    done = lrensemble(folder, "run", "e.toml", "--out", "out", *one_worker)
    assert done.returncode == 0, done.stderr
    members = json.loads(lrensemble(folder, "ls", "out/pool", "--json").stdout)
    assert sorted(member["name"] for member in members) == [
        "own_things:halves(peak=0.02)",
        "own_things:halves(peak=0.05)",
        "terraces(peak=0.05, stones=[0.25, 0.5])",
        "terraces(peak=0.05, stones=[0.5])",
    ]
    assert {member["made_with"]["execution"] for member in members} == {"workers"}
    assert members[0]["name"] == "own_things:halves(peak=0.05)", "the strategy of one's own runs from the end"
    lines = (folder / "out/pool/members" / members[0]["id"] / "history.jsonl").read_text().splitlines()
    history = [json.loads(line) for line in lines]
    total = history[-1]["step"]
    expected = [0.05 * 0.5 ** (4 * (line["step"] - 1) / total) for line in history]
    assert [line["rate"] for line in history] == pytest.approx(expected)
    selections = [json.loads(path.read_text()) for path in (folder / "out/pool/selections").glob("*.json")]
    assert {each["metric"] for each in selections} == {"own_things:balanced"}

    again = lrensemble(folder, "tune", "e.toml", "--out", "out/pool")
    assert again.returncode == 0, again.stderr
    assert "4 there already" in again.stderr

    unasked = lrensemble(folder, "evaluate", "out/pool")
    assert unasked.returncode == 2
    assert "add --plugin own_things" in unasked.stderr
    judged = lrensemble(folder, "evaluate", "out/pool", "--plugin", "own_things")
    assert judged.returncode == 0, judged.stderr


def test_select_by_a_metric_of_a_plugin(lrensemble: Ran, folder: Path) -> None:
    pool = collected(lrensemble, folder)
    for metric, options in (
        ("recall_of_the_rarest", ["--plugin", "own_plugin"]),
        ("mean_recall", ["--plugin", "own_plugin"]),
        ("own_plugin:recall_of_the_rarest", []),
    ):
        done = lrensemble(folder, "select", pool, "-m", "best", "--metric", metric, *options, "--json")
        assert done.returncode == 0, done.stderr
        (team,) = json.loads(done.stdout)
        assert (team["score"], team["team"]) == (1.0, [team["pool"][2]])
    unknown = lrensemble(folder, "select", pool, "-m", "best", "--metric", "recall_of_the_rarest")
    assert unknown.returncode == 2
    assert "no metric named 'recall_of_the_rarest'" in unknown.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("ls", "metrics", "--plugin", "nowhere"), "plugin 'nowhere': cannot import 'nowhere': ModuleNotFoundError"),
        (("ls", "metrics", "--plugin", "broken"), "ZeroDivisionError: division by zero (broken.py, line 2)"),
        (("tune", "e.toml", "--plugin", "broken"), "e.toml: plugins: plugin 'broken': cannot import 'broken'"),
        (("select", "p", "--plugin", "broken"), "plugin 'broken': cannot import 'broken'"),
    ],
)
def test_a_plugin_that_cannot_be_imported_is_one_line(
    lrensemble: Ran, folder: Path, arguments: tuple[str, ...], message: str
) -> None:
    done = lrensemble(folder, *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_plugins_of_an_experiment_in_python() -> None:
    content = {"plugins": ["nowhere_at_all"], "data": "digits", "model": "mlp", "policy": ["cosine(peak=0.1)"]}
    with pytest.raises(ConfigError, match="x: plugins: plugin 'nowhere_at_all': cannot import"):
        to_record(Experiment, content, "x")
    with pytest.raises(ConfigError, match="x: plugins"):
        to_record(Experiment, {**content, "plugins": "json"}, "x")
    assert to_record(Experiment, {**content, "plugins": ["json"]}, "x").plugins == ("json",)
    with pytest.raises(SpecError, match="plugin 'nowhere_at_all'"):
        import_plugins(["nowhere_at_all"])


def installed(place: Path, module: str, text: str) -> Path:
    """A folder that holds an installed distribution with an entry point, as pip would leave it."""
    place.mkdir(exist_ok=True)
    (place / f"{module}.py").write_text(text, encoding="utf-8")
    info = place / f"{module}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[lrensemble.plugins]\n{module} = {module}\n", encoding="utf-8")
    return place


def test_an_installed_package_offers_names(lrensemble: Ran, folder: Path) -> None:
    place = installed(folder / "site", "installed_rates", PLUGIN)
    pool = collected(lrensemble, folder)
    done = lrensemble(folder, "select", pool, "-m", "best", "--metric", "mean_recall", "--json", path=place)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)[0]["metric"] == "recall_of_the_rarest"
    listed = json.loads(lrensemble(folder, "ls", "metrics", "--json", path=place).stdout)
    (own,) = [entry for entry in listed if entry["name"] == "recall_of_the_rarest"]
    assert (own["aliases"], own["facts"]["higher_is_better"]) == (["mean_recall"], True)


def test_installed_plugins_are_imported_only_when_a_name_is_not_found(run_python: Ran, folder: Path) -> None:
    place = installed(folder / "site", "noisy", "print('imported')\n")
    script = (
        "from lrensemble.metrics import METRICS\nMETRICS.check('nll')\nprint('known')\ntry:\n    METRICS.check('x')\n"
    )
    done = run_python(
        folder, "-c", script + "except Exception as error:\n    print(type(error).__name__)\n", path=place
    )
    assert done.stdout.split() == ["known", "imported", "UnknownNameError"]


def test_an_installed_plugin_that_is_broken_stops_nobody_else(lrensemble: Ran, folder: Path) -> None:
    place = installed(installed(folder / "site", "broken_one", "1 / 0\n"), "installed_rates", PLUGIN)
    listed = lrensemble(folder, "ls", "metrics", path=place)
    assert listed.returncode == 0
    assert "installed plugin 'broken_one' cannot be imported: ZeroDivisionError" in listed.stderr
    assert "recall_of_the_rarest" in listed.stdout
    unknown = lrensemble(folder, "select", collected(lrensemble, folder), "--metric", "nlll", path=place)
    assert unknown.returncode == 2
    assert "no metric named 'nlll'; did you mean 'nll'?" in unknown.stderr
    assert "installed plugin 'broken_one' cannot be imported" in unknown.stderr
    assert unknown.stderr.count("\n") == 1
