"""A stored team applied to new predictions of its members gives what its members and its consensus give by hand."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax
from tests.conftest import Python

from lrensemble.consensus import combine
from lrensemble.errors import LREnsembleError, PoolError, PredictionsError
from lrensemble.evaluate import choose
from lrensemble.export import combine_files
from lrensemble.export.team_file import TeamFile, read_team, team_file, write_team
from lrensemble.pool import Pool
from lrensemble.pool.collect import collect
from lrensemble.spec import to_spec

ROWS, NEW, CLASSES = 60, 25, 4
NAMES = ("lgb", "xgb", "net")
CLASS_NAMES = np.array(["ant", "bee", "cow", "doe"])
GENERATOR = np.random.default_rng(11)
TRUTH = np.arange(ROWS) % CLASSES
PROBS = softmax(GENERATOR.normal(size=(3, ROWS, CLASSES)) + np.eye(CLASSES)[TRUTH], axis=2)
NEW_PROBS = softmax(GENERATOR.normal(size=(3, NEW, CLASSES)), axis=2)
IDS = np.array([f"test_{row}" for row in range(NEW)])


def table(path: Path, probs: Any, **more: Any) -> Path:
    columns = {f"p_{name}": probs[:, k] for k, name in enumerate(CLASS_NAMES)}
    pd.DataFrame({**more, **columns}).sample(frac=1, random_state=sum(path.stem.encode())).to_csv(path, index=False)
    return path


@pytest.fixture
def pool(tmp_path: Path) -> Pool:
    for name, probs in zip(NAMES, PROBS, strict=True):
        table(tmp_path / f"oof_{name}.csv", probs, id=np.arange(ROWS), target=CLASS_NAMES[TRUTH])
        table(tmp_path / f"test_{name}.csv", NEW_PROBS[NAMES.index(name)], id=IDS)
    return collect([tmp_path / f"oof_{name}.csv" for name in NAMES], tmp_path / "pool").pool


def by_hand(team: TeamFile) -> Any:
    members = [NAMES.index(name.removeprefix("oof_")) for name in team.members]
    return np.asarray(combine(team.consensus, NEW_PROBS[members], np.asarray(team.weights)))


@pytest.mark.parametrize("consensus", ["mean", "geometric_mean", "tempered", "logarithmic_pool"])
def test_new_predictions_are_combined_as_by_hand(tmp_path: Path, pool: Pool, consensus: str) -> None:
    team = team_file(pool, choose(pool, "simplex", consensus=consensus, folds=0))
    write_team(team, tmp_path / "team.json")
    assert read_team(tmp_path / "team.json") == team
    found = combine_files(tmp_path / "team.json", [tmp_path / f"test_{name}.csv" for name in NAMES])
    assert found.ids is not None
    rows = [IDS.tolist().index(name) for name in found.ids]
    np.testing.assert_allclose(found.said, by_hand(team)[rows], rtol=1e-5)
    assert repr(found) == f"<Combined: 25 rows by a team of {len(team.members)}, {team.method}>"
    assert len(found) == len(found.to_frame()) == NEW
    assert list(found.to_frame().columns) == ["id", "label", *(f"p:{name}" for name in CLASS_NAMES)]
    found.save(tmp_path / "out.csv")
    written = pd.read_csv(tmp_path / "out.csv")
    assert list(written.columns) == ["id", "label", *(f"p:{name}" for name in CLASS_NAMES)]
    assert written["label"].tolist() == CLASS_NAMES[found.said.argmax(axis=1)].tolist()
    found.save(tmp_path / "out.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "out.parquet"), written)


def test_members_are_found_by_name_in_files_of_other_kinds(tmp_path: Path, pool: Pool) -> None:
    team = team_file(pool, choose(pool, "all", folds=0))
    arrays = dict(zip(NAMES, NEW_PROBS, strict=True))
    np.savez(tmp_path / "new.npz", **arrays)
    frames = {f"oof_{name}": pd.DataFrame(each, columns=CLASS_NAMES) for name, each in arrays.items()}
    (tmp_path / "both").mkdir()
    for name in NAMES:
        for half in ("oof", "test"):
            (tmp_path / "both" / f"{half}_{name}.csv").write_bytes((tmp_path / f"{half}_{name}.csv").read_bytes())
    for given in ([tmp_path / "new.npz"], str(tmp_path / "new.npz"), frames, arrays):
        found = combine_files(team, given)
        np.testing.assert_allclose(found.said, by_hand(team), rtol=1e-5)
        assert found.rows()[0][0] == "row"
    found = combine_files(team, tmp_path / "both")
    assert set(found.ids or ()) == set(IDS)


def test_one_column_and_values(tmp_path: Path) -> None:
    p1 = GENERATOR.uniform(size=(3, ROWS))
    values = GENERATOR.normal(size=(3, ROWS)) * 9
    for place, (said, truth) in enumerate(((p1, TRUTH % 2), (values, values.mean(axis=0) + 0.1))):
        wide = dict(zip(NAMES, said, strict=True))
        pd.DataFrame({"id": np.arange(ROWS), "target": truth, **wide}).to_csv(tmp_path / "a.csv", index=False)
        pool = collect(tmp_path / "a.csv", tmp_path / f"pool{place}").pool
        team = team_file(pool, choose(pool, "all", folds=0))
        new = {name: array[::-1] for name, array in wide.items()}
        pd.DataFrame({"id": np.arange(ROWS), **new}).to_csv(tmp_path / "b.csv", index=False)
        np.testing.assert_allclose(
            combine_files(team, tmp_path / "b.csv").said[:, -1], said.mean(axis=0)[::-1], rtol=1e-5
        )
        for name, array in new.items():  # a submission a model, whose column is named as the truth is
            pd.DataFrame({"id": np.arange(ROWS), "target": array}).to_csv(tmp_path / f"{name}.csv", index=False)
        each = combine_files(team, [tmp_path / f"{name}.csv" for name in NAMES])
        np.testing.assert_allclose(each.said[:, -1], said.mean(axis=0)[::-1], rtol=1e-5)


def test_what_is_missing_is_named(tmp_path: Path, pool: Pool) -> None:
    team = team_file(pool, choose(pool, "all", folds=0))
    with pytest.raises(PredictionsError, match=r"no predictions of 'oof_net'.*the team is oof_lgb, .* hold test_lgb"):
        combine_files(team, [tmp_path / f"test_{name}.csv" for name in NAMES[:2]])
    table(tmp_path / "test_net.csv", NEW_PROBS[2, 1:], id=IDS[1:])
    with pytest.raises(LREnsembleError, match=r"test_net.csv: ids: 1 of 25 rows .* missing, the first 'test_0'"):
        combine_files(team, [tmp_path / f"test_{name}.csv" for name in NAMES])
    write_team(team, tmp_path / "team.json")
    text = (tmp_path / "team.json").read_text()
    (tmp_path / "team.json").write_text(text.replace("oof_net", "oof_cat"))
    with pytest.raises(PoolError, match=r"team.json is damaged: its checksum"):
        read_team(tmp_path / "team.json")


def test_a_strangers_consensus_is_not_run(tmp_path: Path, pool: Pool) -> None:
    team = team_file(pool, choose(pool, "all", folds=0))
    code = team.model_copy(update={"consensus": to_spec("os.path:join")})
    write_team(code, tmp_path / "team.json")
    with pytest.raises(LREnsembleError, match="trust"):
        combine_files(tmp_path / "team.json", [tmp_path / f"test_{name}.csv" for name in NAMES])


def test_the_command_line(tmp_path: Path, pool: Pool, python: Python) -> None:
    def run(*arguments: str) -> str:
        done = python("-m", "lrensemble", *arguments, folder=tmp_path)
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("select", str(pool.folder), "-m", "all", "-m", "top_k(k=2)")
    run("export", "pool", "--format", "team", "-m", "all", "--out", "team.json")
    files = [f"test_{name}.csv" for name in NAMES]
    lines = run("combine", "team.json", *files).splitlines()
    assert lines[0] == "id,label,p:ant,p:bee,p:cow,p:doe"
    assert len(lines) == NEW + 1
    run("combine", "pool", *files, "-m", "all", "--out", "out.csv")
    assert (tmp_path / "out.csv").read_text().splitlines() == lines
