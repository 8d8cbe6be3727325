"""`package.module:function` names anything: what is registered under its own name, and functions of one's own."""

import importlib
import pkgutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.registry import own_things

import lrensemble
from lrensemble import models
from lrensemble.config import DataSettings, Experiment, SplitSettings, to_record
from lrensemble.config.space import DISTRIBUTIONS, Choice
from lrensemble.consensus import CONSENSUS, combine
from lrensemble.data import SOURCES, load
from lrensemble.data.augment import AUGMENTATIONS
from lrensemble.errors import PredictionsError, SpecError
from lrensemble.metrics import METRICS, accuracy, higher_is_better, score
from lrensemble.metrics.diversity import DIVERSITY, diversity
from lrensemble.policies import POLICIES, Policy, build, cosine, policy
from lrensemble.registry import HOMES, Call, Registry, known_paths_only, registry_of, require_known_paths
from lrensemble.select import SELECTORS, Validation, select
from lrensemble.spec import Spec, to_spec
from lrensemble.train.sweep.strategies import STRATEGIES

OWN = "tests.registry.own_things"
LABELS = np.array([0, 0, 0, 0, 1, 1, 2])
RIGHT = np.eye(3)[[0, 0, 0, 1, 1, 0, 2]] * 0.9 + 0.1 / 3
"""Three of four, one of two and one of one are right: 5 of 7, and (3/4 + 1/2 + 1) / 3 of the classes."""


@pytest.mark.parametrize("kind", HOMES)
def test_the_path_of_something_registered_is_its_name(kind: str) -> None:
    registry = registry_of(kind)
    tried = 0
    for name in registry:
        function = registry.get(name)
        if "<locals>" in function.__qualname__ or not registry.find(name).shipped:  # or of another test
            continue
        path = f"{function.__module__}:{function.__qualname__}"
        example = registry.example(name)
        assert registry.check(Spec(path, example.arguments)) == registry.check(example)
        assert registry.facts(path) is registry.facts(name)
        assert registry.canonical(path) == name
        tried += 1
    assert tried


def test_every_registry_of_the_package_stands_in_the_catalogue() -> None:
    found: dict[int, Registry[Any, Any]] = {}
    for module in pkgutil.walk_packages(lrensemble.__path__, "lrensemble."):
        if not module.name.endswith("__main__"):
            found |= {id(e): e for e in vars(importlib.import_module(module.name)).values() if isinstance(e, Registry)}
    assert sorted(each.plural for each in found.values()) == sorted(HOMES)
    assert {id(registry_of(kind)) for kind in HOMES} == set(found)


def test_a_policy_of_ones_own_with_plain_arguments() -> None:
    made = build(f"{OWN}:halves(peak=0.4)", 8)
    assert isinstance(made, Policy)
    assert [made(step) for step in (0, 2, 8)] == [0.4, 0.2, 0.025]
    assert made.spec == Spec(f"{OWN}:halves", {"peak": 0.4})
    assert build(str(made.spec), 8).curve() == made.curve()


def test_a_policy_of_ones_own_inside_another() -> None:
    made = build(f"warmup(policy={OWN}:halves(peak=0.4), steps=2)", 10)
    assert [made(step) for step in (0, 1, 2, 4)] == pytest.approx([0.2, 0.3, 0.4, 0.2])
    assert build(str(made.spec), 10) == made


@pytest.mark.parametrize(
    ("registry", "spec", "given", "expected"),
    [
        (METRICS, "balanced", (RIGHT, LABELS), 0.75),
        (METRICS, "misses", (RIGHT, LABELS), 2 / 7),
        (METRICS, "misses(of=2)", (RIGHT, np.array([0, 0, 0, 0, 1, 2, 2])), 1 / 7),
        (METRICS, "misses", (RIGHT, LABELS, np.array([2.0, 1, 0, 3, 1, 1, 0])), 4 / 8),
        (DISTRIBUTIONS, "even(below=5)", (), Choice((0, 2, 4))),
    ],
)
def test_what_functions_of_ones_own_give(
    registry: Registry[Any, Any], spec: str, given: tuple[Any, ...], expected: object
) -> None:
    assert registry.call(f"{OWN}:{spec}", *given) == (
        pytest.approx(expected) if isinstance(expected, float) else expected
    )


def test_the_direction_of_a_metric_is_its_own() -> None:
    assert (higher_is_better(f"{OWN}:balanced"), higher_is_better(f"{OWN}:misses")) == (True, False)
    assert score(f"{OWN}:misses", RIGHT, LABELS) == pytest.approx(-2 / 7)
    assert METRICS.facts(f"{OWN}:misses(of=2)").needs == "labels"


def test_whole_weights_repeat_rows_for_a_metric_that_knows_none() -> None:
    weights = np.array([1.0, 1, 0, 2, 1, 1, 0])
    assert score(f"{OWN}:balanced", RIGHT, LABELS, weights) == pytest.approx((2 / 4 + 1 / 2) / 2)
    with pytest.raises(PredictionsError, match=r"takes no weights, and row 0 has weight 0.5; give whole numbers"):
        score(f"{OWN}:balanced", RIGHT, LABELS, weights / 2)


def test_every_other_kind_takes_a_function_of_ones_own() -> None:
    probs = np.random.default_rng(0).dirichlet(np.ones(3), size=(5, 8))
    labels = np.arange(8) % 3
    np.testing.assert_allclose(combine(f"{OWN}:middle", probs).sum(axis=1), 1)
    chosen = select(Validation(np.log(probs), labels), f"{OWN}:last(size=3)", metric=f"{OWN}:balanced")
    assert (chosen.team, chosen.metric, chosen.method) == ((2, 3, 4), f"{OWN}:balanced", f"{OWN}:last(size=3)")
    assert diversity(f"{OWN}:unlikeness", np.array([[0, 1], [0, 0], [1, 1]]), np.array([1, 2])) == 0.5
    dataset = load(DataSettings(source=Spec(f"{OWN}:rows", {"count": 60})), SplitSettings())
    assert dataset.shape == (1, 4, 6)
    model = models.build(f"{OWN}:linear(bias=False)", dataset.shape, 3, 0)
    assert sum(parameter.numel() for parameter in model.parameters()) == 72
    halved = AUGMENTATIONS.call(f"{OWN}:darker(by=0.25)", dataset.shape)
    assert torch.equal(halved.apply(torch.ones(2, 1, 4, 6), {}), torch.full((2, 1, 4, 6), 0.25))
    assert callable(STRATEGIES.get(f"{OWN}:backwards"))
    assert CONSENSUS.facts(f"{OWN}:middle").learns is None
    assert DIVERSITY.facts(f"{OWN}:unlikeness").higher_is_more_diverse


def test_a_function_itself_may_be_given() -> None:
    assert to_spec(own_things.balanced) == Spec(f"{OWN}:balanced")
    assert METRICS.check(accuracy) == Spec("accuracy")
    assert POLICIES.canonical(to_spec(cosine).name) == "cosine"
    probs = np.random.default_rng(1).dirichlet(np.ones(3), size=(4, 9))
    validation = Validation(np.log(probs), np.arange(9) % 3)
    assert select(validation, "best", metric=own_things.balanced).metric == f"{OWN}:balanced"
    assert select(validation, "best", metric=accuracy).team == select(validation, "best", metric="accuracy").team
    with pytest.raises(SpecError, match="cannot be found again by a name; define it at the top of a module"):
        to_spec(lambda _probs, _labels: 0.0)


@pytest.mark.parametrize(
    ("registry", "spec", "message"),
    [
        (
            METRICS,
            "silent",
            "does not state higher_is_better: write silent.higher_is_better = … under it, or @MET",
        ),
        (METRICS, "balancd", "has no function 'balancd'; did you mean 'balanced'"),
        (METRICS, "misses(off=2)", "has no argument 'off'; did you mean 'of'"),
        (METRICS, "misses(of='2')", "of = '2' is refused"),
        (
            METRICS,
            "even(below=3)",
            r"must take \(predictions, truth, weights=None\) and then its own arguments by keyword",
        ),
        (POLICIES, "even(below=3)", r"must take \(total\) and then its own arguments"),
        (POLICIES, "stairs", r"needs peak: e.g. tests.registry.own_things:stairs\(peak=…\)"),
        (SELECTORS, "middle", r"must take \(validation, \*, metric, consensus, seed\) and then"),
        (SELECTORS, "last(seed=3)", "has no argument 'seed'"),
        (SOURCES, "even(below=3)", r"must take \(folder\)"),
        (DIVERSITY, "middle", "does not state higher_is_more_diverse"),
        (METRICS, "balanced(of=2)", "has no argument 'of'; it takes none"),
        (CONSENSUS, "nowhere", "has no function 'nowhere'"),
    ],
)
def test_what_cannot_serve_is_refused_in_one_line(registry: Registry[Any, Any], spec: str, message: str) -> None:
    with pytest.raises(SpecError, match=message) as caught:
        registry.check(f"{OWN}:{spec}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("flat(peak=0.2)", "returned = 0.2 is refused: a policy returns a function of the step"),
        ("of_the_step(peak=0.2)", "needs total"),
        ("raises", r"failed: ZeroDivisionError: division by zero \(own_things.py, line \d+\)"),
    ],
)
def test_what_is_no_policy_is_refused_when_it_is_built(spec: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        build(f"{OWN}:{spec}", 10)


def grid(**policy_table: object) -> tuple[Spec, ...]:
    content = {"data": "digits", "model": "mlp", "policy": [policy_table]}
    return to_record(Experiment, content, "test").policy


def test_an_annotation_says_whether_a_list_is_one_value() -> None:
    made = grid(name=f"{OWN}:stairs", peak=[0.1, 0.2], stones=[0.3, 0.6])
    assert [spec.arguments for spec in made] == [{"peak": peak, "stones": (0.3, 0.6)} for peak in (0.1, 0.2)]
    made = grid(name=f"{OWN}:halves", peak=[0.1, 0.2])
    assert [spec.arguments for spec in made] == [{"peak": 0.1}, {"peak": 0.2}]


def test_a_list_of_lists_makes_a_grid_of_lists() -> None:
    for name, argument in ((f"{OWN}:stairs", "stones"), ("multi_step", "milestones")):
        made = grid(name=name, peak=0.1, **{argument: [[0.3, 0.6], [0.5]]})
        assert [spec.arguments[argument] for spec in made] == [(0.3, 0.6), (0.5,)]


@pytest.mark.parametrize(
    ("name", "argument", "value"),
    [
        ("multi_step", "milestones", [0.2, 0.4]),
        ("table", "rates", [0.1, 0.2]),
        ("join", "pieces", ["constant(peak=0.1)", "cosine(peak=0.2)"]),
        ("join", "boundaries", [0.5, 0.7]),
        ("NSTEP", "l", [3, 5]),
    ],
)
def test_lists_that_are_a_policys_own_stay_together(name: str, argument: str, value: list[object]) -> None:
    (spec,) = grid(name=name, **{argument: value})
    assert spec.arguments[argument] == tuple(value)


@pytest.fixture
def own_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test registers is forgotten after it."""
    for registry in (POLICIES, METRICS):
        monkeypatch.setattr(registry, "_functions", dict(registry._functions))


@pytest.mark.usefixtures("own_names")
def test_a_rate_under_the_wrong_decorator_is_a_policy_all_the_same() -> None:
    names = list(POLICIES)

    @POLICIES.register(peak=0.3)  # type: ignore[arg-type]
    def ramp_of_mine(total: int, *, peak: float) -> Callable[[int], float]:
        return lambda step: peak * step / total

    @policy()
    def ramp_of_mine_too(total: int, *, peak: float = 0.3) -> Callable[[int], float]:
        return lambda step: peak * step / total

    assert list(POLICIES) == [*names, "ramp_of_mine", "ramp_of_mine_too"]
    for made in (build("ramp_of_mine(peak=0.3)", 6), ramp_of_mine(6, peak=0.3), ramp_of_mine_too(6)):
        assert isinstance(made, Policy)
        assert made.curve() == pytest.approx([0, 0.05, 0.1, 0.15, 0.2, 0.25])


def test_a_registry_may_be_used_without_parentheses() -> None:
    shapes: Registry[float] = Registry("shape", call=Call(("scale",)))

    @shapes.register
    def square(scale: float, side: float = 2.0) -> float:
        return scale * side**2

    assert shapes.call("square(side=3)", 2.0) == 18
    with pytest.raises(SpecError, match=r"a metric is registered with its higher_is_better: register\(higher"):
        METRICS.register(lambda _probs, _labels: 0.0)


@pytest.mark.usefixtures("own_names")
def test_the_same_lines_met_twice_are_one_definition(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "from lrensemble.metrics import METRICS\n\n\n@METRICS.register(higher_is_better=True)\n"
    (tmp_path / "met_twice.py").write_text(text + "def of_met_twice(probs, labels):\n    return 0.5\n")
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("met_twice")
    importlib.reload(module)
    (tmp_path / "another.py").write_text(text + "def of_met_twice(probs, labels):\n    return 0.5\n")
    with pytest.raises(SpecError, match="cannot import 'another': ValueError: a metric named 'of_met_twice' is"):
        METRICS.check("another:of_met_twice")


def test_a_name_in_a_file_from_elsewhere_imports_nothing_unasked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "theirs.py").write_text("raise SystemExit('was imported')\n")
    monkeypatch.syspath_prepend(tmp_path)
    for spec in ("theirs:f", "tempered(consensus=theirs:f())", "tempered(consensus='theirs:f')"):
        with pytest.raises(SpecError, match=r"pool names theirs:f: .*not imported unasked.* add --plugin theirs"):
            require_known_paths("pool", "mean", spec)
    with known_paths_only(), pytest.raises(SpecError, match="not imported unasked"):
        build("theirs:f", 3)
    METRICS.check(f"{OWN}:balanced")
    require_known_paths("pool", f"{OWN}:balanced")


def test_names_are_looked_up_without_torch_or_pydantic() -> None:
    script = "import sys, lrensemble.registry; print(*sorted({'torch', 'numpy', 'pydantic'} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == ""
