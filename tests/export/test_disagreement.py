"""How much members disagree, rows without a label, and rows that come from standard input."""

import csv
import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.cli.command import Command
from tests.export.conftest import CLASSES, TeamBy

import lrensemble
from lrensemble.config import Inputs
from lrensemble.consensus import CONSENSUS
from lrensemble.errors import DataError, ExportError
from lrensemble.export import Ensemble, cascade, disagreement, ensemble_of
from lrensemble.export.json_lines import read_lines
from lrensemble.metrics import serving
from lrensemble.pool import Pool

Images = tuple[NDArray[np.uint8], NDArray[np.int64]]


def entropy_by_hand(probs: NDArray[np.float64]) -> float:
    return -float(sum(p * np.log(p) for p in probs.tolist() if p > 0))


def test_by_the_definition(ensemble: Ensemble, images: Images) -> None:
    weights = np.array([0.5, 0.25, 0.25, 0.0])
    changes = {"weights": tuple(weights.tolist())}
    weighed = Ensemble(list(ensemble.members), ensemble.description.model_copy(update=changes))
    found = disagreement(weighed, images[0])
    alone = []
    for place in range(4):
        one = {"weights": tuple(float(each == place) for each in range(4))}
        single = Ensemble(list(ensemble.members), ensemble.description.model_copy(update=one))
        alone.append(single.predict_proba(images[0]))
    said = weighed.predict_proba(images[0])
    for row in (0, 7, 149):
        total = entropy_by_hand(said[row])
        mean = sum(weight * entropy_by_hand(own[row]) for weight, own in zip(weights, alone, strict=True))
        assert found.entropy[row] == pytest.approx(total, abs=1e-9)
        assert found.mutual_information[row] == pytest.approx(total - mean, abs=1e-7)
    assert (found.mutual_information > 0).all()


def test_one_member_does_not_disagree(ensemble: Ensemble, images: Images) -> None:
    one = {"weights": (0.0, 1.0, 0.0, 0.0)}
    single = Ensemble(list(ensemble.members), ensemble.description.model_copy(update=one))
    found = disagreement(single, images[0][:5])
    np.testing.assert_allclose(found.mutual_information, 0, atol=1e-12)
    assert (found.entropy > 0.1).all()


@pytest.mark.parametrize("consensus", serving(CONSENSUS, "classes")[:3])
def test_probabilities_are_those_without_it(
    pool: Pool, team_by: TeamBy, images: Images, consensus: str, tmp_path: Path
) -> None:
    own = ensemble_of(pool, team_by(consensus=consensus))
    plain, asked = (lrensemble.predict(own, images[0][:9], disagreement=ask) for ask in (False, True))
    np.testing.assert_array_equal(asked.said, plain.said)
    assert asked.header()[-2:] == ["entropy", "mutual_information"]
    assert plain.header() == asked.header()[:-2]
    asked.save(tmp_path / "table.csv")
    with (tmp_path / "table.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["entropy"]) for row in rows] == pytest.approx(
        [entropy_by_hand(probs) for probs in asked.said], abs=1e-9
    )


def test_a_cascade_says_what_it_says(ensemble: Ensemble, pool: Pool, images: Images) -> None:
    made = cascade(ensemble, pool).ensemble
    asked = lrensemble.predict(made, images[0], disagreement=True)
    np.testing.assert_array_equal(asked.said, made.predict_proba(images[0]))
    assert len(asked.further["mutual_information"]) == len(images[0])


def test_rows_without_a_label(bundle: Path, images: Images, command: Command, tmp_path: Path) -> None:
    np.savez(tmp_path / "rows.npz", x=images[0])
    highest = Ensemble.load(bundle).predict_proba(images[0]).max(axis=1)
    threshold = float(np.sort(highest)[40])  # the row that just reaches it has a label
    outcome = command("predict", bundle, tmp_path / "rows.npz", "--abstain", repr(threshold), "--disagreement")
    assert outcome.status == 0
    assert "150 rows predicted; 40 without a label: no probability reaches" in outcome.err
    rows = list(csv.DictReader(io.StringIO(outcome.out)))
    np.testing.assert_array_equal([row["label"] == "" for row in rows], highest < threshold)
    outcome = command("predict", bundle, tmp_path / "rows.npz", "--abstain", repr(threshold), "--json")
    labels = [each["label"] for each in json.loads(outcome.out)["predictions"]]
    assert [label is None for label in labels] == (highest < threshold).tolist()
    assert set(labels) <= {None, *CLASSES}
    outcome = command("predict", bundle, tmp_path / "rows.npz", "--abstain", "0.01", "--disagreement", "--json")
    assert "without a label" not in outcome.err
    assert {"entropy", "mutual_information"} < set(json.loads(outcome.out)["predictions"][0])


@pytest.mark.parametrize("threshold", [0, -1, 1.5, float("nan")])
def test_a_threshold_that_is_none(ensemble: Ensemble, images: Images, threshold: float) -> None:
    with pytest.raises(ExportError, match=r"abstain = .* is refused; give a probability above 0, at most 1"):
        lrensemble.predict(ensemble, images[0][:2], abstain=threshold)


def pipe(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


def content_of(kind: str, rows: NDArray[np.uint8]) -> bytes:
    if kind == "jsonl":
        lines = [json.dumps(row.tolist()) for row in rows[:-1]] + ["", json.dumps({"id": 7, "x": rows[-1].tolist()})]
        return "\n".join(lines).encode()
    sink = io.BytesIO()
    if kind == "npz":
        np.savez(sink, x=rows)
    else:
        np.save(sink, rows)
    return sink.getvalue()


@pytest.mark.parametrize("kind", ["npz", "npy", "jsonl"])
def test_rows_from_standard_input(
    bundle: Path, images: Images, command: Command, monkeypatch: pytest.MonkeyPatch, kind: str, tmp_path: Path
) -> None:
    np.save(tmp_path / "more.npy", images[0][6:8])
    pipe(monkeypatch, content_of(kind, images[0][:6]))
    outcome = command("predict", bundle, "-", tmp_path / "more.npy")
    assert outcome.status == 0, outcome.err
    rows = list(csv.DictReader(io.StringIO(outcome.out)))
    assert [(row["file"], row["row"]) for row in rows[:6]] == [("standard input", str(place)) for place in range(6)]
    assert [row["row"] for row in rows[6:]] == ["0", "1"]
    found = [[float(row[f"p:{name}"]) for name in CLASSES] for row in rows]
    np.testing.assert_allclose(found, Ensemble.load(bundle).predict_proba(images[0][:8]), rtol=0, atol=1e-6)


def test_faults_of_standard_input(bundle: Path, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    for content, message in (
        (b"", "standard input is empty"),
        (b"PK\x03\x04nothing", "standard input cannot be read"),
        (b"[[1, 2], [3]]\n", "standard input, line 1 holds no row of numbers"),
        (b'{"x": [1, 2]}\n', "standard input, line 1: inputs have shape (1, 2)"),
        (b"[1, 2", "standard input, line 1: "),
        (b"a,b\n1,2\n", "standard input has 2 columns of numbers"),
    ):
        pipe(monkeypatch, content)
        outcome = command("predict", bundle, "-")
        assert (outcome.status, outcome.out) == (2, ""), outcome
        assert message in outcome.err
        assert outcome.err.count("\n") == 1
    monkeypatch.setattr(sys, "stdin", None)  # as an interpreter does that finds it closed
    outcome = command("predict", bundle, "-")
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err == "lrensemble: standard input is closed; pipe a file of rows to it\n"


def test_lines_of_features(tmp_path: Path) -> None:
    inputs = Inputs(shape=(3,), dtype="float32", mean=(0.0,) * 3, std=(1.0,) * 3)
    path = tmp_path / "rows.jsonl"
    path.write_text('{"name": "a", "f0": 1, "f1": 2.5, "ok": true, "f2": -3}\n[4, 5, 6]\n{"inputs": [7, 8, 9]}\n')
    (rows,) = read_lines(path, inputs)
    np.testing.assert_array_equal(rows, np.array([[1, 2.5, -3], [4, 5, 6], [7, 8, 9]], dtype=np.float32))
    path.write_text('[1, 2, 3]\n"text"\n')
    with pytest.raises(DataError, match=r"rows\.jsonl, line 2 holds no row of numbers"):
        list(read_lines(path, inputs))


def test_many_files_are_predicted_as_one_batch_would(bundle: Path, images: Images, tmp_path: Path) -> None:
    for place, row in enumerate(images[0][:12]):
        np.save(tmp_path / f"{place:02d}.npy", row[None].astype(np.float64) if place == 5 else row[None])
    table = lrensemble.predict(bundle, tmp_path)
    assert [Path(file).stem for file in table.files] == [f"{place:02d}" for place in range(12)]
    assert set(table.rows) == {0}
    np.testing.assert_array_equal(table.said, Ensemble.load(bundle).predict_proba(images[0][:12]))


def test_more_than_one_part_from_standard_input(
    bundle: Path, images: Images, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = np.tile(images[0], (200, 1, 1, 1))  # 1.8 MB
    pipe(monkeypatch, content_of("npy", rows))
    outcome = command("predict", bundle, "-")
    assert "30,000 rows predicted" in outcome.err
