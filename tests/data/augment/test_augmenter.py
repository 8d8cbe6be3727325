"""What holds for every augmentation: pure functions, on any device, for any number of rows at once."""

from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from lrensemble.config import DataSettings, SplitSettings
from lrensemble.data import AUGMENTATIONS, Augmenter, Dataset, load
from lrensemble.data.augment import Draws, join, move
from lrensemble.errors import SpecError, UnknownNameError
from lrensemble.spec import Spec

SHAPE = (3, 10, 12)
EVERY = [str(AUGMENTATIONS.example(name)) for name in AUGMENTATIONS]
SHIPPED = [str(AUGMENTATIONS.example(name)) for name in AUGMENTATIONS if AUGMENTATIONS.find(name).shipped]
CHAIN = ["crop(padding=2)", "alternating_flip", "cutout(size=5)", "cutmix(probability=0.7)"]


def images(count: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, *SHAPE, generator=torch.Generator().manual_seed(seed))


def augmenter(*specs: str) -> Augmenter:
    return Augmenter(specs, SHAPE, epoch_steps=5)


def equal(first: Draws, second: Draws) -> bool:
    return list(first) == list(second) and all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("spec", EVERY)
def test_draws_are_a_pure_function_of_seed_step_and_rows(spec: str) -> None:
    rows = np.arange(40, 76)
    before = [augmenter(spec).draw(3, step, rows) for step in range(12)]
    np.random.default_rng().random()
    torch.rand(3)
    again = augmenter(spec)
    for step in reversed(range(12)):
        assert equal(again.draw(3, step, rows), before[step])
    if before[0] or spec in SHIPPED:  # one of a plugin that draws nothing does the same to every batch
        assert not equal(again.draw(4, 0, rows), before[0])
        assert not equal(before[0], before[5]), "another epoch"


@pytest.mark.parametrize("spec", EVERY)
def test_what_is_drawn_has_one_entry_an_image_and_leaves_global_generators_alone(spec: str) -> None:
    torch_state, numpy_state = torch.get_rng_state(), str(np.random.get_state(legacy=False))
    draws = augmenter(spec).draw(0, 0, np.arange(7))
    augmenter(spec).apply(images(7), draws)
    assert {len(drawn) for drawn in draws.values()} == {7} or not (draws or spec in SHIPPED)
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert str(np.random.get_state(legacy=False)) == numpy_state


@pytest.mark.parametrize("spec", EVERY)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_inputs_keep_shape_and_type_and_the_originals_stay(spec: str, dtype: torch.dtype) -> None:
    inputs = images(7).to(dtype)
    kept = inputs.clone()
    changed, mixing = augmenter(spec).apply(inputs, augmenter(spec).draw(0, 0, np.arange(7)))
    assert (changed.shape, changed.dtype) == (inputs.shape, dtype)
    assert torch.equal(inputs, kept)
    assert (mixing is not None) == spec.startswith(("mixup", "cutmix"))
    if mixing is not None:
        assert (mixing.partner.dtype, mixing.share.dtype) == (torch.int64, torch.float32)


@pytest.mark.parametrize("specs", [*([spec] for spec in EVERY), CHAIN], ids=str)
def test_applying_never_looks_at_a_value(specs: list[str]) -> None:
    """Tensors on `meta` have no values: whatever would wait for the device to read one is an error there."""
    device = torch.device("meta")
    draws = move(augmenter(*specs).draw(0, 0, np.arange(7)), device)
    changed, _ = augmenter(*specs).apply(images(7).to(device), draws)
    assert changed.is_meta
    assert changed.shape == (7, *SHAPE)


class Counted(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts operations."""

    count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += 1
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("specs", [*([spec] for spec in EVERY), CHAIN], ids=str)
def test_nothing_is_done_image_by_image(specs: list[str]) -> None:
    counts = []
    for rows in (2, 64):
        draws = augmenter(*specs).draw(0, 0, np.arange(rows))
        with Counted() as counted:  # type: ignore[no-untyped-call]
            augmenter(*specs).apply(images(rows), draws)
        counts.append(counted.count)
    assert counts[0] == counts[1] > 0


@pytest.mark.parametrize("specs", [["mixup(alpha=0.4)"], CHAIN], ids=str)
def test_batches_end_to_end_are_as_alone(specs: list[str]) -> None:
    whole = augmenter(*specs)
    sizes = (4, 9, 6)
    parts = [whole.draw(seed, 8, np.arange(size)) for seed, size in enumerate(sizes)]
    inputs = [images(size, seed) for seed, size in enumerate(sizes)]
    together, mixing = whole.apply(torch.cat(inputs), join(parts))
    assert mixing is not None
    start = 0
    for own_inputs, own_draws, size in zip(inputs, parts, sizes, strict=True):
        alone, own = whole.apply(own_inputs, own_draws)
        assert own is not None
        assert torch.equal(together[start : start + size], alone)
        assert torch.equal(mixing.partner[start : start + size] - start, own.partner)
        assert torch.equal(mixing.share[start : start + size], own.share)
        start += size


def test_a_further_augmentation_changes_nothing_of_those_before_it() -> None:
    rows = np.arange(9)
    long, short = augmenter(*CHAIN).draw(1, 2, rows), augmenter(*CHAIN[:2]).draw(1, 2, rows)
    assert equal({name: long[name] for name in short}, short)
    twice = augmenter("cutout(size=3)", "cutout(size=3)").draw(1, 2, rows)
    assert not torch.equal(twice["0.box"], twice["1.box"])


def test_a_chain_is_its_parts_in_their_order() -> None:
    rows, inputs = np.arange(9), images(9)
    draws = augmenter(*CHAIN).draw(1, 2, rows)
    expected = inputs
    for place, spec in enumerate(CHAIN):
        own = {f"0{name[1:]}": drawn for name, drawn in draws.items() if name.startswith(str(place))}
        expected, _ = augmenter(spec).apply(expected, own)
    changed, _ = augmenter(*CHAIN).apply(inputs, draws)
    assert torch.equal(changed, expected)


def test_no_augmentation_is_the_identity() -> None:
    inputs = images(4)
    changed, mixing = augmenter().apply(inputs, augmenter().draw(0, 0, np.arange(4)))
    assert changed is inputs
    assert mixing is None


def test_compiled_programs_see_no_python_of_an_image() -> None:
    """One graph without a break: `torch.compile` can fuse it."""
    draws = augmenter(*CHAIN).draw(0, 1, np.arange(6))
    explained = torch._dynamo.explain(augmenter(*CHAIN).apply)(images(6), dict(draws))
    assert (explained.graph_count, explained.graph_break_count) == (1, 0)


@pytest.fixture
def dataset(tmp_path: Any) -> Dataset:
    generator = np.random.default_rng(5)
    pixels = generator.integers(0, 256, (60, *SHAPE), dtype=np.uint8)
    np.savez(tmp_path / "data.npz", x=pixels, y=np.arange(60) % 3)
    return load(DataSettings(source=Spec("npz", {"file": "data.npz"}), folder=tmp_path), SplitSettings())


def test_a_data_set_normalises_and_then_augments(dataset: Dataset) -> None:
    rows = dataset.rows["train"][:8]
    whole = augmenter(*CHAIN)
    draws = whole.draw(0, 3, rows.numpy())
    inputs, labels, mixing = dataset.augmented(rows, whole, draws)
    plain, plain_labels = dataset.batch(rows)
    expected, _ = whole.apply(plain, draws)
    assert torch.equal(inputs, expected)
    assert torch.equal(labels, plain_labels)
    assert mixing is not None
    covered, _, none = dataset.augmented(
        rows, augmenter("cutout(size=99)"), augmenter("cutout(size=99)").draw(0, 0, rows.numpy())
    )
    assert none is None
    assert (covered == 0).any(dim=(1, 2, 3)).all(), "what is cut out is the mean"


def test_augmented_batches_move_what_was_drawn_to_the_data(dataset: Dataset) -> None:
    moved = dataset.to(torch.device("meta"))
    rows = moved.rows["train"][:8]
    inputs, labels, mixing = moved.augmented(rows, augmenter(*CHAIN), augmenter(*CHAIN).draw(0, 0, np.arange(8)))
    assert inputs.is_meta
    assert labels.is_meta
    assert mixing is not None
    assert mixing.partner.is_meta


@pytest.mark.parametrize(
    ("specs", "shape", "reason"),
    [
        (["crob"], SHAPE, "no augmentation named 'crob'; did you mean 'crop'"),
        (["crop(pad=4)"], SHAPE, "augmentation 'crop' has no argument 'pad'"),
        (["crop(padding=0)"], SHAPE, "padding = 0 is refused: .* greater than 0"),
        (["mixup(alpha=0.0)"], SHAPE, "alpha = 0.0 is refused"),
        (["random_erasing(probability=1.5)"], SHAPE, "probability = 1.5 is refused"),
        (["random_erasing(smallest=0.5)"], SHAPE, "smallest = 0.5 is above largest = 0.4"),
        (["mixup", "crop"], SHAPE, "'mixup' mixes images and their labels: put it last"),
        (["cutmix", "mixup"], SHAPE, "'cutmix' mixes images and their labels: put it last, and only one such"),
        (["flip"], (64,), r"'flip' needs images \(channel, height, width\); an input here is \(64,\)"),
    ],
)
def test_what_cannot_be_used_is_refused(specs: list[str], shape: tuple[int, ...], reason: str) -> None:
    with pytest.raises((SpecError, UnknownNameError), match=reason):
        Augmenter(specs, shape, epoch_steps=5)
