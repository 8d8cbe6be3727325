"""Heads: loss and link of every form against torch's own and by hand; units are undone; members do not meet."""

import math
from itertools import product

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy, gaussian_nll_loss, mse_loss

from lrensemble.config import Scale, TrainSettings
from lrensemble.errors import ConfigError
from lrensemble.targets import Choices, Classes, Form, Target, Values
from lrensemble.targets.heads import LOG_VARIANCE, GaussianHead, Head, ValueHead, member_losses, mixed_loss

CLASSES, VALUES = Classes(names=("a", "b", "c")), Values(names=("left", "right"))
SCALE = Scale(mean=(100.0, -3.0), std=(10.0, 0.5))
HEADS = [CLASSES.head(), VALUES.head(scale=SCALE), VALUES.head("gaussian", SCALE)]
MEMBERS, ROWS = 4, 5


def outputs_of(head: Head, *leading: int) -> torch.Tensor:
    return torch.randn(*leading, ROWS, head.outputs, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def truth_of(head: Head, *leading: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    if head.form == "log_probs":
        return torch.randint(0, head.width, (*leading, ROWS), generator=generator)
    return torch.randn(*leading, ROWS, head.width, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("head", HEADS, ids=lambda head: head.form)
def test_members_together_are_members_alone(head: Head) -> None:
    outputs, truth = outputs_of(head, MEMBERS), truth_of(head, MEMBERS)
    partner = torch.cat([ROWS * m + torch.randperm(ROWS) for m in range(MEMBERS)])
    share = torch.rand(MEMBERS * ROWS)
    together = member_losses(head, outputs, truth, partner=partner, share=share)
    for member in range(MEMBERS):
        own = slice(ROWS * member, ROWS * (member + 1))
        other = truth[member][partner[own] - ROWS * member]
        alone = mixed_loss(head, outputs[member], truth[member], other, share[own], 0.0)
        torch.testing.assert_close(together[member], alone)
    plain = member_losses(head, outputs, truth[:1])
    torch.testing.assert_close(plain[2], mixed_loss(head, outputs[2], truth[0], None, None, 0.0))


@pytest.mark.parametrize("head", HEADS, ids=lambda head: head.form)
def test_what_is_stored_is_what_is_seen(head: Head) -> None:
    """Probabilities are exponentials, variances too; what the pool would check is passed."""
    target: Target = CLASSES if head.form == "log_probs" else VALUES
    stored, dense = head.stored(outputs_of(head)), head.dense(outputs_of(head))
    said = head.predictions(stored.numpy())
    assert said.form == head.form
    target.check(said, ROWS, "here")
    np.testing.assert_allclose(target.seen(said), dense.numpy(), rtol=1e-6)


def test_losses_are_those_of_torch() -> None:
    classes, values, gaussian = HEADS
    torch.testing.assert_close(
        classes.mean_loss(outputs_of(classes), truth_of(classes), 0.1),
        cross_entropy(outputs_of(classes), truth_of(classes), label_smoothing=0.1),
    )
    torch.testing.assert_close(
        values.mean_loss(outputs_of(values), truth_of(values), 0.0), mse_loss(outputs_of(values), truth_of(values))
    )
    outputs, truth = outputs_of(gaussian), truth_of(gaussian)
    mean, log_variance = outputs[:, :2], outputs[:, 2:]
    expected = gaussian_nll_loss(mean, truth, log_variance.exp(), full=True)
    torch.testing.assert_close(gaussian.mean_loss(outputs, truth, 0.0), expected, rtol=0.01, atol=0.01)


def test_the_link_undoes_the_units_by_hand() -> None:
    values = ValueHead(2, SCALE).stored(torch.tensor([[0.0, 2.0], [-1.0, 0.0]]))
    assert values.tolist() == [[100.0, -2.0], [90.0, -3.0]]
    assert values.dtype == torch.float64
    said = GaussianHead(2, SCALE).dense(torch.tensor([[1.0, 0.0, 0.0, math.log(4)]]))
    np.testing.assert_allclose(said, [[110.0, -3.0, 100.0, 1.0]], rtol=0.03)


def test_large_numbers_stay_apart() -> None:
    """Seconds since 1970, which float32 cannot tell from the next two minutes."""
    head = ValueHead(1, Scale(mean=(1.7e9,), std=(1.0,)))
    assert np.diff(head.stored(torch.tensor([[0.0], [0.25]]))[:, 0]).tolist() == [0.25]


def test_a_variance_stays_inside_its_bounds() -> None:
    head = GaussianHead(1)
    low, high = LOG_VARIANCE
    extreme = torch.tensor([[0.0, -1e4], [0.0, 1e4], [0.0, 0.0]], requires_grad=True)
    stored = head.stored(extreme)[:, 1]
    np.testing.assert_allclose(stored.detach(), [low, high, 0.0], atol=0.01)
    head.row_losses(extreme, torch.zeros(3, 1)).sum().backward()  # type: ignore[no-untyped-call]
    assert extreme.grad is not None
    assert torch.isfinite(extreme.grad).all()


def test_mixed_values_have_the_gradient_of_the_mean_of_both() -> None:
    head = ValueHead(2)
    outputs = outputs_of(head).requires_grad_()
    truth, share = truth_of(head), torch.tensor([1.0, 0.25, 0.5, 0.75, 0.0], dtype=torch.float64)
    other = truth.roll(1, dims=0)
    (found,) = torch.autograd.grad(mixed_loss(head, outputs, truth, other, share, 0.0), outputs)
    mixed = share[:, None] * truth + (1 - share[:, None]) * other
    (expected,) = torch.autograd.grad(mse_loss(outputs, mixed), outputs)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(
    ("target", "form"),
    [
        *product((CLASSES, Choices(names=("A", "B"))), ("values", "gaussian")),
        (VALUES, "log_probs"),
    ],
)
def test_a_form_that_networks_do_not_speak_is_refused(target: Target, form: Form) -> None:
    with pytest.raises(
        ConfigError, match=rf"train\.form = '{form}' is refused: networks that learn {target.kind} give"
    ):
        target.head(form)


def test_settings_without_a_meaning_are_refused() -> None:
    CLASSES.check_training(TrainSettings(label_smoothing=0.1))
    VALUES.check_training(TrainSettings(form="gaussian"))
    with pytest.raises(ConfigError, match=r"train\.form = 'gaussian' is refused: networks that learn classes give"):
        CLASSES.check_training(TrainSettings(form="gaussian"))
    with pytest.raises(ConfigError, match=r"label_smoothing = 0\.1 is refused: there are no classes .* values are"):
        VALUES.check_training(TrainSettings(label_smoothing=0.1))
