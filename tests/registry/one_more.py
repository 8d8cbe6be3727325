"""One more of everything that has a name: registered, and nothing else."""
# mypy: ignore-errors

from tests.registry import own_things as own

from lrensemble.registry import registry_of

FUNCTIONS = {
    "policies": (own.halves, {"peak": 0.1}),
    "strategies": (own.backwards, {}),
    "ranges": (own.even, {"below": 4}),
    "selectors": (own.last, {}),
    "consensus": (own.middle, {}),
    "models": (own.linear, {}),
    "data": (own.rows, {}),
    "augmentations": (own.darker, {}),
    "losses": (own.hinge, {"form": "log_probs"}),
    "samplers": (own.early, {}),
    "metrics": (own.balanced, {"higher_is_better": True}),
    "diversity": (own.unlikeness, {"higher_is_more_diverse": True}),
    "executors": (own.backwards_here, {}),
    "loggers": (own.lines_in, {}),
    "formats": (own.as_text, {"suffix": ".txt"}),
    "variants": (own.heaviest, {}),
}
NAMES = {kind: f"new-{kind}" for kind in FUNCTIONS}

for kind, (function, stated) in FUNCTIONS.items():
    registry_of(kind).register(NAMES[kind], **stated)(function)
