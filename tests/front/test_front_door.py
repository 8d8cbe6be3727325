"""Every function of the front door takes a path as text and as such, and hands over a record with a short repr."""

import inspect
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.conftest import Python

import lrensemble
from lrensemble.errors import ConfigError, LREnsembleError, SelectionError, TrainingError
from lrensemble.notebook import Shown
from lrensemble.train import Ended

FUNCTIONS = ("collect", "evaluate", "export", "predict", "report", "run", "select", "tune")
ESTIMATORS = ("LREnsembleClassifier", "LREnsembleRegressor")
TINY = {"data": "digits", "model": "mlp(width=4)", "policy": "constant(peak=0.1)"}
AsPath = Callable[[Path], str | os.PathLike[str]]


class Elsewhere(os.PathLike[str]):
    """A path that is neither text nor of pathlib."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __fspath__(self) -> str:
        return str(self.path)


@pytest.fixture
def pool(trained: lrensemble.Pool, tmp_path: Path) -> Path:
    """A copy, which a test may write to."""
    return Path(shutil.copytree(trained.folder, tmp_path / "copy" / "pool"))


def predictions_in(folder: Path) -> Path:
    """A file of two members' probabilities of three classes."""
    folder.mkdir(parents=True, exist_ok=True)
    probs = np.random.default_rng(0).dirichlet(np.ones(3), size=(2, 30))
    np.savez(folder / "predictions.npz", probs=probs, labels=np.arange(30) % 3)
    return folder / "predictions.npz"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_it_is_a_function_with_an_example(name: str) -> None:
    function = getattr(lrensemble, name)
    assert inspect.isfunction(function)
    documentation = inspect.getdoc(function) or ""
    assert f"lrensemble.{name}(" in documentation.split("```python")[1]
    described = documentation.split("Args:")[1]
    assert all(f"{argument}:" in described for argument in inspect.signature(function).parameters)


@pytest.mark.parametrize("as_path", [str, Path, Elsewhere])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_it_takes_paths_and_returns_a_record_with_a_short_repr(
    name: str, as_path: AsPath, pool: Path, out: Path, inputs: NDArray[np.float64]
) -> None:
    given, to = as_path(pool), as_path(out)
    if name == "report":
        pytest.importorskip("plotly")
    if name == "predict":
        lrensemble.export(pool, out)
    calls: dict[str, Callable[[], Any]] = {
        "collect": lambda: lrensemble.collect(as_path(predictions_in(out.parent)), to),
        "tune": lambda: lrensemble.tune(TINY, to, epochs=1),
        "run": lambda: lrensemble.run({**TINY, "select": {"methods": ["best"]}}, to, epochs=1),
        "select": lambda: lrensemble.select(given, "best"),
        "evaluate": lambda: lrensemble.evaluate(given, to),
        "report": lambda: lrensemble.report(given, to),
        "export": lambda: lrensemble.export(given, to),
        "predict": lambda: lrensemble.predict(to, inputs),
    }
    made = calls[name]()
    assert isinstance(made, Shown)
    assert len(repr(made)) < 200
    assert "\n" not in repr(made)
    assert "<table>" in made._repr_html_()
    assert name in ("select", "predict") or out.exists()


@pytest.mark.parametrize("name", ESTIMATORS)
def test_an_estimator_has_an_example_that_runs(name: str) -> None:
    estimator = getattr(lrensemble, name)
    documentation = inspect.getdoc(estimator) or ""
    described = documentation.split("Args:")[1]
    assert all(f"{argument}:" in described for argument in inspect.signature(estimator).parameters)
    found: dict[str, Any] = {}
    exec(documentation.split("```python")[1].split("```")[0], found)
    model = found["model"]
    assert all(f"{attribute}:" in described for attribute in vars(model) if attribute.endswith("_"))
    assert isinstance(model.out_of_fold_, Shown)
    assert len(repr(model.out_of_fold_)) < 200
    assert "<table>" in model.out_of_fold_._repr_html_()


def test_a_part_stays_importable_and_the_function_stays(python: Python) -> None:
    script = """
import sys
for name in [name for name in sys.modules if name.partition(".")[0] == "lrensemble"]:
    del sys.modules[name]  # it is imported anew, and torch is not
import lrensemble
import lrensemble.select, lrensemble.evaluate, lrensemble.report, lrensemble.export
from lrensemble.select import SELECTORS, Validation
from lrensemble.export import FORMATS
from lrensemble import select, evaluate
print(callable(lrensemble.select), select is lrensemble.select, Validation is lrensemble.Validation,
      *(type(getattr(lrensemble, name)).__name__ for name in ("select", "evaluate", "report", "export", "policies")))
"""
    found = python("-c", script).stdout
    assert found.split() == ["True"] * 3 + ["function"] * 4 + ["module"]


def test_tuning_trains_and_tells_what_happens(out: Path) -> None:
    events = list[Any]()
    pool = lrensemble.tune({**TINY, "policy": ["constant(peak=[0.1, 0.2])"]}, out, epochs=1, watch=events.append)
    assert len(pool) == 2
    assert [member.name for member in pool] == ["constant(peak=0.1)", "constant(peak=0.2)"]
    assert sum(isinstance(event, Ended) for event in events) == 2
    assert pool[0].recipe is not None
    assert pool[0].recipe["train"]["epochs"] == 1
    assert pool["constant(peak=0.2)"].id == pool[1].id


def test_numbers_of_numpy_are_numbers(out: Path) -> None:
    table = {**TINY, "train": {"epochs": np.int64(1), "seed": np.int32(3), "weight_decay": np.float64(0.5)}}
    (member,) = lrensemble.tune(table, out, epochs=np.int16(1))  # type: ignore[arg-type]  # no int, and means one
    assert member.recipe is not None
    assert [member.recipe["train"][key] for key in ("epochs", "weight_decay")] == [1, 0.5]


def test_an_experiment_is_a_name_a_file_a_table_or_a_record(out: Path, tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(
        'model = "mlp(width=4)"\npolicy = ["constant(peak=0.1)"]\n[data]\nname = "digits"\n'
    )
    from_file = lrensemble.tune(tmp_path / "own.toml", out, epochs=1)
    record = lrensemble.load_experiment(tmp_path / "own.toml", {"train": {"epochs": 1}})
    assert [member.id for member in lrensemble.tune(record, out)] == [member.id for member in from_file]
    assert [member.id for member in lrensemble.tune(TINY, str(out), epochs=1)] == [member.id for member in from_file]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda out: lrensemble.tune({**TINY, "modell": 1}, out),
            ConfigError,
            "experiment: modell: no such key; did you",
        ),
        (lambda out: lrensemble.tune("digit", out), ConfigError, "no experiment named 'digit'; did you mean 'digits'"),
        (lambda _: lrensemble.tune(TINY), ConfigError, "give out='FOLDER'"),
        (lambda out: lrensemble.tune(TINY, out, epochs=0), ConfigError, "train.epochs"),
        (lambda out: lrensemble.select(out), LREnsembleError, "no pool at"),
        (lambda out: lrensemble.predict(out, [[1.0]]), LREnsembleError, "out"),
        (lambda out: lrensemble.predict(out, []), LREnsembleError, "out"),
    ],
)
def test_what_cannot_be_is_one_line(
    out: Path, call: Callable[[Path], object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message) as caught:
        call(out)
    assert "\n" not in str(caught.value)


def test_a_sweep_without_a_member_is_an_error(out: Path) -> None:
    def broken(shape: tuple[int, ...], outputs: int) -> object:  # noqa: ARG001
        raise ValueError("no such layer")

    with pytest.raises((TrainingError, LREnsembleError), match="no such layer"):
        lrensemble.tune({**TINY, "model": broken}, out, epochs=1)


def test_teams_of_a_pool_are_stored_and_several_go_on_without_one(pool: Path, caplog: pytest.LogCaptureFixture) -> None:
    teams = lrensemble.select(pool, ["best", "top_k(k=99)"])
    assert len(teams) + len(teams.not_run) == 2
    assert teams[0].method == "best"
    assert next(iter(teams)).team == teams[0].team
    assert teams.to_frame()["method"].tolist() == [team.method for team in teams]
    warned = [record.getMessage() for record in caplog.records]
    assert all(any(line.startswith(f"not run, {method}: ") for line in warned) for method in teams.not_run)
    with pytest.raises(SelectionError, match="no method was given"):
        lrensemble.select(pool, [])


def test_predictions_on_bare_arrays_have_defaults() -> None:
    labels = np.array([0, 1, 2, 0, 1, 2, 0])
    log_probs = np.log(np.random.default_rng(0).dirichlet(np.ones(3), size=(4, 7)))
    found = lrensemble.select(lrensemble.Validation(log_probs, labels))
    assert found.method == "greedy"
    assert list(found) == list(found.team)
    assert len(found) == len(found.team)
    assert found.to_frame()["weight"].sum() == pytest.approx(1)
    with pytest.raises(ConfigError, match="one method at a time"):
        lrensemble.select(lrensemble.Validation(log_probs, labels), ["best", "all"])  # type: ignore[call-overload]


def test_classes_are_called_by_their_names(trained: lrensemble.Pool, out: Path, inputs: NDArray[np.float64]) -> None:
    exported = lrensemble.export(trained, out, method="all")
    ensemble = exported.ensemble
    assert ensemble.classes_.tolist() == ["cold", "warm"]
    labels = ensemble.predict(inputs)
    assert labels.shape == (len(inputs),)
    assert labels.tolist() == [ensemble.classes_[place] for place in ensemble.predict_proba(inputs).argmax(axis=1)]
    for given in (exported, ensemble):  # the definition of its data is of this process, as its folder says
        said = lrensemble.predict(given, inputs)
        assert said.labels == labels.tolist()
        assert list(said.to_frame()["label"]) == labels.tolist()


def test_a_run_is_the_whole_chain(out: Path) -> None:
    result = lrensemble.run(
        {**TINY, "policy": ["constant(peak=[0.1, 0.2])"], "select": {"methods": ["all"]}}, out, epochs=1
    )
    assert (out / "result.json").is_file()
    assert result.verdict.text in repr(result) or repr(result).endswith("…>")
    assert list(result.to_frame()["team"])[1:] == list(result.teams)
    again = lrensemble.run(
        {**TINY, "policy": ["constant(peak=[0.1, 0.2])"], "select": {"methods": ["all"]}}, out, epochs=1
    )
    assert again.looks == result.looks, "test rows are not looked at once more"


def test_shards_of_a_run_leave_the_verdict_to_the_last(out: Path) -> None:
    experiment = {**TINY, "policy": ["constant(peak=[0.1, 0.2, 0.3, 0.4])"], "select": {"methods": ["all"]}}
    found = [
        lrensemble.run(experiment, out, epochs=1, execution="one-by-one", shard=shard, hours=hours)
        for shard, hours in (("1/2", 1e-9), ("1/2", None), ("2/2", 1e-9), ("2/2", None))
    ]
    assert found[:3] == [None] * 3, "of the first the time was over, then runs of the second were missing"
    assert found[3] is not None
    assert len(found[3].members) == 4
    with pytest.raises(ConfigError, match="shard '0/2' is refused; of 2 there are 1/2 to 2/2; shards count from 1"):
        lrensemble.run(experiment, out, epochs=1, shard="0/2")


def test_an_empty_pool_is_one_too(trained: lrensemble.Pool, tmp_path: Path) -> None:
    truth = {split: trained.truth(split) for split in trained.task.splits}
    empty = lrensemble.Pool.create(tmp_path / "empty", trained.task, truth)
    assert (len(empty), list(empty), bool(empty)) == (0, [], True)
    assert repr(empty).startswith("<Pool: 0 members of")


def test_a_damaged_pool_still_has_a_repr(pool: Path) -> None:
    next((pool / "members").iterdir()).joinpath("member.json").write_text("{}")
    assert "<Pool: damaged: " in repr(lrensemble.Pool.open(pool))
