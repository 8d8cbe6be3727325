"""The loop against a plain one, rates to the step, predictions in evaluation mode."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.compilers import OF_THE_COMPILER, needs_compiler
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from lrensemble.config import TrainSettings
from lrensemble.data import Dataset, batch_rows
from lrensemble.errors import TrainingError
from lrensemble.models import build
from lrensemble.policies import Policy
from lrensemble.spec import Spec
from lrensemble.targets.heads import ClassHead, mixed_loss
from lrensemble.train import DivergedError, SingleTrainee, Step, fit, predict
from lrensemble.train.run.arithmetic.numerics import compiled
from lrensemble.train.run.arithmetic.randomness import may_draw

STEPS = 11


def policy(total: int = STEPS) -> Policy:
    """Another rate at every step, so that one that is a step late shows."""
    return Policy(Spec("test"), total, lambda step: 0.05 / (1 + step))


def run(dataset: Dataset, settings: TrainSettings, model: str = "mlp(width=7)") -> tuple[nn.Module, list[Step]]:
    network = build(model, dataset.shape, 10, settings.seed)
    return network, list(fit(SingleTrainee(network, dataset, settings), policy()))


def weights(model: nn.Module) -> Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


def test_equal_to_a_plain_loop_with_a_torch_scheduler(digits: Dataset) -> None:
    settings = TrainSettings(
        batch_size=100, momentum=0.8, nesterov=True, weight_decay=1e-3, label_smoothing=0.1, seed=5
    )
    model, steps = run(digits, settings, "cnn(width=3)")

    plain = build("cnn(width=3)", digits.shape, 10, seed=5)
    optimizer = torch.optim.SGD(plain.parameters(), lr=1.0, momentum=0.8, nesterov=True, weight_decay=1e-3)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, policy())
    train = digits.rows["train"]
    losses = []
    for step in range(STEPS):
        rows = train[torch.tensor(batch_rows(len(train), 100, 5, step))]
        inputs = (digits.inputs[rows].float() - digits.mean.item()) / digits.std.item()
        loss = cross_entropy(plain(inputs), digits.truth[rows], label_smoothing=0.1)
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        scheduler.step()

    assert [step.step for step in steps] == list(range(STEPS))
    assert [step.rate for step in steps] == policy().curve()
    np.testing.assert_allclose([step.loss for step in steps], losses, rtol=1e-5)
    torch.testing.assert_close(weights(model), weights(plain), rtol=1e-4, atol=1e-6)


def test_a_second_run_is_equal_to_the_last_bit_and_another_seed_is_not(digits: Dataset) -> None:
    spec = "mlp(width=7, dropout=0.4)"
    settings = TrainSettings(batch_size=100, seed=1)
    first, steps = run(digits, settings, spec)
    torch.rand(3)
    before = torch.get_rng_state()
    again, steps_again = run(digits, settings, spec)
    assert torch.equal(torch.get_rng_state(), before), "the global generator is left alone"
    assert steps == steps_again
    assert torch.equal(weights(first), weights(again))
    assert not torch.equal(weights(first), weights(run(digits, TrainSettings(batch_size=100, seed=2), spec)[0]))


def test_dropout_draws_anew_at_every_step_and_for_every_seed(digits: Dataset) -> None:
    drawn: list[Tensor] = []

    class Recorder(nn.Linear):
        def forward(self, inputs: Tensor) -> Tensor:
            drawn.append(torch.rand(4))
            return super().forward(inputs.flatten(1))

    model = Recorder(64, 10)
    for seed in (0, 1):
        settings = TrainSettings(batch_size=100, seed=seed)
        list(fit(SingleTrainee(model, digits, settings), policy()))
    assert len({tuple(values.tolist()) for values in drawn}) == 2 * STEPS


def test_entered_at_any_step_it_goes_on_the_same(digits: Dataset) -> None:
    settings = TrainSettings(batch_size=100, optimizer=Spec("sgd", {"momentum": 0.0}))
    whole, steps = run(digits, settings, "mlp(width=7, dropout=0.4)")
    for entry in range(STEPS + 1):
        model = build("mlp(width=7, dropout=0.4)", digits.shape, 10, 0)
        trainee = SingleTrainee(model, digits, settings)
        first = fit(trainee, policy())
        for _ in range(entry):
            next(first)
        first.close()
        rest = list(fit(trainee, policy(), first_step=entry))
        assert rest == steps[entry:]
        assert torch.equal(weights(model), weights(whole))


def test_the_gradient_is_clipped_by_its_norm_over_all_parameters(digits: Dataset) -> None:
    settings = TrainSettings(batch_size=100, clip_norm=0.001, optimizer=Spec("sgd", {"momentum": 0.0}))
    model = build("mlp(width=7)", digits.shape, 10, 0)
    before = weights(model)
    next(fit(SingleTrainee(model, digits, settings), policy()))
    moved = float((weights(model) - before).norm())
    assert moved == pytest.approx(0.05 * 0.001, rel=1e-2)


def test_bfloat16_computes_coarsely_and_keeps_weights_exact(digits: Dataset) -> None:
    _, steps = run(digits, TrainSettings(batch_size=100))
    coarse, coarse_steps = run(digits, TrainSettings(batch_size=100, precision="bfloat16"))
    assert {parameter.dtype for parameter in coarse.parameters()} == {torch.float32}
    losses = np.array([[step.loss for step in side] for side in (steps, coarse_steps)])
    assert not np.array_equal(losses[0], losses[1])
    np.testing.assert_allclose(losses[0], losses[1], rtol=0.05)
    assert predict(coarse, digits.head(None), digits, "val").dtype == torch.float32


def test_predictions_are_made_in_evaluation_mode_row_by_row(digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    model, _ = run(digits, TrainSettings(batch_size=100), "cnn(width=3, dropout=0.5)")
    model.train()
    buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
    log_probs = predict(model, digits.head(None), digits, "test")
    assert log_probs.shape == (len(digits.rows["test"]), 10)
    assert torch.equal(log_probs, predict(model, digits.head(None), digits, "test"))
    assert all(torch.equal(buffers[name], buffer) for name, buffer in model.named_buffers())
    torch.testing.assert_close(log_probs.exp().sum(dim=1), torch.ones(len(log_probs)))
    monkeypatch.setattr("lrensemble.train.run.predictions.PREDICTION_ROWS", 17)
    torch.testing.assert_close(predict(model, digits.head(None), digits, "test"), log_probs)
    model.eval()
    inputs, _ = digits.batch(digits.rows["test"][5:6])
    torch.testing.assert_close(model(inputs).log_softmax(1)[0].detach(), log_probs[5])


def test_training_goes_on_in_training_mode_after_predictions(digits: Dataset) -> None:
    settings = TrainSettings(batch_size=100)
    model = build("cnn(width=3)", digits.shape, 10, 0)
    steps = []
    for step in fit(SingleTrainee(model, digits, settings), policy()):
        predict(model, digits.head(None), digits, "val")
        steps.append(step)
    assert steps == run(digits, settings, "cnn(width=3)")[1]


@pytest.mark.parametrize("rate", [math.nan, math.inf, 1e30])
def test_a_rate_or_a_loss_that_is_not_finite_ends_the_run(digits: Dataset, rate: float) -> None:
    settings = TrainSettings(batch_size=100)
    model = build("mlp(width=7)", digits.shape, 10, 0)
    rates = Policy(Spec("test"), STEPS, lambda step: rate if step == 3 else 0.01)
    steps = fit(SingleTrainee(model, digits, settings), rates)
    with pytest.raises(DivergedError) as caught:
        list(steps)
    assert caught.value.step == (3 if rate != 1e30 else 4), "an update that overflows shows in the next loss"
    assert not (math.isfinite(caught.value.rate) and math.isfinite(caught.value.loss))


@pytest.mark.parametrize("classes", [9, 11])
def test_outputs_of_another_shape_are_refused(digits: Dataset, classes: int) -> None:
    settings = TrainSettings(batch_size=100)
    model = build("mlp", digits.shape, classes, 0)
    message = rf"returned \(100, {classes}\); it must return outputs \[batch, output\], here \(100, 10\)"
    with pytest.raises(TrainingError, match=message):
        next(fit(SingleTrainee(model, digits, settings), policy()))
    with pytest.raises(TrainingError, match="must return outputs"):
        predict(model, digits.head(None), digits, "val")


def test_mixed_labels_by_definition() -> None:
    """The loss of a mixed image is that of both its labels, by their shares; with shares of one, nothing is mixed."""
    logits = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    labels, partner = torch.tensor([0, 1, 2, 1]), torch.tensor([1, 2, 3, 0])
    share = torch.tensor([1.0, 0.25, 0.5, 0.75])
    soft = share[:, None] * torch.eye(3)[labels] + (1 - share[:, None]) * torch.eye(3)[labels[partner]]
    head = ClassHead(3)
    found = mixed_loss(head, logits, labels, labels[partner], share, 0.0)
    torch.testing.assert_close(found, torch.nn.functional.cross_entropy(logits, soft))
    plain = mixed_loss(head, logits, labels, labels[partner], torch.ones(4), 0.1)
    torch.testing.assert_close(plain, mixed_loss(head, logits, labels, None, None, 0.1))


def test_augmentation_is_a_function_of_seed_and_step(digits: Dataset) -> None:
    settings = TrainSettings(batch_size=50, augment=(Spec("crop", {"padding": 1}), Spec("flip"), Spec("mixup")))
    (first, steps), (second, again) = run(digits, settings), run(digits, settings)
    assert steps == again
    assert all(torch.equal(one, other) for one, other in zip(first.parameters(), second.parameters(), strict=True))
    assert steps != run(digits, TrainSettings(batch_size=50))[1]
    bare = run(digits, TrainSettings(batch_size=50, augment=()))[1]
    assert bare == run(digits, TrainSettings(batch_size=50))[1]


def test_a_batch_in_parts_gives_the_update_of_the_whole(digits: Dataset) -> None:
    whole, steps = run(digits, TrainSettings(batch_size=100, clip_norm=1.0))
    parts, steps_of_parts = run(digits, TrainSettings(batch_size=100, clip_norm=1.0, accumulate=3))
    torch.testing.assert_close(weights(parts), weights(whole), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose([s.loss for s in steps_of_parts], [s.loss for s in steps], rtol=1e-5)
    np.testing.assert_allclose([s.norm for s in steps_of_parts], [s.norm for s in steps], rtol=1e-4)


def test_mixed_labels_stay_with_their_images_when_a_batch_is_computed_in_parts(digits: Dataset) -> None:
    settings = TrainSettings(batch_size=100, augment=(Spec("mixup"),))
    whole, _ = run(digits, settings)
    parts, _ = run(digits, settings.model_copy(update={"accumulate": 4}))
    torch.testing.assert_close(weights(parts), weights(whole), rtol=1e-4, atol=1e-6)


def test_the_average_is_the_sum_of_the_weights_after_each_step(digits: Dataset) -> None:
    settings, decay = TrainSettings(batch_size=100, ema=0.8), 0.8
    trainee = SingleTrainee(build("cnn(width=3)", digits.shape, 10, 0), digits, settings)
    expected: dict[str, Tensor] = {}
    for step in fit(trainee, policy()):
        for name, parameter in trainee.model.named_parameters():
            now = parameter.detach().clone()
            expected[name] = now if step.step == 0 else decay * expected[name] + (1 - decay) * now
    found = dict(trainee.evaluated.named_parameters())
    assert trainee.evaluated is not trainee.model
    for name, tensor in expected.items():
        torch.testing.assert_close(found[name].detach(), tensor, rtol=1e-5, atol=1e-6)
    plain, _ = run(digits, TrainSettings(batch_size=100), "cnn(width=3)")
    assert torch.equal(weights(plain), weights(trainee.model)), "training itself takes no notice of the average"


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_norms_and_biases_decay_only_where_they_shall(digits: Dataset, optimizer: str) -> None:
    settings = TrainSettings(
        batch_size=100, optimizer=Spec(optimizer), momentum=0.0 if optimizer == "sgd" else None, weight_decay=0.3
    )
    model = build("cnn(width=3)", digits.shape, 10, 0)
    before = {name: tensor.detach().clone() for name, tensor in model.named_parameters()}
    for decay_norms in (True, False):
        changed = settings.model_copy(update={"decay_norms": decay_norms})
        pair = []
        for decay in (changed, changed.model_copy(update={"weight_decay": 0.0})):
            network = build("cnn(width=3)", digits.shape, 10, 0)
            next(fit(SingleTrainee(network, digits, decay), policy()))
            pair.append(dict(network.named_parameters()))
        for name, tensor in before.items():
            decays = decay_norms or tensor.ndim > 1
            expected = -0.05 * 0.3 * tensor * decays  # at the first step, whose rate is 0.05
            torch.testing.assert_close((pair[0][name] - pair[1][name]).detach(), expected, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("kind", ["sgd", "adamw"])
def test_a_decay_that_the_optimizer_is_given_is_as_one_of_the_settings(digits: Dataset, kind: str) -> None:
    found = []
    for spec, decay in ((Spec(kind), 0.3), (Spec(kind, {"weight_decay": 0.3}), 0.0)):
        settings = TrainSettings(batch_size=100, optimizer=spec, weight_decay=decay, decay_norms=False)
        network = build("cnn(width=3)", digits.shape, 10, 0)
        next(fit(SingleTrainee(network, digits, settings), policy()))
        found.append(weights(network))
    assert torch.equal(*found)


def test_the_layout_of_images_changes_no_more_than_the_last_digits(digits: Dataset) -> None:
    last, _ = run(digits, TrainSettings(batch_size=100), "cnn(width=3)")
    first, _ = run(digits, TrainSettings(batch_size=100, channels_last=False), "cnn(width=3)")
    torch.testing.assert_close(weights(last), weights(first), rtol=1e-3, atol=1e-4)
    assert next(last.parameters()).is_contiguous(memory_format=torch.channels_last)


def test_float16_scales_its_losses(digits: Dataset) -> None:
    settings = TrainSettings(batch_size=100, precision="float16")
    trainee = SingleTrainee(build("mlp(width=7)", digits.shape, 10, 0), digits, settings)
    steps = list(fit(trainee, policy()))
    exact, exact_steps = run(digits, TrainSettings(batch_size=100))
    assert trainee.optimizer.scaler.get_scale() > 1
    np.testing.assert_allclose([s.loss for s in steps], [s.loss for s in exact_steps], rtol=0.05)
    np.testing.assert_allclose([s.norm for s in steps], [s.norm for s in exact_steps], rtol=0.1), "unscaled"
    torch.testing.assert_close(weights(trainee.model), weights(exact), rtol=0.1, atol=5e-3)


def test_steps_that_are_done_at_once_are_the_same_steps(digits: Dataset) -> None:
    settings = TrainSettings(batch_size=100)
    one, steps = run(digits, settings)
    several = build("mlp(width=7)", digits.shape, 10, 0)
    trainee = SingleTrainee(several, digits, settings)
    assert list(fit(trainee, policy(), chunk_steps=4)) == steps
    assert torch.equal(weights(several), weights(one))


def test_the_norm_is_that_of_the_whole_gradient(digits: Dataset) -> None:
    settings = TrainSettings(batch_size=100, momentum=0.0)
    model = build("mlp(width=7)", digits.shape, 10, 0)
    before = weights(model)
    step = next(fit(SingleTrainee(model, digits, settings), policy()))
    assert float((weights(model) - before).norm()) == pytest.approx(step.rate * step.norm, rel=1e-4)


class Noisy(torch.nn.Linear):
    """As a user may write it: it draws what its class does not tell."""

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return super().forward(inputs + torch.randn_like(inputs))


def test_only_networks_that_are_known_to_draw_nothing_go_unseeded() -> None:
    for quiet in ("mlp", "cnn"):
        assert not may_draw(build(quiet, (1, 8, 8), 10, 0))
    for part in (torch.nn.Dropout(), torch.nn.RReLU(), Noisy(3, 3), torch.nn.Sequential(Noisy(3, 3))):
        assert may_draw(torch.nn.Sequential(torch.nn.Linear(3, 3), part))


@pytest.mark.filterwarnings(OF_THE_COMPILER)
@needs_compiler
def test_a_compiled_network_learns_the_same(digits: Dataset) -> None:
    fast, steps = run(digits, TrainSettings(batch_size=100, compile=True))
    plain, plain_steps = run(digits, TrainSettings(batch_size=100))
    np.testing.assert_allclose([s.loss for s in steps], [s.loss for s in plain_steps], rtol=1e-4)
    torch.testing.assert_close(weights(fast), weights(plain), rtol=1e-3, atol=1e-5)


@pytest.mark.filterwarnings(OF_THE_COMPILER)
def test_a_network_that_cannot_be_compiled_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch._inductor.config

    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    network = compiled(nn.Sequential(nn.ReLU(), nn.Sigmoid()))
    with (
        torch._inductor.config.patch("cpp.cxx", (None, str(tmp_path / "none"))),  # what CXX says at the first import
        pytest.raises(
            TrainingError, match=r"^the model cannot be compiled here \(.*; set train.compile = false$"
        ) as told,
    ):
        network(torch.ones(4, 3))
    assert "\n" not in str(told.value)
