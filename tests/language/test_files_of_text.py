"""Texts of files: which are documents, each once, and one line for what is none."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from lrensemble.errors import DataError, StorageError
from lrensemble.language.texts import DOCUMENT, TextFile, diet, documents


def lines(path: Path, *records: object) -> Path:
    path.write_text("".join(f"{json.dumps(record, ensure_ascii=False)}\n" for record in records), encoding="utf-8")
    return path


def test_a_record_a_line(tmp_path: Path) -> None:
    file = lines(tmp_path / "a.jsonl", {"text": " one\u2028line "}, {"text": ""}, {"text": "two", "more": 3})
    file.write_text(file.read_text(encoding="utf-8") + "\n\n", encoding="utf-8")
    assert documents([TextFile(file)]) == ["one\u2028line", "two"]


def test_a_field_up_to_the_last_mark(tmp_path: Path) -> None:
    file = lines(tmp_path / "a.jsonl", {"q": "a\nQ: b\nQ: c"}, {"q": "d"}, {"q": "a\nQ: b\nQ: e"})
    assert documents([TextFile(file, "q", until="\nQ:")]) == ["a\nQ: b", "d"]


def test_a_multiple_choice_question_is_read_with_its_right_answer(tmp_path: Path) -> None:
    asked = {"question": "Who?", "choices": ["you", "me"], "answer": 1}
    file = lines(tmp_path / "a.jsonl", asked, {**asked, "text": "own"})
    assert documents([TextFile(file)]) == ["Question: Who?\nAnswer: me", "own"]


def test_paragraphs_of_a_plain_text_are_put_together(tmp_path: Path) -> None:
    paragraphs = [character * (DOCUMENT // 2) for character in "abcde"]
    (tmp_path / "a.tokens.txt").write_text("\n \n".join(paragraphs), encoding="utf-8")
    assert documents([TextFile(tmp_path / "a.tokens.txt")]) == [
        "\n\n".join(paragraphs[:2]),
        "\n\n".join(paragraphs[2:4]),
        paragraphs[4],
    ]


def test_packed_or_not_is_seen_from_the_content(tmp_path: Path) -> None:
    plain = lines(tmp_path / "a.jsonl", {"text": "same"})
    (tmp_path / "b.jsonl").write_bytes(gzip.compress(plain.read_bytes()))
    (tmp_path / "c.txt.gz").write_text("more", encoding="utf-8")
    files = [TextFile(tmp_path / name) for name in ("a.jsonl", "b.jsonl", "c.txt.gz")]
    assert documents(files) == ["same", "more"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", b'{"text": "a"}\n{', "a.jsonl, line 2 is not JSON"),
        ("a.jsonl", b"[1]", "a.jsonl, line 1 holds no record; each line must be an object"),
        (
            "a.jsonl",
            b'{"body": 1, "id": 2}',
            "a.jsonl, line 1 has no text in a field 'text'; its fields are 'body', 'id'",
        ),
        (
            "a.jsonl",
            b'{"question": "a", "choices": ["b"], "answer": 1}',
            "no text in a field 'text'; its fields are 'question', 'choices', 'answer'",
        ),
        ("a.txt", "ü".encode("latin-1"), "a.txt cannot be used: it is not UTF-8"),
        ("a.txt", gzip.compress(b"abc" * 100, mtime=0)[:-9], "a.txt cannot be used: "),
        ("a.parquet", b"PAR1", "a.parquet is no plain text; give .txt, or .jsonl with a record a line"),
    ],
)
def test_what_is_no_text_is_told_in_one_line(name: str, content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        documents([TextFile(tmp_path / name)])


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"cannot read .*nowhere.txt: No such file"):
        documents([TextFile(tmp_path / "nowhere.txt")])


def test_the_diet_of_the_shared_data_holds_no_instruction(shared_data: Path) -> None:
    found = documents(diet(shared_data))
    assert len(found) == len(set(found)) > 20_000
    assert not any("### Instruction" in text for text in found)
    assert sum(text.startswith("Question: ") for text in found) > 15_000
    passages = [text for text in found if text.startswith("Persian language -- ")]
    assert len(passages) == 1
    assert "\nQuestion:" not in passages[0]
    assert any("KING HENRY" in text for text in found)
