"""Networks and rates that are given as they are."""

import functools
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from lrensemble import models
from lrensemble.errors import SpecError
from lrensemble.front.fingerprint import fingerprint
from lrensemble.front.objects import as_model, as_policies, as_policy
from lrensemble.models.mlp import mlp
from lrensemble.policies import build
from lrensemble.policies.basic import cosine

TOTAL = 7


class Fixed(nn.Linear):
    """It needs nothing, and is for inputs of 3 features and 2 classes."""

    def __init__(self) -> None:
        super().__init__(3, 2)


class Wide(nn.Linear):
    def __init__(self, width: int) -> None:
        super().__init__(width, 2)


class Sized(nn.Linear):
    def __init__(self, shape: tuple[int, ...], outputs: int) -> None:
        super().__init__(shape[0], outputs)


def local(shape: tuple[int, ...], outputs: int) -> nn.Module:
    return nn.Linear(shape[0], outputs)


def rates(spec: Any) -> list[float]:
    return build(spec, TOTAL).curve()


@pytest.mark.parametrize("given", [Fixed, Sized, local, lambda: Fixed(), functools.partial(Wide, 3), Fixed()])
def test_a_network_is_a_class_a_function_or_a_module(given: Any) -> None:
    network = models.build(as_model(given), (3,), 2, seed=0)
    assert network(torch.zeros(4, 3)).shape == (4, 2)


def test_a_class_begins_anew_by_the_seed_and_a_module_where_it_is() -> None:
    one, other = (models.build(as_model(Fixed), (3,), 2, seed=seed).state_dict()["weight"] for seed in (0, 1))
    assert not torch.equal(one, other)
    module = Fixed()
    for seed in (0, 1):
        copy = models.build(as_model(module), (3,), 2, seed=seed)
        assert copy is not module
        assert torch.equal(copy.state_dict()["weight"], module.weight)


def test_what_another_process_can_import_keeps_its_place() -> None:
    assert as_model(mlp) is mlp
    assert as_model("mlp(width=3)") == "mlp(width=3)"
    assert as_policy(cosine) is cosine
    assert as_policy(build("cosine(peak=0.1)", TOTAL)).name == "cosine"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (lambda step: 0.1 / (1 + step), [0.1 / (1 + step) for step in range(TOTAL)]),
        (lambda step, total: 0.1 * (1 - step / total), [0.1 * (1 - step / TOTAL) for step in range(TOTAL)]),
        (lambda total: lambda step: step / total, [step / TOTAL for step in range(TOTAL)]),
        ([0.3, 0.2, 0.1, 0.1, 0.1, 0.1, 0.1].__getitem__, [0.3, 0.2, 0.1, 0.1, 0.1, 0.1, 0.1]),
        (math.exp, [math.exp(step) for step in range(TOTAL)]),
    ],
)
def test_a_policy_is_any_function_of_the_step(given: Callable[..., Any], expected: list[float]) -> None:
    assert rates(as_policy(given)) == pytest.approx(expected)


def test_one_policy_stands_for_a_list_of_it() -> None:
    assert as_policies("constant(peak=1)") == ["constant(peak=1)"]
    assert len(as_policies([math.exp, math.sqrt])) == 2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: as_model(Wide), r"model Wide needs width: it must take \(shape, outputs\)"),
        (lambda: as_model(3), "a model is a name, a class, a function or a torch.nn.Module; given: int"),
        (lambda: as_policy(3), "a policy is a name or a function of the step; given: int"),
        (lambda: as_policy(lambda _: "high"), "no function of the step: it returned str"),
        (lambda: as_policy(lambda step: {}[step]), "no function of the step: it raised KeyError: 0"),
    ],
)
def test_what_cannot_be_called_as_such_is_one_line(call: Callable[[], object], message: str) -> None:
    with pytest.raises(SpecError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


def made(text: str, **around: Any) -> Any:
    """What `thing` is after code of a notebook has run."""
    space = {"__name__": "__main__", **around}
    exec(compile(text, "<cell>", "exec"), space)
    return space["thing"]


SAME = "def thing(step):\n    return RATE * helper(step)\ndef helper(step):\n    return 0.9 ** step\n"
KLASS = "class thing:\n    width = WIDTH\n    def forward(self, x):\n        return x * self.width\n"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (made(SAME, RATE=0.1), made(SAME, RATE=0.2)),
        (made(SAME, RATE=0.1), made(SAME.replace("0.9", "0.8"), RATE=0.1)),
        (made(KLASS, WIDTH=1), made(KLASS, WIDTH=2)),
        (made(KLASS, WIDTH=1), made(KLASS.replace("x *", "x +"), WIDTH=1)),
        (functools.partial(Wide, 3), functools.partial(Wide, 4)),
        (torch.ones(3), torch.ones(4)),
        (torch.ones(3), torch.ones(3, dtype=torch.float64)),
        (Fixed(), Fixed()),
    ],
)
def test_what_does_otherwise_has_another_fingerprint(one: Any, other: Any) -> None:
    assert fingerprint(one) != fingerprint(other)


@pytest.mark.parametrize(("text", "around"), [(SAME, {"RATE": 0.1}), (KLASS, {"WIDTH": 2})])
def test_the_same_text_has_the_same_fingerprint(text: str, around: dict[str, Any]) -> None:
    assert fingerprint(made(text, **around)) == fingerprint(made(text, **around))
    recursive = "def thing(step):\n    return thing(step - 1) if step else 1.0\n"
    assert fingerprint(made(recursive)) == fingerprint(made(recursive))
