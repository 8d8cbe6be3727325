"""Teams and results on disk prove themselves; what cannot be is refused, whoever wrote it."""

from __future__ import annotations

import json
import logging
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.evaluate.pools import SMALL, blocks, pool_of, said

from lrensemble.errors import LREnsembleError, PoolError
from lrensemble.evaluate import Result, choose, evaluate, load, read_result, save, stored_result, write_result
from lrensemble.files import seal
from lrensemble.pool import Pool

ROWS, CLASSES = 90, 3
LABELS = np.tile(np.arange(CLASSES), ROWS // CLASSES)


@pytest.fixture(scope="module")
def chosen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pool with a team that was chosen from it; every test has a copy."""
    right = blocks(ROWS, ((0.0, 0.3), (0.3, 0.6), (0.6, 0.9), (0.2, 0.5)))
    probs = np.stack([said(LABELS, one, CLASSES) for one in right])
    pool = pool_of(tmp_path_factory.mktemp("chosen"), (LABELS, probs), (LABELS, probs), names=("a", "b", "c", "d"))
    save(pool, choose(pool, SMALL))
    return pool.folder


@pytest.fixture
def pool(chosen: Path, tmp_path: Path) -> Pool:
    return Pool.open(shutil.copytree(chosen, tmp_path / "pool"))


@pytest.fixture
def team_file(pool: Pool) -> Path:
    (path,) = (pool.folder / "selections").glob("*.json")
    return path


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_every_changed_digit_of_a_team_is_noticed(pool: Pool, team_file: Path) -> None:
    text = team_file.read_text(encoding="utf-8")
    digits = [match.start() for match in re.finditer(r"\d", text)]
    assert len(digits) > 200
    for place in digits[:: len(digits) // 97]:
        changed = str((int(text[place]) + 5) % 10)
        team_file.write_text(text[:place] + changed + text[place + 1 :], encoding="utf-8")
        with pytest.raises(LREnsembleError, match=re.escape(str(team_file))):
            load(pool)
    team_file.write_text(text, encoding="utf-8")
    assert len(load(pool)) == 1


def unsealed(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return {key: value for key, value in content.items() if key not in ("format", "checksum")}


Change = Callable[[dict[str, Any]], object]
IMPOSSIBLE: dict[str, tuple[Change, str]] = {
    "weights that sum to more": (lambda team: team.update(weights=[0.97, *team["weights"][1:]]), "weights sum to one"),
    "a negative weight": (lambda team: team.update(weights=[-1.0, 2.0]), "not negative, and these are -1.0, 2.0"),
    "a weight without end": (lambda team: team.update(weights=[float("1e999"), 0.0]), "weights are finite"),
    "too few weights": (lambda team: team.update(weights=[1.0]), "a team of 2 has 1 weights"),
    "a member twice": (lambda team: team.update(team=[team["team"][0]] * 2), "holds a member twice"),
    "no member": (lambda team: team.update(team=[], weights=[]), "a team has no member"),
    "another metric": (lambda team: team.update(metric="nlll"), r"no metric named 'nlll'; .*--plugin MODULE"),
    "a score without end": (lambda team: team.update(score=float("1e999")), "all numbers are finite"),
    "a frequency above one": (lambda team: team.update(frequency={"a": 1.5}), "a frequency lies outside 0 to 1"),
}


@pytest.mark.parametrize("earlier", [True, False])
@pytest.mark.parametrize("what", IMPOSSIBLE)
def test_a_team_that_cannot_be_is_refused(pool: Pool, team_file: Path, what: str, earlier: bool) -> None:
    content = unsealed(team_file)
    content |= {"team": content["pool"][:2], "weights": [0.07, 0.93]}
    change, reason = IMPOSSIBLE[what]
    change(content)
    as_python = json.dumps(content).replace("Infinity", "1e999")
    team_file.write_text(as_python, encoding="utf-8")
    if not earlier and "Infinity" not in json.dumps(content):
        team_file.write_bytes(seal(content))
    with pytest.raises(PoolError, match=reason) as caught:
        load(pool)
    assert str(team_file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_teams_of_the_version_before_open_and_it_is_said(
    pool: Pool, team_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (now,) = load(pool)
    team_file.write_text(json.dumps(unsealed(team_file)), encoding="utf-8")
    assert load(pool) == (now,)
    load(pool)
    assert warnings(caplog) == [
        f"{team_file.parent} holds teams of an earlier version, without a checksum: no change would be noticed"
    ]


def test_a_sealed_team_without_its_checksum_is_refused(pool: Pool, team_file: Path) -> None:
    content = json.loads(team_file.read_text(encoding="utf-8"))
    del content["checksum"]
    team_file.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(PoolError, match="its checksum is not that of its content"):
        load(pool)


def test_strangers_and_copies_among_the_teams_are_passed_over(
    pool: Pool, team_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = team_file.parent
    for name in ("Thumbs.db", f"{team_file.stem} (copy).json", f"copy-{team_file.name}", "notes.json"):
        shutil.copy(team_file, folder / name)
    (folder / "lost+found").mkdir()
    assert len(load(pool)) == 1
    assert len(warnings(caplog)) == 2
    for name in ("Thumbs.db", f"{team_file.stem} (copy).json", f"copy-{team_file.name}", "notes.json", "lost+found"):
        assert name in " ".join(warnings(caplog))


@pytest.fixture
def result(pool: Pool, team_file: Path) -> Result:
    assert team_file.exists()
    return evaluate(pool, load(pool))


def test_a_result_reads_back(pool: Pool, result: Result) -> None:
    path = pool.folder / "result.json"
    write_result(result, path)
    assert read_result(path) == result
    assert stored_result(pool, load(pool)) == result


def test_a_changed_figure_in_a_result_is_said_and_not_used(
    pool: Pool, result: Result, caplog: pytest.LogCaptureFixture
) -> None:
    path = pool.folder / "result.json"
    write_result(result, path)
    text = path.read_text(encoding="utf-8")
    digits = [match.start() for match in re.finditer(r"\d", text)]
    for place in digits[:: len(digits) // 97]:
        path.write_text(text[:place] + str((int(text[place]) + 5) % 10) + text[place + 1 :], encoding="utf-8")
        with pytest.raises(PoolError, match=re.escape(str(path))):
            read_result(path)
    assert stored_result(pool, load(pool)) is None
    assert f"{path} is damaged: its checksum is not that of its content; evaluate again; it is not used" in warnings(
        caplog
    )


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.99])
def test_a_result_that_was_cut_is_said_and_not_used(
    pool: Pool, result: Result, caplog: pytest.LogCaptureFixture, share: float
) -> None:
    path = pool.folder / "result.json"
    write_result(result, path)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    assert stored_result(pool, load(pool)) is None
    (said,) = warnings(caplog)
    assert str(path) in said
    assert said.endswith("it is not used")


def test_a_file_of_another_program_with_that_name_is_passed_over(
    pool: Pool, team_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert team_file.exists()
    (pool.folder / "result.json").write_text('{"accuracy": 0.9}', encoding="utf-8")
    assert stored_result(pool, load(pool)) is None
    assert not warnings(caplog)


def test_a_result_of_the_version_before_opens_with_its_ranges_checked(
    pool: Pool, result: Result, caplog: pytest.LogCaptureFixture
) -> None:
    path = pool.folder / "result.json"
    content = result.model_dump(mode="json") | {"format": 2}
    path.write_text(json.dumps(content), encoding="utf-8")
    assert stored_result(pool, load(pool)) == result.model_copy(update={"format": 2})
    assert warnings(caplog) == [f"{path} is of an earlier version, without a checksum: no change would be noticed"]
    content["teams"][SMALL]["weights"][0] += 0.5
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(PoolError, match=r"weights sum to one, and these to 1\.5"):
        read_result(path)
    content = result.model_dump(mode="json") | {"format": 2}
    content["teams"][SMALL]["test"]["accuracy"] = 99.99
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(PoolError, match=r"accuracy is a fraction, and one is 99\.99"):
        read_result(path)


def test_a_result_of_a_later_version_is_refused(pool: Pool, result: Result) -> None:
    path = pool.folder / "result.json"
    path.write_bytes(seal(result.model_dump(mode="json") | {"energy": 1.5}))
    with pytest.raises(
        PoolError, match=r"energy: no such key; the file is whole: a newer version of lre.*evaluate again"
    ):
        read_result(path)
    path.write_bytes(seal(result.model_dump(mode="json") | {"format": 5}))
    with pytest.raises(
        PoolError, match="has format 5; this version of lrensemble reads 2 and 3 and 4; a newer version of lre"
    ):
        read_result(path)
