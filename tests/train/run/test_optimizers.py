"""Optimizers by name: every class of torch, and what a class does not take is refused."""

import pytest
import torch
from torch import nn

from lrensemble.config import TrainSettings
from lrensemble.errors import TrainingError, UnknownNameError
from lrensemble.spec import to_spec
from lrensemble.train.run.arithmetic.optimizers import build_optimizer, check_optimizer


def build(optimizer: str, **settings: object) -> torch.optim.Optimizer:
    made = TrainSettings.model_validate({"optimizer": to_spec(optimizer), **settings})
    return build_optimizer(made, [nn.Parameter(torch.ones(3))])


@pytest.mark.parametrize(
    ("given", "kind", "expected"),
    [
        (build("sgd"), torch.optim.SGD, {"momentum": 0.9, "nesterov": False, "weight_decay": 0.0}),
        (build("SGD", momentum=0.0), torch.optim.SGD, {"momentum": 0.0}),
        (build("sgd(momentum=0.5)", nesterov=True), torch.optim.SGD, {"momentum": 0.5, "nesterov": True}),
        (build("adam(betas=[0.8, 0.99])"), torch.optim.Adam, {"betas": (0.8, 0.99), "weight_decay": 0.0}),
        (build("adamw"), torch.optim.AdamW, {"weight_decay": 0.0}),
        (build("adamw", weight_decay=0.02), torch.optim.AdamW, {"weight_decay": 0.02}),
        (build("adamw(weight_decay=0.03)"), torch.optim.AdamW, {"weight_decay": 0.03}),
        (build("RMSprop(alpha=0.9)", momentum=0.3), torch.optim.RMSprop, {"alpha": 0.9, "momentum": 0.3}),
        (build("Rprop"), torch.optim.Rprop, {}),
    ],
)
def test_names_and_arguments(given: torch.optim.Optimizer, kind: type, expected: dict[str, object]) -> None:
    assert isinstance(given, kind)
    assert expected.items() <= given.param_groups[0].items()


@pytest.mark.parametrize(
    ("optimizer", "settings", "message"),
    [
        ("adma", {}, "no optimizer named 'adma'; did you mean 'adam'"),
        ("Optimizer", {}, "no optimizer named 'Optimizer'"),
        ("lr_scheduler", {}, "no optimizer named 'lr_scheduler'"),
        ("LBFGS", {}, "'LBFGS' evaluates the loss several times a step"),
        ("adam(beta=0.9)", {}, "'adam' has no argument 'beta'; did you mean 'betas'"),
        ("adam(lr=0.1)", {}, "lr is set by the policy"),
        ("adam(betas=[2.0, 0.9])", {}, "refuses .* Invalid beta"),
        ("adam(betas=3)", {}, "optimizer .* refuses"),
        ("adam", {"momentum": 0.9}, "'adam' takes no momentum, but train.momentum = 0.9; remove it"),
        ("adam", {"nesterov": True}, "'adam' takes no nesterov"),
        ("Rprop", {"weight_decay": 0.1}, "'Rprop' takes no weight_decay"),
        ("sgd", {"momentum": 0.0, "nesterov": True}, "Nesterov momentum requires a momentum"),
        ("sgd(momentum=0.5)", {"momentum": 0.9}, r"momentum is given twice: in train.momentum and in train.optimizer"),
    ],
)
def test_what_cannot_be_used_is_refused_before_training(
    optimizer: str, settings: dict[str, object], message: str
) -> None:
    made = TrainSettings.model_validate({"optimizer": to_spec(optimizer), **settings})
    with pytest.raises((TrainingError, UnknownNameError), match=message) as caught:
        check_optimizer(made)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("optimizer", ["sgd", "adam(betas=[0.8, 0.99])", "adamw", "RMSprop(alpha=0.9)", "Adafactor"])
def test_the_optimizer_that_is_checked_is_that_which_trains(optimizer: str) -> None:
    made = TrainSettings.model_validate({"optimizer": to_spec(optimizer), "weight_decay": 0.01})
    checked, built = check_optimizer(made), build_optimizer(made, [nn.Parameter(torch.zeros(1))])
    assert type(checked).__base__ is type(built).__base__
    assert checked.defaults == built.defaults
    assert checked.param_groups == built.param_groups
