"""Instructions by name: examples of a file become the rows of a data set in the tokens of a base."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.language.models import END, VOCABULARY, tiny_base

from lrensemble.config import DataSettings, SplitSettings
from lrensemble.data import Learnable
from lrensemble.errors import ConfigError, LREnsembleError, SpecError
from lrensemble.language.base import base_of
from lrensemble.language.dataset import SequenceDataset
from lrensemble.language.source import TEXTS
from lrensemble.spec import to_spec
from lrensemble.train.run.reading import check_source, read

ROWS = 60
WORDS = ("red", "green", "blue", "seven", "eleven", "north", "south")
SOURCE = "instructions(file='asked.jsonl', template='none', length=48)"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("texts")
    tiny_base(made / "base")
    draw = np.random.default_rng(0)
    asked = [" ".join(draw.choice(WORDS, size=6)) for _ in range(ROWS)]
    lines = [json.dumps({"instruction": each, "output": each.split()[row % 6]}) for row, each in enumerate(asked)]
    (made / "asked.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return made


def dataset(folder: Path, source: str = SOURCE, seed: int = 0) -> Learnable:
    split = SplitSettings(val=0.2, test=0.2, seed=seed)
    return read(DataSettings(source=to_spec(source), folder=folder), split, to_spec(f"lora(base='{folder / 'base'}')"))


def test_rows_are_answer_tokens_and_batches_are_sequences(folder: Path) -> None:
    found = dataset(folder)
    assert isinstance(found, SequenceDataset)
    assert sum(len(found.sequences[split]) for split in ("train", "val", "test")) == ROWS
    assert len(found.rows["train"]) == len(found.sequences["train"])
    val = found.sequences["val"]
    assert len(found.rows["val"]) == len(found.truth_of("val")) == len(found.groups_of("val")) == val.answer.sum()
    assert found.truth_of("val").tolist() == val.ids[val.answer].tolist()
    assert np.unique(found.rows["val"]).size == len(found.rows["val"])
    ids, answer = found.batch(torch.tensor([3, 1]))
    train = found.sequences["train"]
    assert ids.shape == answer.shape == (2, max(train.lengths[3], train.lengths[1]))
    assert ids[1, : train.lengths[1]].tolist() == train.ids[1, : train.lengths[1]].tolist()
    assert ids[0][answer[0]].tolist()[-1] == END
    assert found.target.width == VOCABULARY == len(found.target.names)


def test_the_fingerprint_is_that_of_texts_division_and_base(folder: Path, tmp_path: Path) -> None:
    first = dataset(folder).fingerprint
    assert dataset(folder).fingerprint == first
    assert dataset(folder, seed=1).fingerprint != first
    assert dataset(folder, SOURCE.replace("48", "40")).fingerprint != first
    other = base_of(tiny_base(tmp_path / "other", seed=1))
    split = SplitSettings(val=0.2, test=0.2)
    assert TEXTS.call(SOURCE, folder, other, split).fingerprint != first


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("instructions", "give file, in the folder of the data, or repo"),
        ("instructions(file='asked.jsonl', length=400)", "data.length = 400 is above the 128 tokens"),
        ("instructions(file='gone.jsonl')", "gone.jsonl"),
        ("instructions(file='asked.jsonl', template='alpacca')", "did you mean 'alpaca'"),
    ],
)
def test_what_cannot_be_read_is_one_line(folder: Path, source: str, message: str) -> None:
    with pytest.raises(LREnsembleError, match=message) as caught:
        dataset(folder, source)
    assert "\n" not in str(caught.value)


def test_arguments_are_checked_before_anything_is_read() -> None:
    with pytest.raises(SpecError, match="too_long"):
        check_source(to_spec("instructions(file='asked.jsonl', too_long='shorten')"))
    with pytest.raises(ConfigError, match="does not say in whose tokens"):
        read(DataSettings(source=to_spec(SOURCE)), SplitSettings(), to_spec("mlp"))
