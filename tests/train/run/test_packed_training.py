"""Training on packed sequences, and on batches of like lengths: the same losses, with less padding."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tests.language.models import tiny_base, tiny_model, tiny_tokenizer
from tests.language.toy_texts import toy_sequences

from lrensemble import models
from lrensemble.config import Experiment, TrainSettings, to_record
from lrensemble.errors import TrainingError
from lrensemble.language.base import base_of
from lrensemble.language.dataset import SequenceDataset
from lrensemble.policies import build
from lrensemble.targets import Classes
from lrensemble.train import Counted, tune
from lrensemble.train.run.fit import fit
from lrensemble.train.run.sequences import SequenceTrainee

transformers = pytest.importorskip("transformers")
pytest.importorskip("peft")

SIZES = {"train": 24, "val": 7, "test": 5}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_base(tmp_path_factory.mktemp("base"))


def trainee(base: Path, *, packing: bool, double: bool = False, model: str = "causal-lm", **settings: Any) -> Any:
    sequences = {name: toy_sequences(count, place) for place, (name, count) in enumerate(SIZES.items())}
    names = Classes(names=tuple(f"t{place}" for place in range(tiny_model().config.vocab_size)))
    data = SequenceDataset.of("toy", sequences, names, base_of(base), packing=packing)
    network = models.build({"name": model, "base": str(base)}, data.shape, 1, 4)
    train = {"batch_size": 8, "optimizer": "adamw", "seed": 4, **settings}
    return SequenceTrainee(network.double() if double else network, data, TrainSettings.model_validate(train))


@pytest.mark.parametrize("changes", [{}, {"accumulate": 3}, {"sampler": "by_length"}])
def test_packed_losses_and_gradients_are_those_of_padded_ones(base: Path, changes: dict[str, Any]) -> None:
    plain, packed = (trainee(base, packing=each, double=True, **changes) for each in (False, True))
    for step in range(5):
        for left, right in zip(plain.step(step, [0.01]), packed.step(step, [0.01]), strict=True):
            assert left.item() == pytest.approx(right.item(), rel=1e-9)
    for name, tensor in plain.weights().items():
        assert torch.allclose(tensor, packed.weights()[name], rtol=1e-6, atol=1e-8), name


def test_fewer_positions_are_computed(base: Path) -> None:
    packed = trainee(base, packing=True)
    rows = torch.arange(8)
    ids, answer, beside = packed._inputs(rows)
    whole, learnt = packed._dataset.batch(rows)
    assert ids.numel() < whole.numel()
    assert answer.sum() == learnt.sum()
    assert beside["attention_mask"].shape == (len(ids), 1, ids.shape[1], ids.shape[1])


@pytest.mark.parametrize("settings", [{"precision": "bfloat16"}, {"model": "lora"}])
def test_it_is_resumed_to_the_same_bits(base: Path, settings: dict[str, Any]) -> None:
    policy = build("cosine(peak=0.02)", 4)
    whole, begun, resumed = (trainee(base, packing=True, sampler="by_length", **settings) for _ in range(3))
    expected = list(fit(whole, policy))
    seen = [step for _, step in zip(range(2), fit(begun, policy), strict=False)]
    resumed.load({name: tensor.clone() for name, tensor in begun.state().items()})
    assert [*seen, *fit(resumed, policy, first_step=2)] == expected


@pytest.fixture
def alibi(tmp_path: Path) -> Path:
    """A base without positions: its tokens know how far others are, whose sequence they may be of."""
    config = transformers.BloomConfig(vocab_size=64, hidden_size=16, n_layer=1, n_head=2)
    transformers.BloomForCausalLM(config).save_pretrained(tmp_path / "bloom")
    tiny_tokenizer().save_pretrained(tmp_path / "bloom")
    return tmp_path / "bloom"


def test_a_model_that_does_not_keep_them_apart_is_refused(alibi: Path) -> None:
    with pytest.raises(TrainingError, match=r"data\.packing = true is refused: .*bloom does not keep .*; leave it out"):
        trainee(alibi, packing=True)
    trainee(alibi, packing=False).step(0, [0.01])


def test_much_padding_is_said_before_training(base: Path, tmp_path: Path) -> None:
    content = {
        "plugins": ["tests.language.toy_texts"],
        "data": {"name": "toy-texts", "train": 400},
        "model": {"name": "lora", "base": str(base), "rank": 2},
        "policy": ["constant(peak=0.01)"],
        "train": {"epochs": 1, "batch_size": 80, "optimizer": "adamw"},
    }
    first = next(tune(to_record(Experiment, content, "test"), tmp_path / "pool"))
    assert isinstance(first, Counted)
    assert first.line.startswith("2")
    assert "% of what an epoch computes is padding; train.sampler = 'by_length' would leave " in first.line
    content["train"] |= {"sampler": "by_length"}  # type: ignore[operator]
    first = next(tune(to_record(Experiment, content, "test"), tmp_path / "pool"))
    assert not isinstance(first, Counted)
