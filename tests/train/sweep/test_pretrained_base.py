"""An experiment that pre-trains its base: made once, found again, and refused before a minute is spent."""

import logging
from pathlib import Path
from typing import Any

import pytest
from tests.language.texts import stories

from lrensemble.config import Experiment, to_record
from lrensemble.errors import ConfigError, DataError, SpecError, StorageError
from lrensemble.language.base import load_base
from lrensemble.pool import Pool
from lrensemble.train import tune
from lrensemble.train.sweep.pretraining import with_base

pytest.importorskip("peft")

SMALL = {"vocabulary": 280, "width": 16, "layers": 1, "heads": 2, "context": 64, "length": 24, "steps": 3}


@pytest.fixture
def content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setenv("LRENSEMBLE_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "data"
    folder.mkdir()
    stories(folder / "stories.jsonl")
    return {
        "plugins": ["tests.language.toy_texts"],
        "data": {"name": "toy-texts", "folder": str(folder)},
        "pretrain": {"texts": ["stories.jsonl"], **SMALL},
        "model": {"name": "lora", "rank": 2},
        "policy": ["constant(peak=0.01)"],
        "train": {"epochs": 1, "batch_size": 8, "optimizer": "adamw"},
    }


def experiment(content: dict[str, Any], **changes: Any) -> Experiment:
    return to_record(Experiment, content | changes, "test")


def test_the_base_is_made_once_and_members_refer_to_it(
    content: dict[str, Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    list(tune(experiment(content), tmp_path / "pool"))
    assert "it is pre-trained first, once, for 3 steps" in caplog.text
    caplog.clear()
    list(tune(experiment(content), tmp_path / "again"))
    assert "pre-trained first" not in caplog.text
    first, second = (Pool.open(tmp_path / name) for name in ("pool", "again"))
    assert first.task.base is not None
    assert Path(first.task.base.path).parent == tmp_path / "cache"
    assert load_base(first.task.base).model.num_parameters() > 0
    assert [member.id for member in first] == [member.id for member in second]
    assert [member.weights_file().read_bytes() for member in first] == [
        member.weights_file().read_bytes() for member in second
    ]


def test_other_settings_are_another_base_and_without_them_nothing_changes(content: dict[str, Any]) -> None:
    one, other = (
        with_base(experiment(content, pretrain={**content["pretrain"], "seed": seed})).model.arguments["base"]
        for seed in (0, 1)
    )
    assert one != other
    done = with_base(experiment(content))
    assert (done.pretrain, with_base(done)) == (None, done)


@pytest.mark.parametrize(
    ("changes", "kind", "said"),
    [
        ({"model": "mlp"}, ConfigError, "[pretrain] makes the base of language models, and model = mlp is none; give"),
        ({"model": {"name": "lora", "base": "mine"}}, ConfigError, "and model.base = 'mine' is another; leave one of"),
        ({"data": "toy-texts"}, DataError, "pretrain needs the folder of its files (stories.jsonl): set data.folder"),
        ({"pretrain": {"texts": ["none.jsonl"]}}, StorageError, "none.jsonl"),
        ({"pretrain": {"width": 18, "heads": 6}}, SpecError, "width = 18 cannot be divided among heads = 6"),
        ({"model": {"name": "lora", "rank": 0}}, SpecError, "rank"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_trained(
    content: dict[str, Any], tmp_path: Path, changes: dict[str, Any], kind: type[Exception], said: str
) -> None:
    if "pretrain" in changes:
        changes = {"pretrain": content["pretrain"] | changes["pretrain"]}
    with pytest.raises(kind) as caught:
        tune(experiment(content, **changes), tmp_path / "pool")
    assert said in str(caught.value)
    assert not (tmp_path / "cache").exists()


def test_an_unknown_key_is_refused_with_its_path(content: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"pretrain\.step: no such key; did you mean 'steps'"):
        experiment(content, pretrain={"step": 3})


def test_it_is_said_where_it_takes_time(content: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "lrensemble"):
        with_base(experiment(content))
    assert "step 3 of 3, loss " in caplog.text
