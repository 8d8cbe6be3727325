"""Many adapters of one base in one program: each is what it would be alone, whatever happens to the others."""

import copy
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.language.models import tiny_base, tiny_model
from tests.language.toy_texts import toy_sequences, toy_texts

from lrensemble import models
from lrensemble.config import Experiment, SplitSettings, TrainSettings, to_record
from lrensemble.errors import TrainingError
from lrensemble.language.base import base_of
from lrensemble.language.dataset import SequenceDataset
from lrensemble.language.likelihood import token_log_probs
from lrensemble.policies import Policy, build
from lrensemble.pool import Pool
from lrensemble.train import Ended, Planned, Step, tune
from lrensemble.train.execution import grouping
from lrensemble.train.execution.grouping import adapter_bytes, is_stackable, largest_group_size
from lrensemble.train.run.fit import fit, fit_members
from lrensemble.train.run.fused.adapters import StackedAdapters
from lrensemble.train.run.fused.sequences import StackedSequenceTrainee
from lrensemble.train.run.needed import NeededMemory
from lrensemble.train.run.sequences import SequenceTrainee

peft = pytest.importorskip("peft")
pytestmark = pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")  # peft asks

STEPS = 6
SEEDS = (1, 2, 5)
POLICIES = ("constant(peak=0.01)", "cosine(peak=0.03)", "one_cycle(peak=0.05)")
Contents = Callable[[Path], dict[str, Any]]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_base(tmp_path_factory.mktemp("a base"))


@pytest.fixture(scope="module")
def data(base: Path) -> SequenceDataset:
    return toy_texts(None, base_of(base), SplitSettings(seed=0))


def network(base: Path, seed: int, *, exact: bool = True, **arguments: Any) -> torch.nn.Module:
    """Adapter whose B is not zero, so that A has a gradient from the first step on."""
    made = models.build({"name": "lora", "base": str(base), "rank": 3, **arguments}, (16,), 1, seed)
    generator = torch.Generator().manual_seed(seed)
    made = made.double() if exact else made.float()
    for name, parameter in made.named_parameters():
        if "lora_B" in name:
            drawn = torch.randn(parameter.shape, dtype=torch.float64, generator=generator)
            parameter.data = (0.3 * drawn).to(parameter.dtype)
    return made


def settings(**own: Any) -> list[TrainSettings]:
    """Three recipes that differ in seed and weight decay."""
    common = {"batch_size": 8, "optimizer": "adamw", **own}
    decays = (0.0, 0.1, 0.01)
    return [
        TrainSettings.model_validate({"seed": seed, "weight_decay": decay, **common})
        for seed, decay in zip(SEEDS, decays, strict=True)
    ]


def policies(steps: int = STEPS) -> list[Policy]:
    return [build(text, steps) for text in POLICIES]


def group(base: Path, data: SequenceDataset, recipes: list[TrainSettings], **how: Any) -> StackedSequenceTrainee:
    return StackedSequenceTrainee([network(base, each.seed, **how) for each in recipes], data, recipes)


WAYS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "adamw": ({}, {}),
    "rslora, some layers, last batch kept": (
        {"rslora": True, "targets": ("q_proj", "down_proj")},
        {"optimizer": "sgd", "nesterov": True, "drop_last": False, "batch_size": 7},
    ),
    "dropout, in parts, clipped": ({"dropout": 0.25}, {"accumulate": 3, "clip_norm": 0.3}),
    "checkpointing, adam, momentum by the policy": ({"checkpointing": True, "alpha": 5.0}, {"optimizer": "adam"}),
    "B faster than A": ({}, {"group": [{"parameters": "lora_B", "rate": 16.0}], "sampler": "by_length"}),
    "A frozen": ({}, {"group": [{"parameters": "lora_A", "rate": 0.0}], "data_seed": 3}),
}


@pytest.mark.parametrize("way", WAYS)
def test_each_member_is_what_it_would_be_alone(base: Path, data: SequenceDataset, way: str) -> None:
    arguments, own = WAYS[way]
    recipes, given = settings(**own), policies()
    if "momentum" in way:
        given[2] = build("one_cycle(peak=0.05, cycle_momentum=true)", STEPS)
    together = group(base, data, recipes, **arguments)
    chunks = list(fit_members(together, given, chunk_steps=4))
    losses, norms = (np.concatenate([getattr(each, name) for each in chunks]) for name in ("losses", "norms"))
    said = together.predict("val")
    for member, (recipe, policy) in enumerate(zip(recipes, given, strict=True)):
        alone = SequenceTrainee(network(base, recipe.seed, **arguments), data, recipe)
        steps = list(fit(alone, policy))
        np.testing.assert_allclose(losses[:, member], [each.loss for each in steps], rtol=1e-9)
        np.testing.assert_allclose(norms[:, member], [each.norm for each in steps], rtol=1e-9)
        expected, found = alone.weights(), together.weights(member)
        assert list(found) == list(expected)
        for name, tensor in expected.items():
            torch.testing.assert_close(found[name], tensor, rtol=1e-9, atol=1e-9)
        torch.testing.assert_close(said[member], alone.predict("val")[0], rtol=1e-6, atol=1e-6)
        assert together.adapter == alone.adapter


def test_gradients_are_those_of_training_alone(base: Path, data: SequenceDataset) -> None:
    """Of sums over members, not of means: each is a mean over its own answer tokens alone."""
    recipes = settings()
    together = group(base, data, recipes)
    names = list(together.model.weights.trained)
    together.step(0, [0.0] * 3)
    for member, recipe in enumerate(recipes):
        alone = SequenceTrainee(network(base, recipe.seed), data, recipe)
        alone.step(0, [0.0])
        own = dict(alone.model.named_parameters())
        expected = torch.cat([own[name].grad.flatten() for name in names])  # type: ignore[union-attr]
        assert expected.abs().max() > 1e-3
        torch.testing.assert_close(together.model.weights.gradient[member], expected, rtol=1e-6, atol=1e-9)


def test_bfloat16_is_rounded_as_alone(base: Path, data: SequenceDataset) -> None:
    recipes = settings(precision="bfloat16")
    together = group(base, data, recipes, exact=False)
    losses = np.concatenate([each.losses for each in fit_members(together, policies(3))])
    for member, (recipe, policy) in enumerate(zip(recipes, policies(3), strict=True)):
        steps = list(fit(SequenceTrainee(network(base, recipe.seed, exact=False), data, recipe), policy))
        np.testing.assert_allclose(losses[:, member], [each.loss for each in steps], rtol=2e-2)
    assert {tensor.dtype for tensor in together.state().values()} == {torch.float32}


def test_a_base_in_bfloat16_adds_in_float32(base: Path, data: SequenceDataset) -> None:
    """As `peft` does: what the base says is rounded, what the adapter adds is not."""
    recipes = settings()
    together = group(base, data, recipes, exact=False, dtype="bfloat16")
    for member, recipe in enumerate(recipes):
        alone = SequenceTrainee(network(base, recipe.seed, exact=False, dtype="bfloat16"), data, recipe)
        torch.testing.assert_close(together.predict("val")[member], alone.predict("val")[0], rtol=2e-2, atol=2e-2)


@pytest.mark.parametrize("rate", [float("nan"), 1e30])
def test_one_that_diverges_touches_no_other(base: Path, data: SequenceDataset, rate: float) -> None:
    tame, wild = (group(base, data, settings(optimizer="sgd"), exact=False) for _ in range(2))
    for step in range(STEPS):
        tame.step(step, [0.01, 0.02, 0.03])
        losses, _ = wild.step(step, [0.01, rate, 0.03])
    assert losses.isfinite().tolist() == [True, False, True]
    assert not any(tensor.isfinite().all() for tensor in wild.weights(1).values())
    assert wild.predict("test")[1].isnan().all()
    for member in (0, 2):
        assert torch.equal(wild.predict("test")[member], tame.predict("test")[member])
        for name, tensor in tame.weights(member).items():
            assert torch.equal(wild.weights(member)[name], tensor), name


def test_the_state_is_all_that_it_takes_to_go_on(base: Path, data: SequenceDataset) -> None:
    recipes, given = settings(clip_norm=0.5), policies()
    whole, begun, resumed = (group(base, data, recipes, dropout=0.2, exact=False) for _ in range(3))
    expected = list(fit_members(whole, given))
    chunks = fit_members(begun, given)
    seen = [next(chunks) for _ in range(3)]
    begun.predict("val")
    resumed.load({name: tensor.clone() for name, tensor in begun.state().items()})
    assert [*seen, *fit_members(resumed, given, first_step=3)] == expected
    assert torch.equal(whole.predict("test"), resumed.predict("test"))
    state = resumed.state()
    assert not any("base_layer" in name for name in state)
    for other in (group(base, data, recipes, rank=2), group(base, data, settings(optimizer="sgd"))):
        with pytest.raises(ValueError, match=r"its (weights are those of other models|optimizer is another one)"):
            other.load(state)


def experiment(base: Path, **changes: Any) -> Experiment:
    content: dict[str, Any] = {
        "plugins": ["tests.language.toy_texts"],
        "data": "toy-texts",
        "model": {"name": "lora", "base": str(base), "rank": 3, **changes.pop("model", {})},
        "policy": list(POLICIES),
        "train": {"epochs": 2, "batch_size": 8, "optimizer": "adamw", **changes.pop("train", {})},
    }
    return to_record(Experiment, copy.deepcopy(content | changes), "test")


def ended(events: Iterator[object]) -> list[str]:
    return [event.status for event in events if isinstance(event, Ended)]


def plan(given: Experiment, folder: Path, way: str = "auto") -> Planned:
    return next(event for event in tune(given, folder, execution=way) if isinstance(event, Planned))


def ways(given: Experiment, folder: Path, way: str) -> list[tuple[str, int]]:
    return [(job.execution, len(job.runs)) for job in plan(given, folder, way).jobs]


def test_members_of_a_group_lie_in_the_pool_as_peft_has_them(base: Path, tmp_path: Path) -> None:
    given = experiment(base, model={"dropout": 0.1}, policy=[*POLICIES, "constant(peak=1e12)"])
    assert ended(tune(given, tmp_path / "pool", execution="fused")) == [*["finished"] * 3, "diverged"]
    list(tune(given, tmp_path / "alone", execution="one-by-one"))
    sequences, alone = toy_sequences(7, 1), {each.id: each for each in Pool.open(tmp_path / "alone").members()}
    for member in Pool.open(tmp_path / "pool").members():
        assert member.made_with is not None
        assert (member.made_with.execution, member.made_with.group_size) == ("fused", 4)
        loaded = peft.PeftModel.from_pretrained(tiny_model(), str(member.folder))
        again = token_log_probs(loaded, sequences)[sequences.answer]
        np.testing.assert_allclose(member.predictions("val").main, again, rtol=1e-5)
        other = alone[member.id]
        assert member.record()["adapter"] == other.record()["adapter"]
        assert member.scores["val"]["nll"] == pytest.approx(other.scores["val"]["nll"], rel=1e-4)
        assert [(line["epoch"], line["step"]) for line in member.history()] == [(1, 3), (2, 6)]


def test_a_group_that_is_interrupted_goes_on_to_the_same_bits(base: Path, tmp_path: Path, contents: Contents) -> None:
    given = experiment(base, model={"dropout": 0.1}, train={"epochs": 3})
    list(tune(given, tmp_path / "whole", execution="fused"))
    events = tune(given, tmp_path / "broken", execution="fused", save_steps=2)
    for event in events:
        if isinstance(event, Step) and event.step == 5:
            events.close()
            break
    assert list((tmp_path / "broken" / "unfinished").glob("group-*/*/state.safetensors"))
    resumed = [
        event.step for event in tune(given, tmp_path / "broken", execution="one-by-one") if hasattr(event, "step")
    ]
    assert min(resumed) > 2, "from the state, and in the way it began"
    assert contents(tmp_path / "whole") == contents(tmp_path / "broken")


def test_who_ends_early_leaves_the_group(base: Path, tmp_path: Path) -> None:
    given = experiment(base, policy=["constant(peak=1e-12)", *POLICIES[1:]], train={"epochs": 4, "patience": 1})
    list(tune(given, tmp_path / "pool", execution="fused"))
    stopped, *others = Pool.open(tmp_path / "pool").members()
    assert [len(each.history()) for each in (stopped, *others)] == [2, 4, 4]


APART = [("one-by-one", 1)] * 3
CHOICES: dict[str, tuple[dict[str, Any], str, list[tuple[str, int]]]] = {
    "the rule": ({}, "auto", [("fused", 3)]),
    "one by one": ({}, "one-by-one", APART),
    "workers": ({}, "workers", [("workers", 3)]),
    "in parts": ({"train": {"accumulate": 2}}, "fused", [("fused", 3)]),
    "dora": ({"model": {"dora": True}}, "fused", APART),
    "float16": ({"train": {"precision": "float16"}}, "fused", APART),
    "drawn again": ({"model": {"dropout": 0.1, "checkpointing": True}}, "fused", APART),
}


@pytest.mark.parametrize("choice", CHOICES)
def test_the_choice(base: Path, tmp_path: Path, choice: str) -> None:
    changes, way, expected = CHOICES[choice]
    assert ways(experiment(base, **copy.deepcopy(changes)), tmp_path / "pool", way) == expected


def test_ranks_and_layers_form_groups_of_their_own(base: Path, tmp_path: Path) -> None:
    space = {"space": {"model.rank": [2, 3]}}
    assert ways(experiment(base, sweep=space), tmp_path / "pool", "fused") == [("fused", 3), ("fused", 3)]


def test_a_base_that_draws_numbers_is_trained_alone(data: SequenceDataset) -> None:
    transformers = pytest.importorskip("transformers")
    for share in (0.0, 0.1):
        config = transformers.GPT2Config(
            vocab_size=data.target.width, n_embd=8, n_layer=1, n_head=2, resid_pdrop=share, embd_pdrop=0, attn_pdrop=0
        )
        own = peft.LoraConfig(task_type="CAUSAL_LM", r=2, target_modules=["c_attn"], fan_in_fan_out=True)
        adapter = peft.get_peft_model(transformers.GPT2LMHeadModel(config), own)
        before = torch.get_rng_state()
        assert is_stackable(adapter, data) == (share == 0)
        assert torch.equal(before, torch.get_rng_state())


def test_packed_sequences_are_trained_alone(base: Path, data: SequenceDataset) -> None:
    for packing in (False, True):
        assert is_stackable(network(base, 0, exact=False), replace(data, packing=packing)) != packing


def test_all_of_a_model_is_trained_alone(base: Path, data: SequenceDataset) -> None:
    assert not is_stackable(models.build({"name": "causal-lm", "base": str(base)}, (16,), 1, 0), data)


def test_what_does_not_fit_is_not_put_together(
    base: Path, data: SequenceDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = plan(experiment(base), tmp_path / "pool").runs
    assert largest_group_size(runs, data) == grouping.MAX_GROUP_SIZE_ON_CPU
    adapter = network(base, 0, exact=False)
    longest = np.argsort(-data.sequences["train"].lengths, kind="stable")[:8]
    one = adapter_bytes(adapter, *data.batch(torch.from_numpy(longest)))
    trained = sum(each.numel() for each in adapter.parameters() if each.requires_grad)
    assert 5 * 4 * trained < one < 2**22
    monkeypatch.setattr(grouping, "memory_for_groups", lambda _: 6 * one)
    assert largest_group_size(runs, data) == 3, "half of the memory"
    needed = NeededMemory(base=10 * one, trained=one // 10, gradients=one // 10, optimizer=0, activations=one)
    monkeypatch.setattr(grouping, "needed_memory", lambda *_: needed)
    assert largest_group_size(runs, data) == 2, "the base is everybody's"


def test_out_of_memory_halves_the_group(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    original = StackedAdapters.together

    def small_device(stacked: StackedAdapters, rows: int, draws: Any = None) -> Any:
        if len(stacked) > 2:
            raise torch.OutOfMemoryError("no room")
        return original(stacked, rows, draws)

    monkeypatch.setattr(StackedAdapters, "together", small_device)
    with caplog.at_level(logging.WARNING):
        assert ended(tune(experiment(base), tmp_path / "pool", execution="fused")) == ["finished"] * 3
    assert "out of memory with 3 members at once; going on with half as many" in caplog.text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rank": 2}, "adapters 0 and 1 differ in rank; train them in groups of their own"),
        ({"alpha": 1.0}, "differ in scale"),
        ({"dropout": 0.5}, "differ in dropout"),
        ({"targets": ("q_proj",)}, "differ in layers"),
        ({"dora": True}, "an adapter that is no plain LoRA, as DoRA is none, is trained alone"),
    ],
)
def test_adapters_of_several_kinds_are_no_group(base: Path, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        StackedAdapters([network(base, 0), network(base, 1, **arguments)])


def test_adapters_of_several_bases_are_no_group(base: Path, tmp_path: Path) -> None:
    other = tiny_base(tmp_path / "other", seed=1)
    with pytest.raises(TrainingError, match="adapters 0 and 1 differ in base"):
        StackedAdapters([network(base, 0), network(other, 1)])
    with pytest.raises(TrainingError, match="no LoRA adapter, or trains more than its two matrices a layer"):
        StackedAdapters([tiny_model()])


def test_rows_that_are_not_those_of_all_members_are_refused(base: Path, data: SequenceDataset) -> None:
    """A base that divides its tokens among experts would mix members up."""
    stacked = StackedAdapters([network(base, seed) for seed in SEEDS])
    ids, _ = data.batch(torch.arange(6))
    with stacked.together(3) as model, pytest.raises(TrainingError, match=r"is given \(6, 12, 16\), not 3 rows of all"):
        model(ids)
