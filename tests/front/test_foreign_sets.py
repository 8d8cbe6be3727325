"""`[data.foreign]`: rows like nothing learned are predicted once teams are chosen, and told from those of test."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.cli.command import Command

import lrensemble
from lrensemble.config import Experiment, to_record
from lrensemble.errors import ConfigError, DataError, LREnsembleError
from lrensemble.evaluate import Result, load
from lrensemble.evaluate.uncertainty.stored import foreign_sets, predictions_of
from lrensemble.export import ensemble_of
from lrensemble.front.foreign import foreign_of, predict_foreign
from lrensemble.metrics.detection import detection_auroc, entropy, mutual_information
from lrensemble.pool import Pool

SHAPE, ROWS, NOISE = (1, 4, 5), 240, 70


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three classes of byte images, noise of the same shape, and rows of another shape."""
    folder, generator = tmp_path_factory.mktemp("data"), np.random.default_rng(0)
    labels = np.arange(ROWS) % 3
    centres = generator.uniform(60, 200, size=(3, *SHAPE))
    images = np.clip(centres[labels] + generator.normal(scale=70, size=(ROWS, *SHAPE)), 0, 255).astype(np.uint8)
    noise = generator.integers(0, 256, size=(NOISE, *SHAPE)).astype(np.uint8)
    np.savez(folder / "own.npz", x=images, y=labels)
    np.savez(folder / "noise.npz", x=noise, y=np.arange(NOISE) % 2)
    np.savez(folder / "half.npz", x=noise, y=np.arange(NOISE) % 2, x_test=noise[:30], y_test=np.arange(30) % 2)
    np.savez(folder / "wide.npz", x=noise[..., :4], y=np.arange(NOISE) % 2)
    return folder


def content(data: Path, **foreign: object) -> dict[str, Any]:
    return {
        "data": {"name": "npz", "file": "own.npz", "folder": data, "foreign": foreign},
        "model": "mlp(width=6)",
        "policy": ["constant(peak=[0.05, 0.1])", "one_cycle(peak=0.1)"],
        "train": {"epochs": 4, "batch_size": 16},
        "select": {"methods": ["best", "all"]},
    }


@pytest.fixture(scope="module")
def found(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Pool]:
    out = tmp_path_factory.mktemp("run")
    result = lrensemble.run(content(data, noise="npz(file='noise.npz')"), out)
    return result, Pool.open(out / "pool")


def test_run_tells_foreign_rows_from_those_of_test(found: tuple[Result, Pool], data: Path) -> None:
    result, pool = found
    assert result.uncertainty is not None
    own = result.uncertainty.foreign["noise"]
    assert own.rows == NOISE
    noise = np.load(data / "noise.npz")["x"]
    members = {member.id: member for member in pool.members()}
    ids = [result.uncertainty.member] if result.uncertainty.method is None else list(members)

    def said(name: str) -> tuple[Any, Any]:
        """Probabilities of test as they are stored, and of noise by running the network."""
        team = next(team for team in load(pool) if team.method == "all")
        alone = team.model_copy(update={"team": (name,), "weights": (1.0,)})
        stored = np.exp(members[name].predictions("test").dense(3).astype(np.float64))
        return stored, ensemble_of(pool, alone).predict_proba(noise)

    known, foreign = said(result.uncertainty.member)
    assert own.single["entropy"].auroc == pytest.approx(detection_auroc(entropy(known), entropy(foreign)), abs=1e-6)
    if len(ids) > 1:
        both = [np.stack(each) for each in zip(*(said(name) for name in ids), strict=True)]
        disagreement = [mutual_information(each) for each in both]
        assert own.team["mutual_information"].auroc == pytest.approx(detection_auroc(*disagreement), abs=1e-6)
        assert own.gain["entropy"].value == pytest.approx(
            own.team["entropy"].auroc - own.single["entropy"].auroc, abs=1e-12
        )


def test_they_are_no_test_set_and_stay_for_later_evaluations(found: tuple[Result, Pool]) -> None:
    result, pool = found
    assert pool.task.test_sets == ("test",)
    assert result.further == {}
    assert result.uncertainty is not None
    again = lrensemble.evaluate(pool)
    assert again.uncertainty is not None
    assert again.uncertainty.foreign == result.uncertainty.foreign


def test_they_are_predicted_once(found: tuple[Result, Pool], data: Path) -> None:
    pool = found[1]
    file = pool.folder / "foreign" / "noise.safetensors"
    state = file.stat().st_ino
    sets = foreign_of(to_record(Experiment, content(data, noise="npz(file='noise.npz')"), "test"))
    predict_foreign(pool, load(pool), sets)
    assert file.stat().st_ino == state
    others = foreign_of(to_record(Experiment, content(data, noise="npz(file='half.npz')"), "test"))
    assert len(others["noise"].inputs) == 30  # its own test rows
    predict_foreign(pool, load(pool), others)
    assert (foreign_sets(pool)["noise"].rows, file.stat().st_ino == state) == (30, False)


def test_a_set_that_is_added_later_is_measured_with_the_same_members(data: Path, tmp_path: Path) -> None:
    before = lrensemble.run(content(data), tmp_path / "run")
    assert before.uncertainty is not None
    assert before.uncertainty.foreign == {}
    after = lrensemble.run(content(data, noise={"name": "npz", "file": "noise.npz"}), tmp_path / "run")
    assert after.uncertainty is not None
    assert set(after.uncertainty.foreign) == {"noise"}
    assert after.looks == before.looks + 1


def test_what_it_says_is_what_the_networks_say(found: tuple[Result, Pool], data: Path) -> None:
    pool = found[1]
    sets = foreign_of(to_record(Experiment, content(data, more="npz(file='noise.npz')"), "test"))
    predict_foreign(pool, load(pool), sets)
    member = foreign_sets(pool)["more"].members[0]
    stored = predictions_of(pool, "more", [member])[member].dense(3)
    team = next(team for team in load(pool) if team.method == "all")
    alone = team.model_copy(update={"team": (member,), "weights": (1.0,)})
    np.testing.assert_allclose(np.exp(stored), ensemble_of(pool, alone).predict_proba(sets["more"].inputs), atol=1e-6)


@pytest.mark.parametrize(
    ("foreign", "kind", "message"),
    [
        ({"wide": "npz(file='wide.npz')"}, DataError, r"data.foreign.wide: .* inputs of shape \(1, 4, 4\)"),
        ({"gone": "npz(file='gone.npz')"}, LREnsembleError, "gone.npz"),
        ({"odd": "mnits"}, LREnsembleError, "no data set named 'mnits'; did you mean 'mnist'"),
    ],
)
def test_what_cannot_be_told_is_refused_before_any_training(
    data: Path, tmp_path: Path, foreign: dict[str, str], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        lrensemble.run(content(data, **foreign), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_columns_of_a_foreign_table_are_found_by_their_names(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    (tmp_path / "own.csv").write_text("a,b,kind\n" + "1,20,x\n2,30,y\n" * 9)
    (tmp_path / "turned.csv").write_text("b,kind,a\n" + "40,p,3\n50,q,4\n60,r,5\n" * 2)
    (tmp_path / "other.csv").write_text("b,kind,c\n" + "40,p,3\n50,q,4\n" * 2)

    def settings(file: str) -> Experiment:
        foreign = {"far": {"name": "table", "file": file, "target": "kind"}}
        own = {"name": "table", "file": "own.csv", "target": "kind", "folder": tmp_path, "foreign": foreign}
        return to_record(Experiment, {"data": own, "model": "mlp", "policy": ["constant"]}, "test")

    assert foreign_of(settings("turned.csv"))["far"].inputs.tolist() == [[3, 40], [4, 50], [5, 60]] * 2
    with pytest.raises(DataError, match=r"data.foreign.far: .* has no column 'a', which the experiment learns from"):
        foreign_of(settings("other.csv"))


def test_values_have_no_foreign_rows() -> None:
    values = {"data": {"name": "diabetes", "foreign": {"a": "diabetes"}}, "model": "mlp", "policy": ["constant"]}
    with pytest.raises(ConfigError, match="by probabilities of classes, and these data are values"):
        foreign_of(to_record(Experiment, values, "test"))
    with pytest.raises(ConfigError, match=r"data.foreign"):
        to_record(Experiment, {**values, "data": {"name": "digits", "foreign": {"../a": "digits"}}}, "test")


def test_a_network_that_is_gone_is_said(
    data: Path,
    tmp_path: Path,
    command: Command,
    caplog: pytest.LogCaptureFixture,
) -> None:
    file = tmp_path / "experiment.toml"
    file.write_text(
        f'model = "mlp(width=4)"\npolicy = ["constant(peak=[0.05, 0.1])"]\n[data]\nname = "npz"\nfile = "own.npz"\n'
        f'folder = \'{data}\'\n[data.foreign.noise]\nname = "npz"\nfile = "noise.npz"\n'
        "[train]\nepochs = 2\n[select]\nmethods = ['best', 'all']\n"
    )
    outcome = command("run", file, "--out", tmp_path / "run", "--json")
    assert outcome.status == 0, outcome.err
    record: Any = outcome.record
    assert set(record["uncertainty"]["foreign"]) == {"noise"}
    pool = Pool.open(tmp_path / "run" / "pool")
    for weights in pool.folder.glob("members/*/weights.safetensors"):
        weights.unlink()
    sets = foreign_of(to_record(Experiment, content(data, other="npz(file='half.npz')"), "test"))
    predict_foreign(pool, load(pool), sets)
    assert "foreign rows are not told from those of test: " in caplog.text
    assert set(foreign_sets(pool)) == {"noise"}
