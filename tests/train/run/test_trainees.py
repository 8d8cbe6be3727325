"""What a trainee promises, alone and stacked: axes, one state that is all it takes, and a loop that can be entered."""

from collections.abc import Callable, Sequence

import pytest
import torch

from lrensemble.config import TrainSettings
from lrensemble.data import Dataset
from lrensemble.models import build
from lrensemble.policies import Policy
from lrensemble.spec import Spec
from lrensemble.train import SingleTrainee, fit, predict
from lrensemble.train.run.fit import fit_members
from lrensemble.train.run.fused.trainee import StackedTrainee
from lrensemble.train.run.loop import Steps, Trainee, chunks, largest_chunk

STEPS = 7
MODEL = "cnn(width=3)"
Make = Callable[..., Trainee]


def single(dataset: Dataset, seeds: Sequence[int] = (4,), *, model: str = MODEL, **common: object) -> SingleTrainee:
    settings = TrainSettings.model_validate({"batch_size": 50, "seed": seeds[0], "ema": 0.7, **common})
    return SingleTrainee(build(model, dataset.shape, 10, seeds[0]), dataset, settings)


def stacked(
    dataset: Dataset, seeds: Sequence[int] = (4, 5, 6), *, model: str = MODEL, **common: object
) -> StackedTrainee:
    settings = [TrainSettings.model_validate({"batch_size": 50, "seed": seed, **common}) for seed in seeds]
    return StackedTrainee([build(model, dataset.shape, 10, seed) for seed in seeds], dataset, settings)


def policies(members: int) -> list[Policy]:
    def falling(member: int) -> Policy:
        return Policy(Spec("test"), STEPS, lambda step: 0.03 * (member + 1) / (1 + step))

    return [falling(member) for member in range(members)]


BOTH = pytest.mark.parametrize(("make", "members"), [(single, 1), (stacked, 3)])


@BOTH
def test_the_axes(digits: Dataset, make: Make, members: int) -> None:
    trainee = make(digits)
    losses, norms = trainee.step(0, [0.01] * members)
    assert losses.shape == norms.shape == (members,)
    assert trainee.predict("test").shape == (members, len(digits.rows["test"]), 10)
    (first, *_) = fit_members(make(digits), policies(members), chunk_steps=4)
    assert [len(first.steps), *(len(rows) for rows in first.rates)] == [4, *(members,) * 4]
    assert [len(first.losses), len(first.norms)] == [4, 4]


@BOTH
@pytest.mark.parametrize("entry", [1, 5])
def test_the_state_is_all_that_it_takes_to_go_on(digits: Dataset, make: Make, members: int, entry: int) -> None:
    whole, begun, resumed = make(digits), make(digits), make(digits)
    seen = list(fit_members(whole, policies(members)))
    for done, _ in zip(range(entry), fit_members(begun, policies(members)), strict=False):
        state = {name: tensor.clone() for name, tensor in begun.state().items()} if done == entry - 1 else {}
    resumed.load(state)
    assert list(fit_members(resumed, policies(members), first_step=entry)) == seen[entry:]
    assert all(torch.equal(tensor, resumed.state()[name]) for name, tensor in whole.state().items())
    assert torch.equal(whole.predict("val"), resumed.predict("val"))


@BOTH
def test_what_predicts_is_what_is_kept(digits: Dataset, make: Make, members: int) -> None:
    trainee = make(digits)
    list(fit_members(trainee, policies(members)))
    for member in range(members):
        network = build(MODEL, digits.shape, 10, 0)
        network.load_state_dict(dict(trainee.weights(member)))
        torch.testing.assert_close(predict(network, trainee.head, digits, "test"), trainee.predict("test")[member])


@BOTH
def test_another_state_is_refused_and_nothing_is_touched(digits: Dataset, make: Make, members: int) -> None:
    trainee, wider, adam = make(digits), make(digits, model="cnn(width=4)"), make(digits, optimizer="adam")
    for other in (trainee, wider, adam):
        list(fit_members(other, policies(members)))
    before = {name: tensor.clone() for name, tensor in trainee.state().items()}
    state = wider.state()
    for wrong in (state, {**before, "else/x": torch.zeros(1)}, {k: v for k, v in before.items() if "bias" not in k}):
        with pytest.raises((ValueError, KeyError)):
            trainee.load(wrong)
    if isinstance(trainee, StackedTrainee):  # what an optimizer alone keeps differs from parameter to parameter
        with pytest.raises(ValueError, match="its optimizer is another one"):
            trainee.load(adam.state())
    assert all(torch.equal(before[name], tensor) for name, tensor in trainee.state().items())


def test_fit_is_the_loop_of_one(digits: Dataset) -> None:
    (policy,) = policies(1)
    one = list(fit(single(digits), policy))
    many: list[Steps] = list(fit_members(single(digits), [policy], chunk_steps=3))
    assert [len(chunk.steps) for chunk in many] == [3, 3, 1]
    assert [step.loss for step in one] == [loss for chunk in many for (loss,) in chunk.losses]
    assert [step.rate for step in one] == policy.curve()


def test_chunks_end_at_multiples_wherever_they_begin() -> None:
    assert list(chunks(0, 10, 4)) == [range(4), range(4, 8), range(8, 10)]
    assert list(chunks(3, 10, 4)) == [range(3, 4), range(4, 8), range(8, 10)]
    assert list(chunks(8, 10, 4)) == [range(8, 10)]
    assert list(chunks(10, 10, 4)) == []
    assert list(chunks(2, 5, 1)) == [range(2, 3), range(3, 4), range(4, 5)]


def test_chunks_end_at_epochs_and_savings_that_have_no_divisor_in_common() -> None:
    assert list(chunks(0, 14, 4, 7)) == [range(4), range(4, 7), range(7, 8), range(8, 12), range(12, 14)]
    assert list(chunks(5, 14, 64, 7, 3)) == [range(5, 6), range(6, 7), range(7, 9), range(9, 12), range(12, 14)]
    prime = 421  # steps of an epoch
    found = list(chunks(0, 3 * prime, 64, prime))
    assert [step for chunk in found for step in chunk] == list(range(3 * prime))
    assert {0, prime, 2 * prime} <= {chunk.start for chunk in found}
    assert len(found) == 3 * prime // 64 + 3


def test_how_many_steps_a_device_does_between_two_looks() -> None:
    assert largest_chunk(torch.device("cpu")) == 1
    assert largest_chunk(torch.device("cuda")) == 64
