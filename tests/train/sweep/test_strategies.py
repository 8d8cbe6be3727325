"""Strategies: every one of them resumes, trains nothing twice and keeps to the budget; then each by hand."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lrensemble.config import Experiment
from lrensemble.config.records import to_record
from lrensemble.errors import ConfigError, LREnsembleError, SpecError
from lrensemble.evaluate.baselines import baselines
from lrensemble.pool import Pool
from lrensemble.spec import Spec
from lrensemble.train import Ended, Event, Planned, Step, tune
from lrensemble.train.sweep.points import Point, drawn_points, grid_points, number_of_points
from lrensemble.train.sweep.strategies import STRATEGIES

MakeExperiment = Callable[..., Experiment]
Contents = Callable[[Path], dict[str, object]]
BUDGET, EPOCH_STEPS, BATCH = 24, 8, 100

OLD_IDS = ["3e9011bb1abb", "dea1eea0bf9c", "588113e8c867"]

SPACES: dict[str, Any] = {
    "grid": {"train.weight_decay": [0.0, 0.01]},
    "random": {"train.weight_decay": "log_uniform(low=1e-4, high=1e-2)"},
    "optuna": {"train.weight_decay": "log_uniform(low=1e-4, high=1e-2)", "model.width": [6, 7]},
}
"""Something to vary for strategies that need it."""


@pytest.fixture
def sweeping(experiment: MakeExperiment) -> MakeExperiment:
    """The tiny sweep without epochs of its own, and with a `[sweep]`."""

    def make(strategy: object, *, epochs: int | None = None, each: int | None = None, **changes: Any) -> Experiment:
        swept = {"strategy": str(strategy), "space": changes.pop("space", {}), "when": changes.pop("when", {})}
        train = {"batch_size": BATCH, "optimizer": "adamw"} | ({"epochs": each} if each else {})
        base = experiment(**{"policy": ["constant(peak=0.01)", "cosine(peak=0.02)"]} | changes)
        content = base.model_dump(exclude={"train", "sweep"}) | {"train": train | changes.get("train", {})}
        return Experiment.model_validate(content | {"sweep": swept | ({"epochs": epochs} if epochs else {})})

    return make


SEEDS = {
    ("constant(peak=0.01)", 0): 2225709053,
    ("constant(peak=0.01)", 1): 4015565280,
    ("constant(peak=0.01)", 2): 3909306286,
    ("cosine(peak=0.02)", 0): 1518453942,
    ("cosine(peak=0.02)", 1): 3826600058,
    ("cosine(peak=0.02)", 2): 3904202578,
}
"""Seeds of the replicas of an experiment of seed 5, as they must stay: ids of members hang on them."""


def experiment_of(base: Experiment, changes: dict[str, dict[str, Any]]) -> Experiment:
    """Experiment with other values of some keys, checked as if they had been written there."""
    content = base.model_dump()
    for section, keys in changes.items():
        content[section] = {**content[section], **keys}
    return to_record(Experiment, content, "test")


def statuses(events: Iterable[Event]) -> list[str]:
    return [event.status for event in events if isinstance(event, Ended)]


def steps(events: Iterable[Event]) -> int:
    return sum(isinstance(event, Step) for event in events)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.long] * (name == "optuna")) for name in STRATEGIES
    ],  # which has its own tests
)
def test_it_keeps_to_the_budget_trains_nothing_twice_and_ends_in_the_same_bits_wherever_it_is_stopped(
    sweeping: MakeExperiment, contents: Contents, tmp_path: Path, name: str
) -> None:
    one = sweeping(STRATEGIES.example(name), epochs=BUDGET, space=SPACES.get(name, {}))
    whole = tmp_path / "whole"
    events = list(tune(one, whole))
    assert set(statuses(events)) == {"finished"}
    assert steps(events) == BUDGET * EPOCH_STEPS
    members = Pool.open(whole).members()
    assert sum(member.samples or 0 for member in members) == BUDGET * EPOCH_STEPS * BATCH
    planned = [event for event in events if isinstance(event, Planned)]
    names = [run.name for event in planned for run in event.runs]
    assert len(set(names)) == len(names) == len(members) == len(statuses(events))
    assert planned[0].remaining == sum(len(event.runs) for event in planned[1:])
    assert planned[-1].remaining == 0
    before = contents(whole)
    again = list(tune(one, whole))
    assert steps(again) == 0
    assert set(statuses(again)) <= {"exists"}
    assert contents(whole) == before
    total, stops = len(events), 0
    for share in np.random.default_rng(0).uniform(0.1, 0.5, size=3):
        stopped = tune(one, tmp_path / "stopped", save_steps=3)
        stops += sum(1 for _ in zip(range(int(share * total)), stopped, strict=False))
        stopped.close()
    list(tune(one, tmp_path / "stopped", save_steps=3))
    assert stops > total / 2
    assert contents(tmp_path / "stopped") == before


def runs_of(experiment: Experiment, folder: Path) -> list[Any]:
    """The runs of a strategy that plans all of them at once."""
    planned = next(tune(experiment, folder))
    assert isinstance(planned, Planned)
    return list(planned.runs)


def test_the_grid_without_a_space_has_the_recipes_that_it_always_had(
    experiment: MakeExperiment, tmp_path: Path
) -> None:
    """Ids as they were before there was anything else to vary: old pools must stay usable."""
    runs = runs_of(experiment(sweep={"seed": "shared"}), tmp_path)
    assert [run.id for run in runs] == OLD_IDS
    assert [run.name for run in runs] == ["constant(peak=0.01)", "one_cycle(peak=0.05)", "cosine(peak=0.02)"]
    assert [run.order for run in runs] == [0, 1, 2]


def test_the_grid_varies_every_part_of_a_recipe_in_the_order_of_the_file(
    sweeping: MakeExperiment, tmp_path: Path
) -> None:
    space = {"train.optimizer": ["sgd", {"name": "adamw", "amsgrad": True}], "model.width": [5, 6, 7]}
    when = {"cosine": {"policy.floor": [0.001, 0.002]}}
    runs = runs_of(sweeping("grid", space=space, when=when), tmp_path)
    first = "constant(peak=0.01), optimizer=sgd, model.width="
    assert [run.name for run in runs][:3] == [first + width for width in "567"]
    assert len(runs) == 6 + 12
    assert runs[17].name == "cosine(peak=0.02, floor=0.002), optimizer=adamw(amsgrad=True), model.width=7"
    assert runs[6].recipe.policy == Spec("cosine", {"peak": 0.02, "floor": 0.001})
    assert runs[17].recipe.train.optimizer == Spec("adamw", {"amsgrad": True})
    assert runs[17].recipe.model == Spec("mlp", {"width": 7, "dropout": 0.2})
    assert len({run.id for run in runs}) == 18


def test_a_length_that_varies_stretches_the_policy(sweeping: MakeExperiment, tmp_path: Path) -> None:
    space = {"train.epochs": [1, 3], "train.batch_size": [100, 200]}
    runs = runs_of(sweeping("grid", space=space, policy=["cosine(peak=0.02)"]), tmp_path)
    assert [run.policy.total for run in runs] == [8, 4, 24, 12]


def test_models_vary_with_their_arguments(sweeping: MakeExperiment, tmp_path: Path) -> None:
    space = {"model": ["mlp(depth=3)", "cnn"], "model.width": [4, 5]}
    runs = runs_of(sweeping("grid", space=space, policy=["cosine(peak=0.02)"]), tmp_path)
    models = [str(run.recipe.model) for run in runs]
    assert models == ["mlp(depth=3, width=4)", "mlp(depth=3, width=5)", "cnn(width=4)", "cnn(width=5)"]


def test_random_recipes_are_distinct_seeded_and_go_on_where_fewer_ended(
    sweeping: MakeExperiment, tmp_path: Path
) -> None:
    space = {"train.batch_size": [50, 100], "train.label_smoothing": [0.0, 0.1]}

    def names(strategy: str) -> list[str]:
        return [run.name for run in runs_of(sweeping(strategy, space=space), tmp_path)]

    all_eight = names("random(trials=8)")
    assert len(set(all_eight)) == 8
    assert names("random(trials=5)") == all_eight[:5]
    assert names("random(trials=5, seed=1)") != all_eight[:5]
    with pytest.raises(ConfigError, match=r"trials = 9 are more than the 8 points of the space; lower it"):
        names("random(trials=9)")


def test_draws_fill_their_ranges_evenly(sweeping: MakeExperiment) -> None:
    space = {"train.weight_decay": "log_uniform(low=1e-4, high=1e-1)", "train.momentum": "uniform(low=0.2, high=0.6)"}
    one = sweeping("random(trials=1)", space=space, when={"cosine": {"policy.floor": [0.001, 0.002, 0.003]}})
    points = [point for _, point in zip(range(3000), drawn_points(one, 7), strict=False)]
    assert np.mean([point.policy.name == "cosine" for point in points]) == pytest.approx(0.5, abs=0.03)
    floors = [point.policy.arguments["floor"] for point in points if point.policy.name == "cosine"]
    assert np.bincount(np.round(np.array(floors, dtype=float) * 1000).astype(int), minlength=4)[1:] == pytest.approx(
        np.full(3, len(floors) / 3), rel=0.12
    )
    decays = np.array([point.values["train.weight_decay"] for point in points], dtype=float)
    assert np.histogram(np.log10(decays), bins=3, range=(-4, -1))[0] == pytest.approx(np.full(3, 1000), rel=0.1)
    momenta = np.array([point.values["train.momentum"] for point in points], dtype=float)
    assert np.histogram(momenta, bins=4, range=(0.2, 0.6))[0] == pytest.approx(np.full(4, 750), rel=0.12)
    assert all(float(f"{value:.4g}") == value for value in [*decays, *momenta])
    assert number_of_points(one) is None


def test_a_point_says_what_varies() -> None:
    point = Point(Spec("cosine", {"peak": 0.1}), {"train.batch_size": 32, "model.width": 8, "train.clip_norm": None})
    assert point.varied == "batch_size=32, model.width=8, clip_norm=None"


def test_seeds_make_the_deep_ensemble_that_evaluation_looks_for(sweeping: MakeExperiment, tmp_path: Path) -> None:
    one = sweeping("seeds(count=3)", each=1, train={"seed": 5})
    events = list(tune(one, tmp_path))
    runs = [event.run for event in events if isinstance(event, Ended)]
    policies = ("constant(peak=0.01)", "cosine(peak=0.02)")
    expected = [f"{policy}, seed={SEEDS[policy, i]}" for policy in policies for i in range(3)]
    assert [run.name for run in runs] == expected
    pool = Pool.open(tmp_path)
    assert [member.name for member in pool.members()] == expected
    (team,) = [team for team in baselines(pool, []) if team.method == "seeds"]
    ids = [member.id for member in pool.members()]
    assert set(team.team) in (set(ids[:3]), set(ids[3:]))
    alone = list(tune(sweeping("grid", each=1, train={"seed": 5}), tmp_path))
    assert statuses(alone) == ["exists"] * 2, "the first of each are the members of the grid"


def test_every_member_of_a_grid_has_a_seed_that_follows_from_what_it_trains(
    sweeping: MakeExperiment, tmp_path: Path
) -> None:
    space = {"train.weight_decay": [0.0, 0.01]}
    runs = runs_of(sweeping("grid", each=1, space=space), tmp_path / "a")
    seeds = [run.recipe.train.seed for run in runs]
    assert len(set(seeds)) == 4
    more = sweeping(
        "grid", each=2, space={"train.weight_decay": [0.1, 0.0, 0.01]}, policy=["step(peak=0.1)", "cosine(peak=0.02)"]
    )
    again = {run.name: run.recipe.train.seed for run in runs_of(more, tmp_path / "b")}
    assert [again[run.name] for run in runs[2:]] == seeds[2:], "neither the place nor the epochs decide a seed"
    other = runs_of(sweeping("grid", each=1, space=space, train={"seed": 1}), tmp_path / "c")
    assert not {run.recipe.train.seed for run in other} & set(seeds)


def test_shared_seeds_are_those_of_the_experiment(sweeping: MakeExperiment, tmp_path: Path) -> None:
    shared: dict[str, Any] = {"sweep": {"seed": "shared", "strategy": "seeds(count=3)"}, "train": {"seed": 5}}
    runs = runs_of(experiment_of(sweeping("grid", each=1), shared), tmp_path)
    assert [run.recipe.train.seed for run in runs] == [5, 6, 7, 5, 6, 7]
    assert runs[1].name == "constant(peak=0.01), seed=6"


def test_weights_and_order_can_have_seeds_apart(sweeping: MakeExperiment, tmp_path: Path) -> None:
    """One set of initial weights for all, orders of batches of their own; and the other way round."""
    for key, shared in (("init_seed", "seed_of_weights"), ("data_seed", "seed_of_batches")):
        one = sweeping("grid", each=1, train={key: 3}, model="mlp(width=4, depth=1)")
        runs = runs_of(one, tmp_path / key)
        other = {"seed_of_weights": "seed_of_batches", "seed_of_batches": "seed_of_weights"}[shared]
        assert {getattr(run.recipe.train, shared) for run in runs} == {3}
        assert len({getattr(run.recipe.train, other) for run in runs}) == 2


def test_a_list_is_zipped_with_the_policies(sweeping: MakeExperiment, tmp_path: Path) -> None:
    both: dict[str, Any] = {"train": {"seed": [7, 8]}, "model.width": [5, 6]}
    one = experiment_of(sweeping("grid", each=1, space={"train.clip_norm": [1.0, 2.0]}), {"sweep": {"zip": both}})
    runs = runs_of(one, tmp_path)
    assert [run.name for run in runs] == [
        f"{policy}, seed={seed}, model.width={width}, clip_norm={norm}"
        for policy, seed, width in (("constant(peak=0.01)", 7, 5), ("cosine(peak=0.02)", 8, 6))
        for norm in (1.0, 2.0)
    ]
    assert [run.recipe.train.seed for run in runs] == [7, 7, 8, 8]
    assert number_of_points(one) == 4
    drawn = {
        (p.policy.name, p.values["train.seed"], p.values["model.width"])
        for p, _ in zip(drawn_points(one, 0), range(50), strict=False)
    }
    assert drawn == {("constant", 7, 5), ("cosine", 8, 6)}


def test_one_policy_goes_along_with_every_value_in_turn(sweeping: MakeExperiment) -> None:
    zipped = {"policy.peak": [0.1, 0.2], "train.weight_decay": [0.0, 0.01]}
    one = experiment_of(sweeping("grid", each=1, policy=["cosine"]), {"sweep": {"zip": zipped}})
    assert [(str(point.policy), point.varied) for point in grid_points(one)] == [
        ("cosine(peak=0.1)", "weight_decay=0.0"),
        ("cosine(peak=0.2)", "weight_decay=0.01"),
    ]


@pytest.mark.parametrize(
    ("zipped", "message"),
    [
        ({"train.seed": [1, 2, 3]}, r"sweep\.zip\.train\.seed: 3 values do not go along with the 2 policies; give 2"),
        ({"train.seed": "integers(low=1, high=2)", "train.sed": [1, 2]}, r"sweep\.zip\.train\.sed: no such key.*seed"),
        ({"train.momentum": "uniform(low=0.1, high=0.2)"}, "is a range; give a list with a value for each policy"),
        ({"train.weight_decay": [0.1, 0.2]}, "stands in sweep.space or sweep.when as well"),
        ({"train.batch_size": [0, 1]}, r"sweep\.zip\.train\.batch_size: .*greater than 0"),
    ],
)
def test_what_does_not_go_along_is_refused(sweeping: MakeExperiment, zipped: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        experiment_of(sweeping("grid", each=1, space={"train.weight_decay": [0.0]}), {"sweep": {"zip": zipped}})


def test_a_pool_that_was_begun_with_one_seed_for_all_goes_on_so(
    sweeping: MakeExperiment, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    old = experiment_of(sweeping("grid", each=1, policy=["cosine(peak=0.02)"]), {"sweep": {"seed": "shared"}})
    assert statuses(tune(old, tmp_path)) == ["finished"]
    assert statuses(tune(sweeping("grid", each=1), tmp_path)) == ["exists", "finished"]
    assert "share seed 0, and this sweep goes on so; give sweep.seed = 'each'" in caplog.text
    each = experiment_of(sweeping("grid", each=1), {"sweep": {"seed": "each"}})
    assert statuses(tune(each, tmp_path)) == ["finished"] * 2


def test_points_of_the_grid_are_counted(sweeping: MakeExperiment) -> None:
    one = sweeping("grid", space={"train.seed": [1, 2, 3]}, when={"cosine": {"model.width": [4, 5]}})
    assert number_of_points(one) == len(grid_points(one)) == 3 + 6


@pytest.mark.parametrize(
    ("strategy", "changes", "error", "message"),
    [
        ("gird", {}, SpecError, r"sweep\.strategy: no strategy named 'gird'; did you mean 'grid'"),
        ("random", {}, SpecError, "strategy 'random' needs trials"),
        ("random(trials=0)", {}, SpecError, "trials = 0 is refused"),
        (
            "random(trials=5)",
            {"policy": ["constant"], "space": {"policy.peak": "uniform(low=0.1, high=0.10019)"}},
            ConfigError,
            "the space is so narrow that only [234] points were drawn",
        ),
        ("seeds(count=2, seed=1)", {}, SpecError, "strategy 'seeds' has no argument 'seed'"),
        (
            "grid",
            {"space": {"train.momentum": "uniform(low=0.1, high=0.2)"}, "train": {"optimizer": "sgd"}},
            ConfigError,
            r"sweep\.space\.train\.momentum: a range has no end of values and grid trains all; give a list",
        ),
        (
            "seeds(count=2)",
            {"space": {"train.seed": [1, 2]}},
            ConfigError,
            "sweep: train.seed varies, and strategy seeds varies it itself; remove it, or use grid",
        ),
        ("grid", {"epochs": 7}, ConfigError, r"sweep\.epochs: 7 cannot be divided evenly among 2 runs; give 6 or 8"),
        ("seeds(count=3)", {"epochs": 5}, ConfigError, "among 6 runs; give 6$"),
        (
            "grid",
            {"space": {"model.widht": [3]}},
            ConfigError,
            r"sweep\.space\.model\.widht: model 'mlp' has no argument 'widht'; did you mean 'width'",
        ),
        (
            "grid",
            {"space": {"model": ["mlp", "cnn(width=3)"], "model.width": [5]}},
            ConfigError,
            r"sweep\.space\.model: cnn\(width=3\) has width as well",
        ),
        ("grid", {"space": {"model": ["mlp", 3]}}, ConfigError, r"sweep\.space\.model: 3 is no model"),
        (
            "grid",
            {"when": {"cosine": {"policy.floor": [0.001, 0.03]}}},
            ConfigError,
            r"sweep\.when\.cosine\.policy\.floor: .*floor = 0\.03 is refused: a floor lies between 0 and the peak",
        ),
        (
            "grid",
            {"space": {"policy.floor": [0.001]}},
            ConfigError,
            r"sweep\.space\.policy\.floor: policy 'constant' has no argument 'floor'",
        ),
        (
            "random(trials=2)",
            {"space": {"train.optimizer": ["adamw", "sdg"]}},
            ConfigError,
            r"sweep\.space\.train\.optimizer: no optimizer named 'sdg'; did you mean 'sgd'",
        ),
        (
            "grid",
            {"space": {"train.momentum": [0.9], "train.optimizer": ["sgd", "adamw"]}},
            ConfigError,
            r"sweep\.space\.train\.optimizer: optimizer 'adamw' takes no momentum, but train\.momentum = 0\.9",
        ),
        (
            "grid",
            {"space": {"train.batch_size": [100, 900]}},
            LREnsembleError,
            "batch_size = 900 is above the 809 training rows",
        ),
    ],
)
def test_a_sweep_that_contradicts_itself_is_refused_before_anything_is_made(
    sweeping: MakeExperiment,
    tmp_path: Path,
    strategy: str,
    changes: dict[str, Any],
    error: type[LREnsembleError],
    message: str,
) -> None:
    with pytest.raises(error, match=message) as caught:
        tune(sweeping(strategy, **changes), tmp_path / "pool")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "pool").exists()


@pytest.mark.parametrize("where", ["space", "zip", "when"])
def test_a_seed_that_the_sweep_itself_gives_is_no_sign_of_an_earlier_version(
    sweeping: MakeExperiment, tmp_path: Path, caplog: pytest.LogCaptureFixture, where: str
) -> None:
    given: dict[str, Any] = {"train.seed": [0, 1]}
    sweep = {"when": {"cosine": given}} if where == "when" else {where: given}
    one = sweeping("grid", each=1)
    content = one.model_dump(exclude={"sweep"}) | {"sweep": sweep}
    varied = Experiment.model_validate(content)
    assert "finished" in statuses(tune(varied, tmp_path))
    assert set(statuses(tune(varied, tmp_path))) == {"exists"}, "no member is trained again"
    assert "share seed" not in caplog.text
