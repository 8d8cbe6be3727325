"""Instruction sets: every kind of record from every kind of file is the same example, and a bad one is named."""

import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from lrensemble.errors import DataError, StorageError, UntrustedError
from lrensemble.language.examples import Example, Turn, example_of, fingerprint
from lrensemble.language.instructions import SUFFIXES, hub_instructions, read_instructions
from lrensemble.registry import known_paths_only

RECORDS: list[dict[str, Any]] = [
    {"instruction": "add", "input": "1, 2", "output": "3", "sources": ["x"]},
    {"instruction": "name a\u2028cat", "input": "", "output": "tom"},
    {"instruction": "say nothing", "input": None, "output": " "},
]
EXAMPLES = (
    Example((Turn("user", "add", "1, 2"), Turn("assistant", "3"))),
    Example((Turn("user", "name a\u2028cat"), Turn("assistant", "tom"))),
)


def write(path: Path, records: list[dict[str, Any]]) -> Path:
    if path.suffix == ".parquet":
        arrow = pytest.importorskip("pyarrow")
        pytest.importorskip("pyarrow.parquet").write_table(arrow.Table.from_pylist(records), path)
        return path
    lines = "\n".join(json.dumps(each, ensure_ascii=False) for each in records) + "\n"
    content = (lines if "jsonl" in path.name else json.dumps(records)).encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_file_gives_the_same_examples(tmp_path: Path, suffix: str, caplog: pytest.LogCaptureFixture) -> None:
    path = write(tmp_path / f"set{suffix}", RECORDS)
    found = read_instructions(path)
    assert found.examples == EXAMPLES
    assert found.without_answer == 1
    assert caplog.messages == [f"{path}: 1 of 3 records have no answer and are left out"]
    assert read_instructions(path, limit=1).examples == EXAMPLES[:1]


@pytest.mark.parametrize(
    ("record", "turns"),
    [
        ({"instruction": "a", "output": "b"}, (("user", "a", ""), ("assistant", "b", ""))),
        ({"prompt": "a ", "completion": " b"}, (("user", "a ", ""), ("assistant", " b", ""))),
        (
            {"messages": [{"role": each, "content": each} for each in ("system", "user", "assistant")], "prompt": None},
            (("system", "system", ""), ("user", "user", ""), ("assistant", "assistant", "")),
        ),
        (
            {"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]},
            (("user", "a", ""), ("assistant", "b", "")),
        ),
    ],
)
def test_every_kind_of_record(record: Mapping[str, Any], turns: tuple[tuple[str, str, str], ...]) -> None:
    assert tuple((turn.role, turn.text, turn.input) for turn in example_of(record).turns) == turns


@pytest.mark.parametrize("answer", ["output", "completion"])
def test_an_answer_that_is_null_is_left_out(tmp_path: Path, answer: str) -> None:
    asked = "instruction" if answer == "output" else "prompt"
    path = write(tmp_path / "set.jsonl", [{asked: "a", answer: "b"}, {asked: "c", answer: None, "messages": None}])
    found = read_instructions(path)
    assert [(each.prompt, each.answer) for each in found.examples] == [("a", "b")]
    assert found.without_answer == 1


def test_columns_of_other_names(tmp_path: Path) -> None:
    path = write(tmp_path / "dolly.jsonl", [{"instruction": "add", "context": "1, 2", "response": "3", "input": "no"}])
    assert read_instructions(path, columns={"input": "context", "output": "response"}).examples == EXAMPLES[:1]
    with pytest.raises(DataError, match=r"record 0: there is no column 'answer'; it has instruction, context, resp"):
        read_instructions(path, columns={"output": "answer"})


def test_prompt_and_answer() -> None:
    first, second = EXAMPLES
    assert (first.prompt, first.answer) == ("add\n1, 2", "3")
    assert second.prompt == "name a\u2028cat"
    talk = Example((Turn("user", "a"), Turn("assistant", "b"), Turn("user", "c"), Turn("assistant", "d")))
    assert (talk.prompt, talk.answer) == ("a\nb\nc", "d")


def test_a_fingerprint_is_of_texts_roles_and_order() -> None:
    first, second = EXAMPLES
    moved = Example((Turn("user", "add\n1, 2"), Turn("assistant", "3")))
    kinds = [(first, second), (second, first), (first,), (moved, second), (first, first)]
    assert len({fingerprint(each) for each in kinds}) == len(kinds)
    assert fingerprint((first, second)) == fingerprint([first, second])


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ("text", "'text' is no record; give messages"),
        ({"instruction": "a", "answer": "b"}, "a record with instruction, answer is no example; give messages"),
        ({"instruction": 3, "output": "b"}, "instruction is 3; it must be a text"),
        ({"instruction": None, "output": "b"}, "instruction is None; it must be a text"),
        ({"instruction": "a", "input": [], "output": "b"}, r"input is \[\]; it must be a text"),
        ({"prompt": " \n", "completion": "b"}, "the prompt is empty; give some text before the answer"),
        ({"messages": "a"}, "messages is 'a'; it must be a list of records with role and content"),
        ({"messages": []}, "the last turn is not the assistant's"),
        ({"messages": [{"role": "user", "content": "a"}]}, "the last turn is not the assistant's"),
        ({"messages": [{"role": "tool", "content": "a"}]}, "'tool' is no role; known are system, user, assistant, hum"),
        ({"messages": [{"role": ["x"], "content": "a"}]}, r"\['x'\] is no role"),
        ({"messages": [{"role": "user"}]}, "content is None; it must be a text"),
    ],
)
def test_a_bad_record_is_named(tmp_path: Path, record: Any, message: str) -> None:
    path = write(tmp_path / "set.jsonl", [RECORDS[0], record])
    with pytest.raises(DataError, match=rf"set\.jsonl, record 1: {message}"):
        read_instructions(path)


def test_bad_files(tmp_path: Path) -> None:
    for name, content, message in (
        ("a.jsonl", b'{"prompt": "a", "completion": "b"}\n\n{"prompt', "a.jsonl cannot be used: line 3: not JSON"),
        ("a.json", b'{"prompt": "a", "completion": "b"}', "must hold a list of records; for a record a line, call it"),
        ("b.json", b"[]", "b.json holds no answer to learn; 0 of 0"),
        ("c.json", b'[{"prompt": "a", "completion": ""}]', "c.json holds no answer to learn; 1 of 1 records have a bl"),
        ("d.json", b"\xff\xfe\x00", "d.json cannot be used: it is UTF-16"),
        ("a.txt", b"", r"a.txt is no file of instructions; its name must end with \.json, \.jsonl"),
        ("a.json.gz", gzip.compress(b"[]" * 999, mtime=0)[:-9], "a.json.gz is damaged"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=message):
            read_instructions(tmp_path / name)
    (tmp_path / "b.json.gz").write_bytes(b"[]")
    for name in ("b.json.gz", "missing.json"):
        with pytest.raises(StorageError, match=f"cannot read .*{name}"):
            read_instructions(tmp_path / name)


def test_a_set_that_datasets_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("datasets")
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    folder = tmp_path / "set"
    folder.mkdir()
    write(folder / "train.jsonl", RECORDS[:2])
    found = hub_instructions(str(folder))
    assert found.examples == EXAMPLES
    assert found.source == f"{folder}, train"
    assert hub_instructions(str(folder), limit=1).examples == EXAMPLES[:1]
    with pytest.raises(DataError, match=r"has no split 'test'; its splits are train"):
        hub_instructions(str(folder), split="test")


def test_a_hub_is_asked_only_when_it_was_asked_for() -> None:
    with (
        known_paths_only("pool"),
        pytest.raises(UntrustedError, match=r"pool names instructions\(repo='owner/other'\)"),
    ):
        hub_instructions("owner/other")


def test_real_alpaca(shared_data: Path) -> None:
    found = read_instructions(shared_data / "alpaca-subset" / "alpaca_subset.jsonl.gz")
    assert (len(found.examples), found.without_answer) == (20668, 10)
    assert found.examples[1].prompt.startswith("Read this block of text and identify all verbs:\nThey spoke of")
    assert found.examples[1].answer == "speak, pending, threat, sense, urgency."


def test_half_of_a_letter_is_refused_with_its_record(tmp_path: Path) -> None:
    path = tmp_path / "half.jsonl"
    path.write_text('{"instruction": "a", "output": "b"}\n{"instruction": "a", "output": "b\\ud83e"}\n')
    with pytest.raises(DataError, match=r"half.jsonl, record 1: output holds '\\ud83e' at place 1, which is half of a"):
        read_instructions(path)
