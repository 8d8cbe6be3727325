"""What an evaluation says of the doubt of the judged team and of the best single model."""

from contextvars import copy_context
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner
from typer.testing import Result as Invoked

from lrensemble.cli import app
from lrensemble.errors import PoolError
from lrensemble.evaluate import Result, choose, evaluate, predict, read_result, streaming, write_result
from lrensemble.evaluate.streaming import SplitReader
from lrensemble.evaluate.uncertainty.record import Uncertainty
from lrensemble.evaluate.uncertainty.sets import sets
from lrensemble.evaluate.uncertainty.stored import foreign_sets, write_foreign
from lrensemble.metrics import aurc
from lrensemble.metrics.detection import detection_auroc, entropy, mutual_information
from lrensemble.pool import Member, Pool
from lrensemble.pool.collect import collect

MEMBERS, CLASSES, VAL, TEST, FOREIGN = 4, 5, 300, 900, 350

Floats = NDArray[np.float64]


def said(rows: int, labels: NDArray[np.int64] | None, seed: int) -> Floats:
    """[member, sample, class] probabilities of members that know something of labels, where there are any."""
    logits = np.random.default_rng(seed).normal(size=(MEMBERS, rows, CLASSES))
    if labels is not None:
        logits[:, np.arange(rows), labels] += 3.0
    return np.asarray(np.exp(logits) / np.exp(logits).sum(axis=2, keepdims=True))


@pytest.fixture
def pool(tmp_path: Path) -> Pool:
    generator = np.random.default_rng(2)
    val, test = generator.integers(CLASSES, size=VAL), generator.integers(CLASSES, size=TEST)
    np.savez(
        tmp_path / "predictions.npz",
        labels=val,
        probs=said(VAL, val, 3),
        test_labels=test,
        test_probs=said(TEST, test, 4),
        test_noise_labels=np.zeros(FOREIGN, dtype=np.int64),
        test_noise_probs=said(FOREIGN, None, 5),
    )
    return collect([tmp_path / "predictions.npz"], tmp_path / "a pool").pool


def seen(pool: Pool, member: Member, split: str) -> Floats:
    return np.asarray(pool.task.target.seen(member.predictions(split)))


def judged(pool: Pool) -> tuple[Result, Uncertainty]:
    result = evaluate(pool, [choose(pool, "all", folds=3)], foreign=["noise"])
    assert result.uncertainty is not None
    return result, result.uncertainty


def test_team_and_single_model_are_measured_on_test(pool: Pool) -> None:
    result, found = judged(pool)
    members = {member.id: member for member in pool.members()}
    single = seen(pool, members[found.member], "test")
    team = predict(pool, choose(pool, "all", folds=0), "test")
    truth = pool.truth("test")
    assert (found.member, found.method) == (result.best_single.id, "all")
    assert found.single.aurc == pytest.approx(aurc(single, truth), abs=1e-6)
    assert found.team is not None
    assert found.team.aurc == pytest.approx(aurc(team, truth))
    surest = np.argsort(-team.max(axis=1), kind="stable")[: TEST // 2]
    assert found.team.accuracy["50"] == pytest.approx(np.mean(team[surest].argmax(axis=1) == truth[surest]))
    assert found.gain["aurc"].value == pytest.approx(found.single.aurc - found.team.aurc)
    assert found.gain["aurc"].low < found.gain["aurc"].value < found.gain["aurc"].high


def test_foreign_rows_that_are_kept_beside_the_splits_are_told_as_those_of_a_test_set(pool: Pool) -> None:
    """They are the very rows of a further test set."""
    names = [member.id for member in pool.members()]
    said_there = {m.id: m.predictions("test:noise").dense(CLASSES).astype(np.float32) for m in pool.members()}
    write_foreign(pool, "kept", said_there, data="npz", fingerprint="0" * 64)
    write_foreign(pool, "some", {names[0]: said_there[names[0]]}, data="npz", fingerprint="0" * 64)
    found = judged(pool)[1]
    assert set(found.foreign) == {"test:noise", "kept"}  # of `some` the others of the team have not said anything
    kept, other = found.foreign["kept"], found.foreign["test:noise"]
    assert kept.rows == FOREIGN
    assert kept.single["entropy"].auroc == pytest.approx(other.single["entropy"].auroc, abs=1e-6)
    for measure in ("entropy", "mutual_information"):
        assert kept.team[measure].auroc == pytest.approx(other.team[measure].auroc, abs=1e-6)
        assert kept.gain[measure].low == pytest.approx(other.gain[measure].low, abs=1e-6)


def test_foreign_rows_that_are_damaged_are_passed_over(pool: Pool) -> None:
    one = pool.members()[0]
    said_there = {one.id: one.predictions("test:noise").dense(CLASSES).astype(np.float32)}
    write_foreign(pool, "kept", said_there, data="npz", fingerprint="0" * 64)
    assert list(foreign_sets(pool)) == ["kept"]
    file = pool.folder / "foreign" / "kept.safetensors"
    file.write_bytes(file.read_bytes()[:-1] + b"!")
    assert foreign_sets(pool) == {}


def test_sets_cover_what_they_promise(pool: Pool) -> None:
    found = judged(pool)[1].sets
    assert found is not None
    assert found.calibration_rows + found.measured_rows == TEST
    for each in (*found.single.values(), *found.team.values()):
        assert each.low <= each.covered <= each.high
        assert 0.85 < each.covered < 0.95
    assert found.team["aps"].size < found.single["aps"].size


def test_foreign_rows_are_told_by_doubt_and_their_truth_does_not_count(pool: Pool) -> None:
    result, found = judged(pool)
    assert not result.further
    split, foreign = next(iter(found.foreign.items()))
    everyone = {name: np.stack([seen(pool, each, name) for each in pool.members()]) for name in ("test", split)}
    for name, measure in (("entropy", lambda p: entropy(p.mean(axis=0))), ("mutual_information", mutual_information)):
        expected = detection_auroc(measure(everyone["test"]), measure(everyone[split]))
        assert foreign.team[name].auroc == pytest.approx(expected, abs=1e-5)
        gain = foreign.gain[name]
        assert gain.value == pytest.approx(foreign.team[name].auroc - foreign.single["entropy"].auroc)
    assert foreign.rows == FOREIGN
    assert set(foreign.single) == {"entropy"}, "one model does not disagree with itself"
    assert foreign.team["entropy"].auroc > foreign.single["entropy"].auroc > 0.6


def test_rows_are_looked_at_in_blocks_and_the_same_comes_out(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    found = judged(pool)[1]
    monkeypatch.setattr(SplitReader, "whole", None)  # nobody asks for predictions on all rows
    monkeypatch.setattr(streaming, "BLOCK_BYTES", 8 * MEMBERS * CLASSES * 77)
    assert judged(pool)[1] == found


def test_a_set_that_is_not_called_foreign_is_judged_as_well(pool: Pool) -> None:
    result = evaluate(pool, [choose(pool, "all", folds=0)])
    assert result.uncertainty is not None
    assert list(result.further) == list(result.uncertainty.foreign) != []


def test_a_foreign_set_that_is_not_there_is_refused(pool: Pool) -> None:
    with pytest.raises(PoolError, match=r"'mnist' is no further test set of this pool; name one of noise"):
        evaluate(pool, [choose(pool, "all", folds=0)], foreign=["mnist"])


def test_the_result_is_read_as_it_was_written(pool: Pool, tmp_path: Path) -> None:
    result = judged(pool)[0]
    write_result(result, tmp_path / "result.json")
    assert read_result(tmp_path / "result.json").uncertainty == result.uncertainty


def test_the_command_prints_it(pool: Pool) -> None:
    def run(*words: str) -> Invoked:
        return copy_context().run(lambda: CliRunner().invoke(app, words))

    assert run("select", str(pool.folder), "--method", "all").exit_code == 0
    printed = run("evaluate", str(pool.folder), "--foreign", "noise", "--format", "csv")
    assert printed.exit_code == 0, printed.output
    for word in ("AURC", "RAPS", "AUROC", "mutual information"):
        assert word in printed.output


def test_groups_stay_together_and_few_rows_have_no_sets() -> None:
    labels = np.arange(200) % CLASSES
    probs = said(200, labels, 6)[0]
    groups = np.repeat(np.arange(40), 5)
    found = sets({"single": lambda compute: compute(probs, slice(None))}, labels, None, groups)
    assert found is not None
    assert (found.calibration_rows, found.measured_rows, found.team) == (100, 100, {})
    alone = sets({"single": lambda compute: compute(probs, slice(None))}, labels)
    assert alone is not None
    width = [each.single["lac"].high - each.single["lac"].low for each in (found, alone)]
    assert width[0] > width[1], "rows of a group are not independent"
    assert sets({"single": lambda compute: compute(probs[:17], slice(None))}, labels[:17]) is None
