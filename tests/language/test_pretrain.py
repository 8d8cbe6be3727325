"""A small base model: the same texts give the same bits, once; and nothing half-written is ever there."""

from __future__ import annotations

import json
import math
import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.forked import ForkedProcess
from tests.language.models import tiny_model
from tests.language.small import SMALL
from tests.language.texts import stories, story

from lrensemble.errors import DataError, SpecError, StorageError, TrainingError
from lrensemble.files import proves_itself
from lrensemble.language import pretrain as pretraining
from lrensemble.language.base import base_of, load_base
from lrensemble.language.pretrain import Streams, pretrain
from lrensemble.language.texts import TextFile
from lrensemble.language.tokenizing import BEGIN, END, PAD, token_stream, train_tokenizer
from lrensemble.spec import to_spec

pytest.importorskip("transformers")

SHORT = SMALL.model_copy(update={"steps": 3})


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache."""
    monkeypatch.setenv("LRENSEMBLE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def texts(tmp_path: Path) -> TextFile:
    return TextFile(stories(tmp_path / "stories.jsonl.gz"))


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_same_texts_give_the_same_bits(small_base: Path, tmp_path: Path, cache: Path) -> None:
    torch.manual_seed(7)
    state, threads = torch.random.get_rng_state(), torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        again = pretrain([TextFile(stories(tmp_path / "stories.jsonl"))], tmp_path / "again", SMALL)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert again.made
    assert len(list(cache.iterdir())) == 1
    assert content(small_base) == content(tmp_path / "again")


def test_it_learns_and_says_how_much(small_base: Path) -> None:
    described = json.loads((small_base / "pretrain.json").read_text(encoding="utf-8"))
    assert proves_itself(described)
    losses = described["losses"]
    assert losses["loss"] < losses["unigram_loss"]
    assert losses["loss"] < math.log(280)
    assert described["inputs"]["settings"]["steps"] == 60
    assert [file["name"] for file in described["inputs"]["files"]] == ["stories.jsonl"]
    assert losses["judged_tokens"] <= losses["held_out_tokens"] < losses["trained_tokens"]


def test_it_is_a_base_like_any_other(small_base: Path) -> None:
    model, tokenizer = loaded = load_base(base_of(small_base))
    assert loaded.context == 64
    assert (tokenizer.pad_token_id, tokenizer.bos_token_id, tokenizer.eos_token_id) == (PAD, BEGIN, END)
    assert len(tokenizer) == model.config.vocab_size == 280
    text = "the cat sees the"
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text
    with torch.no_grad():
        logits = model(torch.tensor([[BEGIN, *tokenizer(text)["input_ids"]]])).logits[0, -1]
    follow = [tokenizer(f" {word}")["input_ids"][0] for word in ("cat", "dog", "bird")]
    assert logits.softmax(0)[sorted(set(follow))].sum() > 10 * 3 / 280  # ten times what chance gives


def test_what_was_trained_before_is_not_trained_again(texts: TextFile, tmp_path: Path, cache: Path) -> None:
    first = pretrain([texts], tmp_path / "first", SHORT)
    second = pretrain([texts], tmp_path / "second", SHORT)
    assert (first.made, second.made) == (True, False)
    assert first.losses == second.losses
    assert content(first.folder) == content(second.folder)
    assert not pretrain([texts], tmp_path / "first", SHORT).made  # it is there already
    assert pretrain([texts], tmp_path / "other", SHORT.model_copy(update={"steps": 2})).made
    stories(texts.path, count=61)
    assert pretrain([texts], tmp_path / "more", SHORT).made
    assert len(list(cache.iterdir())) == 3


def test_what_is_damaged_is_trained_again(
    texts: TextFile, tmp_path: Path, cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pretrain([texts], tmp_path / "first", SHORT)
    (entry,) = cache.iterdir()
    for name in ("model.safetensors", "pretrain.json"):
        whole = (entry / name).read_bytes()
        (entry / name).write_bytes(whole[:-9] + b"!" + whole[-8:])
        assert pretrain([texts], tmp_path / name, SHORT).made
        assert f"{name} is damaged" in caplog.text
        assert content(tmp_path / name) == content(tmp_path / "first")


def test_a_folder_with_something_else_stays(texts: TextFile, tmp_path: Path, cache: Path) -> None:
    del cache
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(StorageError, match="out holds something else already; give another folder, or remove it"):
        pretrain([texts], tmp_path / "out", SHORT)
    assert content(tmp_path / "out") == {"mine.txt": b"mine"}


@pytest.mark.skipif(os.name != "posix", reason="it is killed by a signal")
@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGKILL, marks=pytest.mark.long)])
def test_interrupted_it_leaves_nothing(
    number: signal.Signals, texts: TextFile, tmp_path: Path, cache: Path, forking: Path
) -> None:
    command = ["-m", "lrensemble", "pretrain", "--texts", str(texts.path), "--out", str(tmp_path / "out")]
    small = ["--width", "32", "--layers", "1", "--heads", "2", "--length", "24", "--vocabulary", "280"]
    with ForkedProcess(forking, [*command, *small], errors=True) as process:
        assert process.stderr is not None
        said = next(line for line in process.stderr if "step 30 of 600" in line)
        process.send_signal(number)
        said += process.stderr.read()
    assert process.returncode == (130 if number == signal.SIGINT else -9), said
    assert not (tmp_path / "out").exists()
    assert not cache.exists() or not list(cache.iterdir())


def test_a_batch_is_a_function_of_seed_and_step() -> None:
    stream = np.arange(1000)
    batch = pretraining._batch(stream, SMALL, 5)
    assert batch.shape == (4, 25)
    assert torch.equal(batch, pretraining._batch(stream, SMALL, 5))
    assert torch.equal(batch, batch[:, :1] + torch.arange(25))
    others = (pretraining._batch(stream, SMALL, 6), pretraining._batch(stream, SMALL.model_copy(update={"seed": 2}), 5))
    assert not any(torch.equal(batch, other) for other in others)
    ends = [int(pretraining._batch(np.arange(26), SMALL, step).max()) for step in range(40)]
    assert set(ends) == {25}  # two windows, and the last token is in one of four


def test_held_out_tokens_are_judged_each_by_those_before_it_in_its_sequence() -> None:
    generator = np.random.default_rng(0)
    streams = Streams(generator.integers(64, size=90), generator.integers(64, size=24), 0)
    model = tiny_model()
    losses = pretraining._judged(model, streams, length=7)
    expected = []
    for start in (0, 7, 14):
        for place in range(start, start + 7):
            before = torch.from_numpy(streams.held_out[None, start : place + 1])
            with torch.no_grad():
                expected.append(-float(model(before).logits[0, -1].log_softmax(0)[streams.held_out[place + 1]]))
    assert losses.judged_tokens == len(expected) == 21
    assert losses.loss == pytest.approx(np.mean(expected), rel=1e-5)


def test_any_text_comes_back_from_its_tokens() -> None:
    told = [story(seed) for seed in range(10)]
    tokenizer = train_tokenizer(told, 280, context=64)
    for text in (*told, "Größe\n\t 漢字 \u2028 🙂 ", ""):
        ids = tokenizer(text)["input_ids"]
        assert tokenizer.decode(ids) == text
        assert token_stream(tokenizer, [text, text]).tolist() == [BEGIN, *ids, END] * 2
    assert len(tokenizer("the cat")["input_ids"]) < len("the cat")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"width": 30, "heads": 4}, "width = 30 cannot be divided among heads = 4; give a multiple of 8"),
        ({"length": 65}, "length = 65 is above context = 64; give at most that"),
        ({"policy": to_spec("warmup_cosine(peak=0.1, warmup=9)")}, "the warm-up must end before the run of 3 steps"),
    ],
)
def test_settings_that_contradict_each_other(
    settings: dict[str, object], message: str, texts: TextFile, tmp_path: Path
) -> None:
    with pytest.raises(SpecError, match=message):
        pretrain([texts], tmp_path / "out", SHORT.model_copy(update=settings))


@pytest.mark.usefixtures("cache")
def test_too_little_to_learn_from_and_too_high_a_rate(texts: TextFile, tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text("one", encoding="utf-8")
    with pytest.raises(DataError, match="the texts make 1 documents; give two or more, one of which is held out"):
        pretrain([TextFile(tmp_path / "one.txt")], tmp_path / "out", SHORT)
    short = tmp_path / "short.jsonl"
    short.write_text('{"text": "one"}\n{"text": "two"}\n', encoding="utf-8")
    with pytest.raises(DataError, match=r"trained on hold \d+ tokens, and one sequence takes 25; give more text"):
        pretrain([TextFile(short)], tmp_path / "out", SHORT)
    wild = SHORT.model_copy(update={"policy": to_spec("constant(peak=1e20)")})
    with pytest.raises(
        TrainingError, match=r"pre-training diverged at step \d \(rate 1e\+20, loss \w+\); give a lower"
    ):
        pretrain([texts], tmp_path / "out", wild)
    assert not (tmp_path / "out").exists()


@pytest.mark.long
def test_the_base_of_the_shipped_experiments_knows_more_than_counts_of_tokens(trained_base: Path) -> None:
    losses = json.loads((trained_base / "pretrain.json").read_text(encoding="utf-8"))["losses"]
    assert losses["held_out_tokens"] > 50_000
    assert losses["loss"] < losses["unigram_loss"] - 1  # nats; counts of pairs are not reached
    model, _ = load_base(base_of(trained_base))
    assert 2_000_000 < model.num_parameters() < 2_300_000
