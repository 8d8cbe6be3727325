"""Losses by name: against torch, scikit-learn and formulas written slowly; alone, in parts of a batch and in groups."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight
from torch import Tensor, nn

from lrensemble.config import TrainSettings
from lrensemble.errors import ConfigError, SpecError, TrainingError, UnknownNameError
from lrensemble.spec import Spec, to_spec
from lrensemble.targets import Classes, Form, Target, Values
from lrensemble.targets.heads import batch_weight, member_losses, mixed_loss
from lrensemble.targets.losses import LOSSES, Lesson, Loss

CLASSES, VALUES = Classes(names=("a", "b", "c")), Values(names=("left", "right"))
COUNTS = (50, 10, 40)
MEMBERS, ROWS = 4, 7
NAMED = [str(LOSSES.example(name)) for name in LOSSES] + [
    "weighted(weights=[1.0, 2.0, 0.5])",
    "focal(alpha='balanced')",
]


def lesson(form: Form) -> Lesson:
    target: Target = CLASSES if form == "log_probs" else VALUES
    of_classes = form == "log_probs"
    names, counts = (CLASSES.names, COUNTS) if of_classes else ((), ())
    return Lesson(target.head(form), names, counts, torch.device("cpu"))


def loss_of(text: str) -> Loss:
    return LOSSES.call(text, lesson(LOSSES.facts(text).form))


def batch(text: str, *leading: int) -> tuple[Tensor, Tensor]:
    """Outputs and truth in float64, as networks and data of the loss have them."""
    facts, generator = LOSSES.facts(text), torch.Generator().manual_seed(0)
    width = {"log_probs": 3, "values": 2, "gaussian": 4}[facts.form]
    outputs = torch.randn(*leading, ROWS, width, generator=generator, dtype=torch.float64)
    if facts.soft:
        return outputs, torch.rand(*leading, ROWS, 3, generator=generator, dtype=torch.float64).softmax(-1)
    if facts.form == "log_probs":
        return outputs, torch.randint(0, 3, (*leading, ROWS), generator=generator)
    return outputs, torch.randn(*leading, ROWS, 2, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("text", NAMED)
def test_members_together_are_members_alone(text: str) -> None:
    loss, facts = loss_of(text), LOSSES.facts(text)
    outputs, truth = batch(text, MEMBERS)
    smoothing = torch.tensor([0.0, 0.1, 0.2, 0.5], dtype=torch.float64) if facts.smooths else None
    partner = torch.cat([ROWS * m + torch.randperm(ROWS) for m in range(MEMBERS)])
    share = torch.rand(MEMBERS * ROWS, dtype=torch.float64)
    plain = member_losses(loss, outputs, truth, smoothing=smoothing)
    mixed = member_losses(loss, outputs, truth, partner=partner, share=share, smoothing=smoothing)
    same = member_losses(loss, outputs, truth[:1], smoothing=smoothing)
    for m in range(MEMBERS):
        rows, own = slice(ROWS * m, ROWS * (m + 1)), 0.0 if smoothing is None else float(smoothing[m])
        other = truth[m][partner[rows] - ROWS * m]
        torch.testing.assert_close(plain[m], loss.mean_loss(outputs[m], truth[m], own))
        torch.testing.assert_close(same[m], loss.mean_loss(outputs[m], truth[0], own))
        torch.testing.assert_close(mixed[m], mixed_loss(loss, outputs[m], truth[m], other, share[rows], own))


@pytest.mark.parametrize("text", NAMED)
def test_parts_of_a_batch_make_the_whole(text: str) -> None:
    loss, (outputs, truth) = loss_of(text), batch(text)
    other, share = truth.roll(2, 0), torch.rand(ROWS, dtype=torch.float64)
    parts = (slice(0, 4), slice(4, 6), slice(6, 7))
    plain, mixed = torch.zeros((), dtype=torch.float64), torch.zeros((), dtype=torch.float64)
    for rows in parts:
        part = batch_weight(loss, truth[rows], None, None) / batch_weight(loss, truth, None, None)
        plain += mixed_loss(loss, outputs[rows], truth[rows], None, None, 0.0) * part
        own = truth[rows], other[rows], share[rows]
        part = batch_weight(loss, *own) / batch_weight(loss, truth, other, share)
        mixed += mixed_loss(loss, outputs[rows], *own, 0.0) * part
    torch.testing.assert_close(plain, mixed_loss(loss, outputs, truth, None, None, 0.0))
    torch.testing.assert_close(mixed, mixed_loss(loss, outputs, truth, other, share, 0.0))


@pytest.mark.parametrize("text", NAMED)
def test_a_share_of_one_is_no_mixing(text: str) -> None:
    loss, (outputs, truth) = loss_of(text), batch(text)
    mixed = mixed_loss(loss, outputs, truth, truth.roll(1, 0), torch.ones(ROWS, dtype=torch.float64), 0.0)
    torch.testing.assert_close(mixed, loss.mean_loss(outputs, truth, 0.0))


WEIGHT = torch.tensor([1.0, 2.0, 0.5], dtype=torch.float64)


@pytest.mark.parametrize(
    ("text", "smoothing", "torchs"),
    [
        ("cross_entropy", 0.2, nn.CrossEntropyLoss(label_smoothing=0.2)),
        ("weighted(weights=[1.0, 2.0, 0.5])", 0.0, nn.CrossEntropyLoss(weight=WEIGHT)),
        ("weighted(weights=[1.0, 2.0, 0.5])", 0.3, nn.CrossEntropyLoss(weight=WEIGHT, label_smoothing=0.3)),
        ("focal(gamma=0)", 0.0, nn.CrossEntropyLoss()),
        ("soft_targets", 0.0, nn.CrossEntropyLoss()),
        ("squared", 0.0, nn.MSELoss()),
        ("absolute", 0.0, nn.L1Loss()),
        ("huber(delta=0.7)", 0.0, nn.HuberLoss(delta=0.7)),
    ],
)
def test_losses_are_those_of_torch(text: str, smoothing: float, torchs: Callable[..., Tensor]) -> None:
    outputs, truth = batch(text)
    torch.testing.assert_close(loss_of(text).mean_loss(outputs, truth, smoothing), torchs(outputs, truth))


def slow_focal(outputs: Tensor, truth: Tensor, gamma: float, alpha: Any) -> float:
    """Lin et al. 2017, eq. 5, for each row."""
    losses: list[float] = []
    for row, label in zip(outputs.tolist(), truth.tolist(), strict=True):
        p = math.exp(row[label]) / sum(math.exp(value) for value in row)
        losses.append(-float(alpha[label]) * (1 - p) ** gamma * math.log(p))
    return sum(losses) / len(losses)


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0, 5.0])
@pytest.mark.parametrize("alpha", [None, [0.25, 0.75, 2.0]])
def test_the_focal_loss_is_its_formula(gamma: float, alpha: Any) -> None:
    outputs, truth = batch("focal")
    text = Spec("focal", {"gamma": gamma} | ({} if alpha is None else {"alpha": tuple(alpha)}))
    expected = slow_focal(outputs, truth, gamma, alpha or [1.0] * 3)
    assert loss_of(str(text)).mean_loss(outputs, truth, 0.0).item() == pytest.approx(expected)


def test_the_focal_loss_of_the_paper_by_hand() -> None:
    """p = 0.9 and γ = 2: a hundredth of the cross-entropy (Lin et al. 2017, sec. 3.2); α = 0.25 for class 1 of two."""
    two = Classes(names=("no", "yes"))
    loss = LOSSES.call("focal(alpha=[0.75, 0.25])", Lesson(two.head(), two.names, (5, 5), torch.device("cpu")))
    outputs = torch.tensor([[math.log(0.9), math.log(0.1)], [math.log(0.1), math.log(0.9)]])
    found = loss.row_losses(outputs, torch.tensor([0, 1]))
    np.testing.assert_allclose(found, [-0.75 * 0.01 * math.log(0.9), -0.25 * 0.01 * math.log(0.9)], rtol=1e-5)


def test_balanced_weights_are_those_of_scikit_learn() -> None:
    labels = np.repeat([0, 1, 2], COUNTS)
    expected = compute_class_weight("balanced", classes=np.arange(3), y=labels)
    outputs, truth = batch("weighted")
    found = loss_of("weighted").row_weights(truth)
    assert found is not None
    np.testing.assert_allclose(found, expected[truth])
    by_hand = f"weighted(weights={expected.tolist()})"
    torch.testing.assert_close(
        loss_of("weighted").mean_loss(outputs, truth, 0.1), loss_of(by_hand).mean_loss(outputs, truth, 0.1)
    )


@pytest.mark.parametrize(
    "text", ["focal(gamma=0.5)", "focal(gamma=2)", "weighted", "soft_targets", "huber", "absolute"]
)
def test_what_is_met_exactly_has_a_finite_gradient(text: str) -> None:
    _, truth = batch(text)
    if LOSSES.facts(text).form == "log_probs":
        sure = torch.tensor([[200.0, 0.0, -200.0]] * ROWS, requires_grad=True)
        truth = truth.float() if LOSSES.facts(text).soft else torch.tensor([0, 1, 2, 0, 1, 2, 0])
    else:
        sure = truth.float().requires_grad_()
        truth = truth.float()
    loss = loss_of(text).mean_loss(sure, truth, 0.0)
    (gradient,) = torch.autograd.grad(loss, sure)
    assert torch.isfinite(loss)
    assert torch.isfinite(gradient).all()


@pytest.mark.parametrize(
    ("target", "settings", "error", "message"),
    [
        (CLASSES, {"loss": "huber"}, ConfigError, "'huber' is refused: it is for networks that say values, and these"),
        (VALUES, {"loss": "focal"}, ConfigError, r"these say values; choose from squared, absolute, huber$"),
        (VALUES, {"loss": "squared", "form": "gaussian"}, ConfigError, "choose from gaussian_nll"),
        (CLASSES, {"loss": "focal", "label_smoothing": 0.1}, ConfigError, "loss 'focal' does not smooth labels"),
        (CLASSES, {"loss": "focl"}, UnknownNameError, "no loss named 'focl'; did you mean 'focal'"),
        (CLASSES, {"loss": "focal(gamma=-1)"}, SpecError, "gamma = -1 is refused"),
        (CLASSES, {"loss": "weighted(weights=[1, 0, 1])"}, SpecError, "weights = .* is refused"),
        (CLASSES, {"loss": "weighted(weights='even')"}, SpecError, "weights = 'even' is refused"),
    ],
)
def test_a_loss_that_does_not_serve_is_refused(
    target: Target, settings: dict[str, Any], error: type[Exception], message: str
) -> None:
    given = settings | {"loss": to_spec(settings["loss"])}
    with pytest.raises(error, match=message):
        target.check_training(TrainSettings(**given))


def test_weights_that_do_not_fit_the_classes_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"weighted\(weights=…\) has 2 numbers, and there are 3 classes; .*: a, b, c"):
        loss_of("weighted(weights=[1, 2])")
    empty = Lesson(CLASSES.head(), CLASSES.names, (3, 0, 4), torch.device("cpu"))
    for text in ("weighted", "focal(alpha='balanced')"):
        with pytest.raises(ConfigError, match="class 'b' has no training rows, so that no weight balances it"):
            LOSSES.call(text, empty)
    assert LOSSES.call("weighted(weights=[1, 2, 3])", empty)


def total(lesson: Lesson) -> Callable[[Tensor, Tensor], Tensor]:  # noqa: ARG001
    """No loss of a row: it is the mean of all."""
    return lambda outputs, truth: outputs.mean() + 0 * truth.sum()


total.form = "log_probs"  # type: ignore[attr-defined]


def test_a_loss_of_ones_own_is_one_function() -> None:
    outputs, truth = batch("cross_entropy", MEMBERS)
    own = LOSSES.call("tests.registry.own_things:hinge(margin=2.0)", lesson("log_probs"))
    best = outputs[1].scatter(1, truth[1][:, None], -math.inf).amax(1)
    slow = (2.0 + best - outputs[1].gather(1, truth[1][:, None])[:, 0]).clamp(min=0)
    torch.testing.assert_close(own.row_losses(outputs, truth)[1], slow)
    with pytest.raises(TrainingError, match=r"returned \(\); it must return a loss for each row, here \(7,\)"):
        LOSSES.call(f"{__name__}:total", lesson("log_probs")).mean_loss(outputs[0], truth[0], 0.0)
