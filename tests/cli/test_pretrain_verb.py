"""`lrensemble pretrain`: a folder that is a base, a line with its losses, or the record."""

import json
from pathlib import Path

import pytest
from tests.cli.command import Command
from tests.language.texts import stories

from lrensemble.language.pretrained import Pretrained

pytest.importorskip("transformers")

SMALL = ("--width", 32, "--layers", 1, "--heads", 2, "--length", 24, "--vocabulary", 280, "--steps", 4)


def test_it_writes_a_base_and_says_what_it_is_worth(command: Command, tmp_path: Path) -> None:
    texts, out = stories(tmp_path / "stories.jsonl", field="story"), tmp_path / "base"
    arguments = ("pretrain", "--texts", texts, "--field", "story", "--out", out, *SMALL)
    status, said, progress = command(*arguments)
    assert (status, said) == (0, "")
    assert "pre-training: step 2 of 4, loss " in progress
    assert f"{out}: trained; loss " in progress
    assert (out / "model.safetensors").is_file()
    again = command(*arguments, "--json")
    record = Pretrained.model_validate_json(again.out)
    assert (record.folder, record.made) == (out, False)
    assert record.losses.model_dump() == json.loads((out / "pretrain.json").read_text(encoding="utf-8"))["losses"]
    assert f"{record.losses.loss:.3f} nats a token" in progress


def test_without_texts_it_asks_for_some(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LRENSEMBLE_DATA", raising=False)
    status, _, err = command("pretrain", "--out", tmp_path / "base")
    assert status == 2
    said = "nothing to read: give --texts FILE, or --data FOLDER (or LRENSEMBLE_DATA) with mcq/ and text-corpora/"
    assert " ".join(err.split()) == f"lrensemble: {said}"
    monkeypatch.setenv("LRENSEMBLE_DATA", str(tmp_path))
    status, _, err = command("pretrain", "--out", tmp_path / "base")
    assert status == 2
    assert f"cannot read {tmp_path / 'mcq' / 'boolq.train.jsonl.gz'}: No such file or directory" in err
