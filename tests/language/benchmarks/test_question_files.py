"""Rows of files and of sets in the hub's own layout: what is found, and what is said of what cannot be used."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.language.benchmarks.sets import rows_of, write

from lrensemble.errors import DataError, StorageError, UntrustedError
from lrensemble.language.benchmarks import BENCHMARKS, BenchmarkFacts
from lrensemble.language.benchmarks.layouts import of_labels
from lrensemble.language.benchmarks.rows import read_rows
from lrensemble.registry import known_paths_only

ARC = BENCHMARKS.facts("arc_easy")


@pytest.mark.parametrize("name", ["arc_easy.test.jsonl", "mcq/arc_easy.test.jsonl.gz", "arc_easy.test_subset.jsonl"])
def test_files_by_their_names(tmp_path: Path, name: str) -> None:
    write(tmp_path / name, rows_of(4))
    found = read_rows(ARC, "test", tmp_path)
    assert found is not None
    assert [row.question for row in found] == [row["question"] for row in rows_of(4)]
    assert [row.right for row in found] == [(0,), (1,), (2,), (0,)]
    assert [row.id for row in found] == ["q0", "q1", "q2", "q3"]
    assert read_rows(ARC, "validation", tmp_path) is None


def test_a_file_without_a_split_has_test_rows(tmp_path: Path) -> None:
    write(tmp_path / "truthfulqa.jsonl", rows_of(2))
    facts = BENCHMARKS.facts("truthfulqa_mc1")
    assert read_rows(facts, "validation", tmp_path) is not None
    assert read_rows(facts, "train", tmp_path) is None


def test_lines_end_at_line_feeds_alone(tmp_path: Path) -> None:
    rows = [{**row, "question": f"a\u2028b\x85c {row['question']}"} for row in rows_of(3)]
    found = read_rows(ARC, "test", write(tmp_path / "arc_easy.test.jsonl", rows).parent)
    assert found is not None
    assert len(found) == 3
    assert found[0].question.startswith("a\u2028b\x85c")


def test_ids_that_do_not_tell_rows_apart_are_places(tmp_path: Path) -> None:
    rows = [{**row, "id": "same"} for row in rows_of(3)]
    found = read_rows(ARC, "test", write(tmp_path / "arc_easy.test.jsonl", rows).parent)
    assert found is not None
    assert [row.id for row in found] == ["0", "1", "2"]


def test_a_set_in_the_layout_of_the_hub(tmp_path: Path) -> None:
    """A folder is to `datasets` what a name on the hub is."""
    pytest.importorskip("datasets")
    raw = [
        {
            "id": row["id"],
            "question": row["question"],
            "choices": {"text": row["choices"], "label": ["A", "B", "C"]},
            "answerKey": "ABC"[row["answer"]],
        }
        for row in rows_of(5)
    ]
    write(tmp_path / "set" / "test.jsonl", raw)
    facts = BenchmarkFacts(repo=str(tmp_path / "set"), layout=of_labels)
    found = read_rows(facts, "test", None)
    assert read_rows(facts, "validation", None) is None
    expected = read_rows(ARC, "test", write(tmp_path / "own" / "arc_easy.test.jsonl", rows_of(5)).parent)
    assert found == expected
    with known_paths_only("a pool"), pytest.raises(UntrustedError, match=r"a pool names hub\(repo='owner/questions'\)"):
        read_rows(BenchmarkFacts(repo="owner/questions"), "test", None)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"question": " "}, "line 2 has an empty question; give the text that is asked"),
        ({"question": None}, "line 2 has an empty question"),
        ({"choices": ["a"]}, r"line 2 has the answers \['a'\]; give two texts or more, none of them empty"),
        ({"choices": ["a", ""]}, r"line 2 has the answers \['a', ''\]"),
        ({"choices": ["a", 3]}, r"line 2 has the answers \['a', 3\]"),
        ({"answer": 3}, r"line 2 has no right answer \(3\); give the place of one, 0 to 2 \(some sets keep those"),
        ({"answer": -1}, r"line 2 has no right answer \(-1\)"),
        ({"answer": []}, r"line 2 has no right answer \(none\)"),
        ({"answer": "1"}, r"line 2 has no right answer \(1\)"),
        ({"choices": None}, "line 2 cannot be read .*; it has id, question, choices, answer; give question, choices"),
    ],
)
def test_rows_that_cannot_be_asked(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    first, second, third = rows_of(3)
    write(tmp_path / "arc_easy.test.jsonl", [first, {**second, **change}, third])
    with pytest.raises(DataError, match=message) as raised:
        read_rows(ARC, "test", tmp_path)
    assert "\n" not in str(raised.value)


def test_keys_that_are_missing(tmp_path: Path) -> None:
    write(tmp_path / "arc_easy.test.jsonl", [{"ask": "a", "choices": {"text": ["b", "c"], "label": ["A", "B"]}}])
    with pytest.raises(
        DataError, match=r"line 1 cannot be read .*answerKey.*; it has ask, choices; give question, choic"
    ):
        read_rows(ARC, "test", tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "holds no questions"),
        (b"{'a': 1}\n", "line 1: not JSON"),
        (b"[1]\n", r"line 1 cannot be read .*; it has list; give question"),
        (json.dumps(rows_of(1)[0]).encode("utf-16"), "is damaged: it is UTF-16; save it as UTF-8"),
    ],
)
def test_damaged_files(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "arc_easy.test.jsonl").write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_rows(ARC, "test", tmp_path)


def test_a_damaged_archive(tmp_path: Path) -> None:
    path = write(tmp_path / "arc_easy.test.jsonl.gz", rows_of(3))
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(DataError, match=r"arc_easy\.test\.jsonl\.gz is damaged"):
        read_rows(ARC, "test", tmp_path)


def test_places_where_nothing_is(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is no folder; give the one that the files of the benchmarks lie in"):
        read_rows(ARC, "test", tmp_path / "nowhere")
    facts = BENCHMARKS.facts("questions")
    with pytest.raises(
        DataError, match=r"q\.csv is no file of questions; give one that ends in \.jsonl or \.jsonl\.gz"
    ):
        read_rows(facts, "test", None, tmp_path / "q.csv")
    with pytest.raises(StorageError, match=r"q\.jsonl"):
        read_rows(facts, "test", None, tmp_path / "q.jsonl")
