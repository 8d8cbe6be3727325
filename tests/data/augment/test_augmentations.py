"""Each augmentation against a slow twin that treats one image at a time, by hand, and in the long run."""

import numpy as np
import pytest
import torch

from lrensemble.data import Augmenter
from lrensemble.data.augment import Draws

SHAPE = (2, 6, 9)
CHANNELS, HEIGHT, WIDTH = SHAPE
COUNT = 50


def inputs() -> np.ndarray:
    return np.random.default_rng(11).normal(size=(COUNT, *SHAPE))


def applied(spec: str, step: int = 0) -> tuple[np.ndarray, Draws]:
    augmenter = Augmenter([spec], SHAPE, epoch_steps=4)
    draws = augmenter.draw(7, step, np.arange(COUNT))
    changed, _ = augmenter.apply(torch.from_numpy(inputs()), draws)
    return changed.numpy(), draws


def many(spec: str, shape: tuple[int, ...] = SHAPE, count: int = 20_000) -> Draws:
    return Augmenter([spec], shape, epoch_steps=4).draw(0, 0, np.arange(count))


def test_crop_is_a_window_of_the_padded_image() -> None:
    changed, draws = applied("crop(padding=3)")
    for image, found, top, left in zip(inputs(), changed, draws["0.top"], draws["0.left"], strict=True):
        padded = np.zeros((CHANNELS, HEIGHT + 6, WIDTH + 6))
        padded[:, 3:-3, 3:-3] = image
        np.testing.assert_array_equal(found, padded[:, top : top + HEIGHT, left : left + WIDTH])


def test_crop_by_hand() -> None:
    image = torch.arange(1.0, 7.0).view(1, 1, 2, 3)
    draws = {"0.top": torch.tensor([2]), "0.left": torch.tensor([0])}
    found, _ = Augmenter(["crop(padding=1)"], (1, 2, 3), epoch_steps=1).apply(image, draws)
    assert found[0, 0].tolist() == [[0, 4, 5], [0, 0, 0]]


def test_crop_reaches_every_window_alike() -> None:
    draws = many("crop(padding=2)")
    counts = np.bincount(draws["0.top"] * 5 + draws["0.left"], minlength=25)
    assert counts.min() > 800 - 5 * 28
    assert counts.max() < 800 + 5 * 28, "20,000 / 25, within five standard deviations"


@pytest.mark.parametrize("spec", ["flip", "alternating_flip"])
def test_flip_mirrors_left_to_right(spec: str) -> None:
    changed, draws = applied(spec)
    for image, found, mirrored in zip(inputs(), changed, draws["0.mirrored"], strict=True):
        np.testing.assert_array_equal(found, image[:, :, ::-1] if mirrored else image)
    share = many(spec)["0.mirrored"].double().mean().item()
    assert share == pytest.approx(0.5, abs=5 * 0.5 / 20_000**0.5)


def test_alternating_flip_shows_both_sides_in_turn_wherever_a_row_stands() -> None:
    augmenter = Augmenter(["alternating_flip"], SHAPE, epoch_steps=4)
    rows = np.arange(COUNT)
    epochs = [augmenter.draw(7, step, rows)["0.mirrored"] for step in (0, 4, 8, 3)]
    assert torch.equal(epochs[0], ~epochs[1])
    assert torch.equal(epochs[0], epochs[2])
    assert torch.equal(epochs[0], epochs[3]), "one epoch, one side"
    order = np.random.default_rng(0).permutation(COUNT)
    assert torch.equal(augmenter.draw(7, 0, order)["0.mirrored"], epochs[0][torch.from_numpy(order)])


def cover(image: np.ndarray, box: torch.Tensor) -> np.ndarray:
    top, bottom, left, right = box.tolist()
    covered = image.copy()
    for row in range(top, bottom):
        for column in range(left, right):
            covered[:, row, column] = 0
    return covered


@pytest.mark.parametrize("spec", ["cutout(size=4)", "cutout(size=5)", "random_erasing(probability=0.7)"])
def test_what_lies_in_the_box_is_covered(spec: str) -> None:
    changed, draws = applied(spec)
    for image, found, box in zip(inputs(), changed, draws["0.box"], strict=True):
        np.testing.assert_array_equal(found, cover(image, box))


@pytest.mark.parametrize("size", [1, 4, 5])
def test_cutout_is_a_square_around_any_pixel_cut_off_at_the_border(size: int) -> None:
    boxes = {tuple(box) for box in many(f"cutout(size={size})")["0.box"].tolist()}
    expected = {
        (
            max(row - size // 2, 0),
            min(row - size // 2 + size, HEIGHT),
            max(column - size // 2, 0),
            min(column - size // 2 + size, WIDTH),
        )
        for row in range(HEIGHT)
        for column in range(WIDTH)
    }
    assert boxes == expected


def test_random_erasing_keeps_to_its_areas_and_shapes() -> None:
    size = 100
    boxes = many("random_erasing(probability=0.25, smallest=0.1, largest=0.3)", (1, size, size))["0.box"].double()
    tall, wide = boxes[:, 1] - boxes[:, 0], boxes[:, 3] - boxes[:, 2]
    erased = tall * wide > 0
    assert erased.double().mean().item() == pytest.approx(0.25, abs=5 * (0.25 * 0.75 / 20_000) ** 0.5)
    share, ratio = (tall * wide / size**2)[erased], (tall / wide)[erased]
    assert 0.09 < share.min() < 0.105
    assert 0.29 < share.max() < 0.301
    assert 0.28 < ratio.min() < 0.32
    assert 3.0 < ratio.max() < 3.5
    assert boxes.min() == 0
    assert boxes.max() == size, "the border is reached"


def test_random_erasing_leaves_whole_what_nothing_fits_into() -> None:
    whole = many("random_erasing(probability=1.0, smallest=1.0, largest=1.0)")["0.box"]
    assert torch.equal(whole[:, 0], whole[:, 1]), "all areas are too large, and all boxes empty"
    boxes = many("random_erasing(probability=1.0, smallest=0.9, largest=0.9, narrowest=0.5)", (1, 40, 40))["0.box"]
    tall, wide = boxes[:, 1] - boxes[:, 0], boxes[:, 3] - boxes[:, 2]
    fits = tall > 0
    assert 0 < fits.double().mean() < 1
    assert (tall[fits] < 40).all()
    assert (wide[fits] < 40).all()


def test_mixup_is_the_weighted_mean_of_partners() -> None:
    changed, draws = applied("mixup(alpha=0.5, probability=0.8)")
    images = inputs()
    for row, (partner, share) in enumerate(zip(draws["0.partner"].tolist(), draws["0.share"].tolist(), strict=True)):
        np.testing.assert_allclose(changed[row], share * images[row] + (1 - share) * images[partner], rtol=1e-6)
    assert sorted(draws["0.partner"].tolist()) == list(range(COUNT)), "each image lends itself once"


def test_mixup_by_hand_on_features() -> None:
    augmenter = Augmenter(["mixup"], (2,), epoch_steps=1)
    draws = {"0.partner": torch.tensor([1, 0]), "0.share": torch.tensor([0.25, 1.0])}
    found, mixing = augmenter.apply(torch.tensor([[0.0, 8.0], [4.0, 0.0]]), draws)
    assert found.tolist() == [[3.0, 2.0], [4.0, 0.0]]
    assert mixing is not None
    assert mixing.share.tolist() == [0.25, 1.0]


def test_mixup_draws_from_its_distribution() -> None:
    share = many("mixup(alpha=2.0)")["0.share"].double()
    assert share.mean().item() == pytest.approx(0.5, abs=5 * (0.05 / 20_000) ** 0.5)
    assert share.var().item() == pytest.approx(0.05, rel=0.05), "1 / (4 (2 alpha + 1))"
    some = many("mixup(alpha=2.0, probability=0.3)")["0.share"]
    assert (some < 1).double().mean().item() == pytest.approx(0.3, abs=5 * (0.21 / 20_000) ** 0.5)


def test_cutmix_pastes_a_box_and_counts_its_pixels() -> None:
    changed, draws = applied("cutmix(probability=0.9)")
    images = inputs()
    for row, (box, partner, share) in enumerate(
        zip(draws["0.box"].tolist(), draws["0.partner"].tolist(), draws["0.share"].tolist(), strict=True)
    ):
        expected = images[row].copy()
        top, bottom, left, right = box
        own = HEIGHT * WIDTH
        for i in range(top, bottom):
            for j in range(left, right):
                expected[:, i, j] = images[partner][:, i, j]
                own -= 1
        np.testing.assert_array_equal(changed[row], expected)
        assert share == pytest.approx(own / (HEIGHT * WIDTH), rel=1e-6)


def test_cutmix_boxes_have_the_shape_of_the_image() -> None:
    boxes = many("cutmix(probability=1.0)", (1, 60, 120))["0.box"]
    tall, wide = boxes[:, 1] - boxes[:, 0], boxes[:, 3] - boxes[:, 2]
    uncut = (boxes[:, 0] > 0) & (boxes[:, 1] < 60) & (boxes[:, 2] > 0) & (boxes[:, 3] < 120)
    assert uncut.sum() > 1000
    assert ((wide - 2 * tall)[uncut].abs() <= 1).all()
    never = many("cutmix(probability=0.0)")
    assert (never["0.share"] == 1).all()
