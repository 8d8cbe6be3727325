"""Memory that is counted before training: against what a step really takes, by hand, and what is said of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.language.models import VOCABULARY, tiny_base, tiny_tokenizer
from tests.language.toy_texts import toy_sequences

from lrensemble import models
from lrensemble.config import Experiment, TrainSettings, to_record
from lrensemble.errors import TrainingError
from lrensemble.language.base import base_of
from lrensemble.language.dataset import SequenceDataset
from lrensemble.language.sequences import padded
from lrensemble.language.shared import outlined
from lrensemble.language.step_memory import BatchSize, activation_bytes
from lrensemble.spec import Spec, to_spec
from lrensemble.targets import Classes
from lrensemble.train import Counted, tune
from lrensemble.train.execution.room import check_room, memory_of, room_line
from lrensemble.train.run import needed
from lrensemble.train.run.needed import NeededMemory, needed_memory, optimizer_bytes
from lrensemble.train.run.sequences import SequenceTrainee
from lrensemble.train.sweep.run_factory import parts_of_space

transformers = pytest.importorskip("transformers")
pytest.importorskip("peft")
pytestmark = pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")  # peft asks

BLOCKS, LENGTH, ROWS = 4, 40, 6


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama of four blocks that is wide enough for its activations to be seen."""
    config = transformers.LlamaConfig(
        vocab_size=320,
        hidden_size=64,
        intermediate_size=176,
        num_hidden_layers=BLOCKS,
        num_attention_heads=4,
        max_position_embeddings=64,
    )
    path = tmp_path_factory.mktemp("base")
    transformers.LlamaForCausalLM(config).save_pretrained(path)
    tiny_tokenizer().save_pretrained(path)
    return path


def dataset(folder: Path) -> SequenceDataset:
    draw = np.random.default_rng(0)
    tokens = [draw.integers(4, 60, LENGTH).tolist() for _ in range(2 * ROWS)]
    sequences = padded(tokens, [[False] * 10 + [True] * (LENGTH - 10)] * len(tokens), 0)
    names = Classes(names=tuple(map(str, range(320))))
    return SequenceDataset.of("drawn", dict.fromkeys(("train", "val", "test"), sequences), names, base_of(folder))


def held(trainee: SequenceTrainee) -> int:
    """Bytes that a step has of the allocator at once, at most, as torch's profiler saw it; gradients go first."""
    trainee.step(0, [1e-3])
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        trainee.step(1, [1e-3])
    assert profile.profiler is not None
    results: Any = profile.profiler.kineto_results
    events = sorted((each for each in results.events() if each.name() == "[memory]"), key=lambda each: each.start_ns())
    return int(np.cumsum([each.nbytes() for each in events]).max())


@pytest.mark.parametrize(
    ("model", "arguments"),
    [
        ("lora", {"rank": 4}),
        pytest.param("lora", {"rank": 4, "dora": True, "dropout": 0.1}, marks=pytest.mark.long),
        ("lora", {"rank": 4, "checkpointing": True}),
        pytest.param("causal-lm", {}, marks=pytest.mark.long),
    ],
)
def test_it_is_what_a_step_takes(folder: Path, model: str, arguments: dict[str, Any]) -> None:
    spec = Spec(model, {"base": str(folder), **arguments})

    def build(blocks: int) -> torch.nn.Module:
        with outlined(blocks):
            return models.build(spec, (LENGTH,), 1, 0)

    counted = activation_bytes(build, BLOCKS, BatchSize(ROWS, LENGTH, ROWS * (LENGTH - 10)))
    network = models.build(spec, (LENGTH,), 1, 0)
    settings = TrainSettings(batch_size=ROWS, optimizer=Spec("adamw"))
    own = sum(each.numel() * 4 for each in network.parameters() if each.requires_grad)
    real = held(SequenceTrainee(network, dataset(folder), settings)) + own
    assert 0.8 < (counted + own) / real < 1.25


@pytest.mark.long
def test_checkpointing_and_smaller_parts_take_less(folder: Path) -> None:
    def counted(checkpointing: bool, rows: int) -> int:
        def build(blocks: int) -> torch.nn.Module:
            with outlined(blocks):
                return models.build(
                    Spec("lora", {"base": str(folder), "checkpointing": checkpointing}), (LENGTH,), 1, 0
                )

        return activation_bytes(build, 32, BatchSize(rows, LENGTH, rows * 30))

    whole, again, half = counted(False, ROWS), counted(True, ROWS), counted(False, ROWS // 2)
    assert again < whole / 5
    assert half == pytest.approx(whole / 2, rel=0.05)


def llama_7b(folder: Path, **settings: int) -> SequenceDataset:
    """A data set in the tokens of a base that has the settings of LLaMA-7b, and the weights of a tiny one."""
    tiny_base(folder)
    config = {"hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 32, "num_attention_heads": 32}
    config |= {"num_key_value_heads": 32, "head_dim": 128, "vocab_size": 32000, "max_position_embeddings": 2048}
    content = json.loads((folder / "config.json").read_text()) | config | settings
    (folder / "config.json").write_text(json.dumps(content))
    names = Classes(names=tuple(map(str, range(32000))))
    sequences = {name: toy_sequences(count, 0) for name, count in (("train", 24), ("val", 7), ("test", 5))}
    return SequenceDataset.of("toy", sequences, names, base_of(folder))


def test_llama_7b_by_hand(tmp_path: Path) -> None:
    """6,738,415,616 weights of 2 bytes; adapters of rank 8 of all linear layers have 19,988,480."""
    data = llama_7b(tmp_path / "base 7b")
    model = to_spec(
        {"name": "lora", "base": str(tmp_path / "base 7b"), "rank": 8, "dtype": "bfloat16", "checkpointing": True}
    )
    settings = TrainSettings(batch_size=8, accumulate=2, optimizer=Spec("adamw"), precision="bfloat16")
    found = needed_memory(model, settings, data)
    assert found is not None
    assert found.base == 2 * 6_738_415_616
    blocks = 32 * 8 * (4 * (4096 + 4096) + 3 * (4096 + 11008))
    assert blocks == 19_988_480
    assert found.trained == found.gradients == 4 * blocks
    assert found.optimizer == 8 * blocks
    assert 0 < found.activations < 1e9
    assert str(found).startswith("13.9 GB (base 13.48, trained 0.08, gradients 0.08, optimizer 0.16, activations 0.")


@pytest.mark.parametrize(
    ("optimizer", "momentum", "kept"), [("sgd", None, 4), ("sgd", 0.0, 0), ("adam", None, 8), ("RMSprop", None, 4)]
)
def test_what_an_optimizer_keeps(optimizer: str, momentum: float | None, kept: int) -> None:
    assert optimizer_bytes(TrainSettings(optimizer=Spec(optimizer), momentum=momentum)) == kept


def test_a_small_model_is_not_counted(folder: Path) -> None:
    spec = Spec("lora", {"base": str(folder)})
    assert needed_memory(spec, TrainSettings(), dataset(folder)) is None
    assert check_room([(spec, TrainSettings())], dataset(folder), torch.device("cpu")) is None


def content(folder: Path, **model: object) -> Experiment:
    return to_record(
        Experiment,
        {
            "plugins": ["tests.language.toy_texts"],
            "data": "toy-texts",
            "model": {"name": "lora", "base": str(folder)} | model,
            "policy": ["constant", "cosine(peak=0.01)"],
            "train": {"epochs": 1, "batch_size": 8, "optimizer": "adamw"},
            "sweep": {"space": {"model.rank": [2, 3]}, "when": {"constant": {"policy.peak": [0.01, 0.02]}}},
        },
        "test",
    )


def test_it_is_said_before_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(needed, "LEAST_PARAMETERS", 1)
    first = next(tune(content(tiny_base(tmp_path / "base")), tmp_path / "pool"))
    assert isinstance(first, Counted)
    assert first.line.startswith("a run needs about 0.0 GB (base 0.00, trained 0.00, ")
    assert first.line.endswith(" GB free")


def test_all_that_varies_beside_the_policies_is_counted(tmp_path: Path) -> None:
    experiment = content(tiny_base(tmp_path / "base"))
    parts = list(parts_of_space(experiment))
    assert [(model.arguments["rank"], train.batch_size) for model, train in parts] == [(2, 8), (3, 8)]


def test_what_no_machine_has_room_for_is_refused_before_it_is_loaded(tmp_path: Path) -> None:
    wide = {"hidden_size": 2**17, "intermediate_size": 2**19, "num_hidden_layers": 2, "vocab_size": VOCABULARY}
    llama_7b(tmp_path / "base", **wide)
    with pytest.raises(
        TrainingError, match=r"a run needs 16\d\d\.\d GB \(base 16.*, and cpu has .* GB in all; give"
    ) as refused:
        tune(content(tmp_path / "base"), tmp_path / "pool")
    assert "\n" not in str(refused.value)


def test_what_is_said_of_a_device() -> None:
    on_steps, on_base, on_all = (
        NeededMemory(5, 1, 1, 2, 8),
        NeededMemory(50, 1, 1, 2, 8),
        NeededMemory(0, 20, 20, 40, 8),
    )
    said = room_line(NeededMemory(*(10**9 * each for each in (5, 1, 1, 2, 8))), "cuda:0", 18e9, 20e9)
    assert said == (
        "a run needs about 17.0 GB (base 5.00, trained 1.00, gradients 1.00, optimizer 2.00, activations 8.00); "
        "cuda:0 has 18.0 of 20.0 GB free"
    )
    assert ": it may not fit; raise train.accumulate, set" in room_line(on_steps, "cpu", 16, 100)
    assert ': it may not fit; give model.dtype = "bfloat16"' in room_line(on_base, "cpu", 16, 100)
    assert "model = lora" in room_line(on_all, "cpu", 16, 100)
    assert room_line(on_steps, "cpu", 17, 17).endswith("free")
    assert "may not fit" in room_line(on_steps, "cpu", 9, 9)
    with pytest.raises(TrainingError, match=r"and cpu has 0\.0 GB in all; raise train.accumulate"):
        room_line(on_steps, "cpu", 8, 8)


def test_the_memory_of_this_machine() -> None:
    free, total = memory_of(torch.device("cpu"))
    assert 1e6 < free <= total
    assert total > VOCABULARY
