"""Adapters of a language model as members: trained, killed and resumed to the same bits, and read by `peft`."""

import copy
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.forked import ForkedProcess
from tests.language.models import tiny_base, tiny_model
from tests.language.toy_texts import toy_sequences

from lrensemble import models
from lrensemble.config import Experiment, TrainSettings, to_record
from lrensemble.errors import ConfigError, PoolError, SpecError
from lrensemble.language.base import base_of
from lrensemble.language.dataset import SequenceDataset
from lrensemble.language.likelihood import token_log_probs
from lrensemble.policies import build
from lrensemble.pool import Pool
from lrensemble.select import Validation, select
from lrensemble.targets import Classes
from lrensemble.train import tune
from lrensemble.train.run.fit import fit
from lrensemble.train.run.sequences import SequenceTrainee, answer_logits

peft = pytest.importorskip("peft")
pytestmark = pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")  # peft asks

STEPS = 6

SCRIPT = """
import json, sys
from pathlib import Path
from lrensemble.config import Experiment, to_record
from lrensemble.train import Step, tune

experiment = to_record(Experiment, json.loads(sys.argv[2]), "test")
for event in tune(experiment, Path(sys.argv[1]), save_steps=2):
    print(f"step {event.step}" if isinstance(event, Step) else type(event).__name__, flush=True)
"""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_base(tmp_path_factory.mktemp("base"))


@pytest.fixture
def content(base: Path) -> dict[str, Any]:
    return {
        "plugins": ["tests.language.toy_texts"],
        "data": "toy-texts",
        "model": {"name": "lora", "base": str(base), "rank": 3, "dropout": 0.1},
        "policy": ["constant(peak=0.01)", "cosine(peak=0.03)"],
        "train": {"epochs": 2, "batch_size": 8, "optimizer": "adamw", "clip_norm": 1.0},
    }


def experiment(content: dict[str, Any], **changes: Any) -> Experiment:
    changed = copy.deepcopy(content)
    changed["train"] |= changes.pop("train", {})
    changed["model"] |= changes.pop("model", {})
    return to_record(Experiment, changed | changes, "test")


def dataset(base: Path) -> SequenceDataset:
    sequences = {name: toy_sequences(count, place) for place, (name, count) in enumerate(SIZES.items())}
    names = Classes(names=tuple(f"t{place}" for place in range(tiny_model().config.vocab_size)))
    return SequenceDataset.of("toy", sequences, names, base_of(base))


SIZES = {"train": 24, "val": 7, "test": 5}


def trainee(
    base: Path, model: str = "lora", arguments: dict[str, Any] | None = None, seed: int = 4, **settings: Any
) -> SequenceTrainee:
    data = dataset(base)
    network = models.build({"name": model, "base": str(base), **(arguments or {})}, data.shape, 1, seed)
    train = {"batch_size": 8, "optimizer": "adamw", "seed": seed, **settings}
    return SequenceTrainee(network, data, TrainSettings.model_validate(train))


KINDS = [
    ("lora", {"rank": 3, "dropout": 0.2}),
    ("lora", {"rank": 2, "rslora": True, "targets": ("q_proj", "v_proj")}),
    ("lora", {"rank": 2, "dora": True}),
    ("lora", {"rank": 2, "checkpointing": True}),
    ("causal-lm", {}),
]


@pytest.mark.parametrize(("model", "arguments"), KINDS)
def test_the_state_is_all_that_it_takes_to_go_on(base: Path, model: str, arguments: dict[str, Any]) -> None:
    policy = build("cosine(peak=0.02)", STEPS)
    whole, begun, resumed = (trainee(base, model, arguments, clip_norm=0.5) for _ in range(3))
    expected = list(fit(whole, policy))
    seen = [step for _, step in zip(range(3), fit(begun, policy), strict=False)]
    begun.predict("val")
    resumed.load({name: tensor.clone() for name, tensor in begun.state().items()})
    assert [*seen, *fit(resumed, policy, first_step=3)] == expected
    for name, tensor in whole.weights().items():
        assert torch.equal(tensor, resumed.weights()[name]), name
    assert torch.equal(whole.predict("test"), resumed.predict("test"))


def test_members_share_the_weights_of_the_base_and_leave_them_alone(base: Path) -> None:
    first, second = trainee(base), trainee(base, seed=5)
    before = tiny_model().state_dict()
    list(fit(first, build("constant(peak=0.1)", STEPS)))
    shared = [
        dict(each.model.named_parameters())["base_model.model.model.layers.0.mlp.up_proj.base_layer.weight"]
        for each in (first, second)
    ]
    assert shared[0] is shared[1]
    assert torch.equal(shared[0], before["model.layers.0.mlp.up_proj.weight"])
    assert not any(
        torch.equal(*pair)
        for pair in zip(*(each.weights().values() for each in (first, second)), strict=True)
        if pair[0].any()
    )
    assert not any("base_layer" in name for name in first.state())


def test_an_adapter_begins_as_its_base(base: Path) -> None:
    """B is zero (Hu et al. 2022, section 4.1): before its first step a member says what its base says."""
    new = trainee(base, arguments={"rank": 3})
    said = token_log_probs(tiny_model(), toy_sequences(7, 1))
    np.testing.assert_allclose(new.predict("val")[0, :, 0].numpy(), said[toy_sequences(7, 1).answer], rtol=1e-5)


def test_parts_of_a_batch_add_up_to_its_mean_over_tokens(base: Path) -> None:
    """Sequences have answers of 2 to 5 tokens: a mean of the parts' means would be another number."""
    losses, norms, weights = [], [], []
    for accumulate in (1, 3, 8):
        each = trainee(base, "causal-lm", accumulate=accumulate)
        each.model.double()
        each = SequenceTrainee(each.model, dataset(base), each._settings)
        loss, norm = each.step(0, [0.01])
        losses.append(float(loss))
        norms.append(float(norm))
        weights.append(next(iter(each.weights().values())).clone())
    np.testing.assert_allclose(losses, losses[0], rtol=1e-12)
    np.testing.assert_allclose(norms, norms[0], rtol=1e-9)


def test_the_loss_is_that_of_answer_tokens_alone() -> None:
    model, sequences = tiny_model(), toy_sequences(5, 9)
    ids, answer = torch.from_numpy(sequences.ids), torch.from_numpy(sequences.answer)
    found = torch.log_softmax(answer_logits(model, ids, answer), dim=-1)
    slow = []
    for row in range(5):
        for position in np.flatnonzero(sequences.answer[row]):
            logits = model(ids[row : row + 1, :position]).logits[0, -1]
            slow.append(torch.log_softmax(logits, dim=-1)[ids[row, position]])
    assert torch.allclose(found[torch.arange(len(slow)), ids[answer]], torch.stack(slow), atol=1e-5)


def test_checkpointing_computes_the_same(base: Path) -> None:
    plain, again = (trainee(base, arguments={"dropout": 0.3, "checkpointing": each}) for each in (False, True))
    policy = build("constant(peak=0.02)", 3)
    assert list(fit(plain, policy)) == list(fit(again, policy))


@pytest.mark.parametrize("model", ["lora", "causal-lm"])
def test_the_moving_average_becomes_the_member(base: Path, model: str) -> None:
    """By the definition, step by step: the weights after the first, then 0.7 of the average and 0.3 of the weights."""
    averaged, plain = trainee(base, model, ema=0.7), trainee(base, model)
    expected: dict[str, torch.Tensor] = {}
    for step in range(4):
        for each in (averaged, plain):
            each.step(step, [0.02])
        now = plain.weights()
        expected = {name: 0.7 * expected[name] + 0.3 * now[name] if step else now[name].clone() for name in now}
    for name, tensor in averaged.weights().items():
        assert torch.allclose(tensor, expected[name], atol=1e-6), name
    assert not torch.equal(averaged.predict("val"), plain.predict("val"))
    resumed = trainee(base, model, ema=0.7)
    resumed.load({name: tensor.clone() for name, tensor in averaged.state().items()})
    for each in (averaged, resumed):
        each.step(4, [0.02])
    assert torch.equal(averaged.predict("val"), resumed.predict("val"))
    with torch.no_grad():
        for name, tensor in plain.weights().items():
            tensor.copy_(averaged.weights()[name])
    assert torch.equal(averaged.predict("val"), plain.predict("val"))
    with pytest.raises(ValueError, match="those of another model"):
        plain.load(averaged.state())


def test_bfloat16_and_groups_of_parameters_are_trained(base: Path) -> None:
    """LoRA+ (Hayou et al. 2024): B has a higher rate than A; here A has none."""
    kept = trainee(base, precision="bfloat16", group=[{"parameters": "lora_A", "rate": 0.0}])
    before = {name: each.clone() for name, each in kept.weights().items()}
    list(fit(kept, build("constant(peak=0.02)", 2)))
    for name, tensor in kept.weights().items():
        assert torch.equal(tensor, before[name]) == ("lora_A" in name), name
        assert tensor.dtype == torch.float32


def test_members_lie_in_the_pool_as_peft_has_them(content: dict[str, Any], base: Path, tmp_path: Path) -> None:
    """Trained by `tune`, chosen by NLL, and loaded by `peft` from the folder of the member to say the same."""
    list(tune(experiment(content), tmp_path / "pool"))
    pool = Pool.open(tmp_path / "pool")
    assert pool.task.base == base_of(base)
    truth, sequences = pool.truth("val"), toy_sequences(7, 1)
    assert truth.tolist() == sequences.ids[sequences.answer].tolist()
    assert pool.groups("val").tolist() == np.nonzero(sequences.answer)[0].tolist()  # type: ignore[union-attr]
    for member in pool.members():
        loaded = peft.PeftModel.from_pretrained(tiny_model(), str(member.folder))
        again = token_log_probs(loaded, sequences)[sequences.answer]
        np.testing.assert_allclose(member.predictions("val").main, again, rtol=1e-5)
        assert member.scores["val"] == {"nll": pytest.approx(-float(again.mean()), rel=1e-5)}
        assert set(member.weights()) == set(peft.get_peft_model_state_dict(loaded))
        assert (
            member.record()["adapter"]["r"] == json.loads((member.folder / "adapter_config.json").read_text())["r"] == 3
        )
        assert [line["epoch"] for line in member.history()] == [1, 2]
    said = [member.predictions("val") for member in pool.members()]
    selection = select(Validation(said, truth, target=pool.task.target, groups=pool.groups("val")), "greedy")
    assert selection.metric == "nll"


def test_all_of_a_small_model_is_a_member_too(content: dict[str, Any], base: Path, tmp_path: Path) -> None:
    whole = {"name": "causal-lm", "base": str(base)}
    one = to_record(Experiment, content | {"model": whole, "policy": ["constant(peak=0.003)"]}, "test")
    list(tune(one, tmp_path / "pool"))
    (member,) = Pool.open(tmp_path / "pool").members()
    model = tiny_model()
    missing = model.load_state_dict(member.weights(), strict=False)
    assert not missing.unexpected_keys
    sequences = toy_sequences(7, 1)
    again = token_log_probs(model, sequences)[sequences.answer]
    np.testing.assert_allclose(member.predictions("val").main, again, rtol=1e-5)
    assert member.adapter is None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kill -9 needs a POSIX system")
@pytest.mark.parametrize("stop_after", [pytest.param(4, marks=pytest.mark.long), 9])
def test_killed_and_resumed_to_the_same_bits(
    content: dict[str, Any],
    contents: Callable[[Path], dict[str, object]],
    forking: Path,
    tmp_path: Path,
    stop_after: int,
) -> None:
    list(tune(experiment(content), tmp_path / "whole"))
    with ForkedProcess(forking, ["-c", SCRIPT, tmp_path / "killed", json.dumps(content)]) as process:
        for printed, _ in enumerate(process.stdout):
            if printed == stop_after:
                process.kill()
                break
        process.stdout.read()
    assert process.returncode == -9
    assert list((tmp_path / "killed" / "unfinished").iterdir())
    list(tune(experiment(content), tmp_path / "killed"))
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")


def test_a_pool_is_of_one_base(content: dict[str, Any], base: Path, tmp_path: Path) -> None:
    list(tune(experiment(content, policy=["constant(peak=0.01)"]), tmp_path / "pool"))
    other = tiny_base(tmp_path / "other", seed=1)
    with pytest.raises(PoolError, match=r"another task; given: base .*other \(weights .*\), not base"):
        list(tune(experiment(content, model={"base": str(other)}), tmp_path / "pool"))
    varied = {"space": {"model.base": [str(base), str(other)]}}
    with pytest.raises(ConfigError, match="all members of a pool share one"):
        list(tune(experiment(content, sweep=varied), tmp_path / "second"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train": {"label_smoothing": 0.1}}, r"train\.label_smoothing is refused where a language model is trained"),
        ({"train": {"augment": ["flip"]}}, r"train\.augment is refused .*: tokens are no images; leave it out"),
        ({"train": {"sampler": "balanced"}}, r"train\.sampler = 'balanced' is refused .*; use shuffle"),
        ({"data": "digits"}, r"model = 'lora' learns texts, and the data are arrays; choose from cnn, .*mlp"),
        ({"model": {"targets": ["q_prj"]}}, r"no linear layer 'q_prj'; did you mean 'q_proj'"),
        ({"model": {"base": "/nowhere"}}, r"there is no folder '/nowhere'"),
        ({"model": {"rank": 0}}, "rank"),
    ],
)
def test_what_cannot_be_trained_is_one_line(
    content: dict[str, Any], tmp_path: Path, changes: Any, message: str
) -> None:
    with pytest.raises((ConfigError, SpecError), match=message) as caught:
        list(tune(experiment(content, **changes), tmp_path / "pool"))
    assert "\n" not in str(caught.value)


def test_texts_are_read_by_language_models_alone(content: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not say in whose tokens the texts are to be read; choose from lora"):
        list(tune(to_record(Experiment, content | {"model": "mlp"}, "test"), tmp_path / "pool"))
