"""Moments and lengths in epochs: the same policy as with the steps written out, whose recipe keeps what was written."""

import pickle

import pytest

from lrensemble.errors import SpecError
from lrensemble.policies import build

TOTAL, EPOCH = 330, 33


@pytest.mark.parametrize(
    ("given", "written_out"),
    [
        ("multi_step(peak=0.1, milestones=['3 epochs', '6 epochs'])", "multi_step(peak=0.1, milestones=[99, 198])"),
        ("multi_step(peak=0.1, milestones=['1 epoch', 0.5])", "multi_step(peak=0.1, milestones=[33, 0.5])"),
        ("cosine_restarts(peak=0.1, period='2.5 epochs')", "cosine_restarts(peak=0.1, period=82)"),
        ("step(peak=0.1, every='4 epochs')", "step(peak=0.1, every=132)"),
        ("triangular(peak=0.1, half_period='1 epochs')", "triangular(peak=0.1, half_period=33)"),
        ("trapezoidal(peak=0.1, warmup='0 epochs', decay='2 epochs')", "trapezoidal(peak=0.1, warmup=0, decay=66)"),
        ("warmup_cosine(peak=0.1, warmup='5 epochs')", "warmup_cosine(peak=0.1, warmup=165)"),
        (
            "warmup(policy=step(peak=0.1, every='2 epochs'), steps='1 epochs')",
            "warmup(policy=step(peak=0.1, every=66), steps=33)",
        ),
        (
            "join(pieces=['step(peak=0.2, every=\"1 epoch\")', cosine(peak=0.1)], boundaries=['4 epochs'])",
            "join(pieces=[step(peak=0.2, every=33), cosine(peak=0.1)], boundaries=[132])",
        ),
        (
            "repeat(policy=multi_step(peak=0.1, milestones=['1 epoch']), times=2)",
            "repeat(policy=multi_step(peak=0.1, milestones=[33]), times=2)",
        ),
    ],
)
def test_epochs_are_so_many_steps_and_the_spec_keeps_them(given: str, written_out: str) -> None:
    policy = build(given, TOTAL, EPOCH)
    assert policy.curve() == build(written_out, TOTAL).curve()
    assert "epoch" in str(policy.spec)
    assert build(str(policy.spec), TOTAL, EPOCH) == policy
    sent = pickle.loads(pickle.dumps(policy))
    assert (sent, sent.curve()) == (policy, policy.curve())


def test_what_has_no_epochs_is_the_same_with_and_without() -> None:
    text = "warmup(policy='sawtooth(peak=0.1, shape=\\'sine\\')', steps=0.1)"
    with_epochs, without = build(text, TOTAL, EPOCH), build(text, TOTAL)
    assert with_epochs.spec == without.spec
    assert with_epochs.curve() == without.curve()


def test_the_beginning_of_a_run_follows_the_policy_of_the_whole_in_another_process_too() -> None:
    whole = build("repeat(policy=cosine(peak=0.1), times=4)", TOTAL, EPOCH)
    part = whole.until(3 * EPOCH)
    assert part.curve() == whole.curve()[: 3 * EPOCH]
    sent = pickle.loads(pickle.dumps(part.until(2 * EPOCH)))
    assert sent.total == 2 * EPOCH
    assert sent.curve() == whole.curve()[: 2 * EPOCH]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cosine(peak='3 epochs')", "policy 'cosine': peak = '3 epochs' is refused: input should be a valid number"),
        ("warmup(policy=cosine(peak='3 epochs'), steps='1 epoch')", "'cosine': peak = '3 epochs' is refused"),
        ("step(peak=0.1, every='0 epochs')", "every = 0 is refused: give steps as an integer from 1"),
        ("step(peak=0.1, every='-1 epochs')", "every = '-1 epochs' is refused: give .*, or epochs as in '5 epochs'"),
        ("warmup_cosine(peak=0.1, warmup='10 epochs')", "warmup = 330 is refused: the warm-up must end before the run"),
    ],
)
def test_epochs_where_none_are_taken_are_refused(text: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        build(text, TOTAL, EPOCH)
