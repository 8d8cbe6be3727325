"""Every variant stands beside the team and the best single model: what it scores, what it costs, what it is."""

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.cli.command import Command
from tests.evaluate.pools import pool_of
from tests.evaluate.value_pools import value_pool
from tests.export.conftest import TeamBy

from lrensemble.data import Dataset
from lrensemble.errors import ExportError, PoolError, SpecError
from lrensemble.evaluate import choose, looks, save
from lrensemble.evaluate.variants.record import VariantComparison, VariantResult, stored_variants
from lrensemble.export import Ensemble, cascade, chosen_team, ensemble_of
from lrensemble.export.compared import compare, default_variants
from lrensemble.pool import Pool, remove_members

ALL = ("cascade", "pruned", "uniform-soup", "greedy-soup", "student(epochs=1)")


@pytest.fixture(scope="module")
def told() -> list[str]:
    return []


@pytest.fixture(scope="module")
def own(near: Pool, tmp_path_factory: pytest.TempPathFactory) -> Pool:
    """A copy that nobody has compared."""
    return copied(near, tmp_path_factory.mktemp("compared"))


@pytest.fixture(scope="module")
def found(own: Pool, data_folder: Path, told: list[str]) -> VariantComparison:
    return compare(own, ALL, method="all", data=data_folder, tell=told.append)


def copied(pool: Pool, folder: Path) -> Pool:
    ignored = shutil.ignore_patterns("variants", "looks")
    return Pool.open(shutil.copytree(pool.folder, folder / "pool", ignore=ignored))


def by_name(found: VariantComparison) -> dict[str, VariantResult]:
    return {each.name: each for each in found.variants}


def said_by(name: str, pool: Pool, found: VariantComparison, dataset: Dataset) -> Any:
    """Probabilities [sample, class] of test rows, by running the networks."""
    inputs = dataset.raw(dataset.rows["test"])
    row, whole = by_name(found)[name], ensemble_of(pool, chosen_team(pool, "all"))
    if row.ensemble is not None:
        return Ensemble.load(pool.folder / row.ensemble).predict_proba(inputs)
    if name == "cascade":
        return cascade(whole, pool).ensemble.predict_proba(inputs)
    if name == "best single":
        return ensemble_of(pool, choose(pool, "best", folds=0)).predict_proba(inputs)
    return whole.predict_proba(inputs)


@pytest.mark.parametrize("name", ["best single", "team", "cascade", "uniform-soup", "student(epochs=1)"])
def test_scores_are_those_of_the_networks(name: str, own: Pool, found: VariantComparison, near_data: Dataset) -> None:
    probs, truth = said_by(name, own, found, near_data), near_data.truth_of("test")
    test = by_name(found)[name].test
    assert test is not None
    assert test.accuracy == pytest.approx((probs.argmax(axis=1) == truth).mean())
    assert test.nll == pytest.approx(-np.log(probs[np.arange(len(truth)), truth]).mean(), rel=1e-5)


def test_gains_are_differences_of_scores_and_adjusted(found: VariantComparison) -> None:
    rows = by_name(found)
    single, team = rows["best single"].test, rows["team"].test
    assert single is not None
    assert team is not None
    assert (rows["best single"].gain, rows["best single"].kind) == ({}, None)
    for name in ALL:
        row = rows[name]
        assert row.test is not None
        for other, gains in ((single, row.gain), (team, row.gain_over_team)):
            assert gains["accuracy"].value == pytest.approx((row.test.accuracy or 0) - (other.accuracy or 0), abs=1e-12)
            assert gains["nll"].value == pytest.approx((other.nll or 0) - (row.test.nll or 0), abs=1e-12)
            assert gains["nll"].rows == found.rows
        gain = row.gain["nll"]
        if gain.adjusted_p is not None:
            assert gain.adjusted_p >= gain.p_value
        assert row.kind is not None


def test_each_is_called_what_it_is(found: VariantComparison) -> None:
    rows = by_name(found)
    assert rows["team"].what == "a team of 3 by all"
    assert rows["cascade"].what == "a cascade of a team of 3"
    assert rows["pruned"].what == "2 members of a team of 3"
    assert rows["uniform-soup"].what == "a uniform soup of 3 members"
    assert rows["greedy-soup"].what.startswith("a greedy soup of ")
    assert rows["student(epochs=1)"].what == "a student of a team of 3"
    assert rows["best single"].what.endswith(", the best single model by NLL on val")


def test_size_is_counted(found: VariantComparison) -> None:
    one = 60 * 7 + 7 + 7 * 7 + 7 + 7 * 4 + 4
    networks = {"best single": 1, "team": 3, "cascade": 3, "pruned": 2, "uniform-soup": 1, "student(epochs=1)": 1}
    for name, count in networks.items():
        row = by_name(found)[name]
        assert (row.networks, row.parameters, row.bytes) == (count, count * one, 4 * count * one)
    runs = by_name(found)["cascade"].runs
    assert runs is not None
    assert 1 <= runs <= 3


def test_all_are_timed_on_rows_of_val(found: VariantComparison, near_data: Dataset) -> None:
    assert (found.inputs, found.device, found.batch) == ("val", "cpu", len(near_data.rows["val"]))
    times = [each.latency for each in found.variants]
    assert all(each is not None and each.seconds > 0 and each.ratio > 0 for each in times)
    assert times[0] is not None
    assert times[0].ratio == 1.0


@pytest.mark.usefixtures("found")
def test_before_a_network_is_trained_a_line_says_what_it_may_cost(told: list[str]) -> None:
    assert len(told) == 1
    assert told[0].startswith("student(epochs=1): one network is trained as member ")
    assert ", 1 epoch at most, about " in told[0]
    assert "student" not in default_variants()


def test_one_look_for_all_which_is_written_down(found: VariantComparison, own: Pool) -> None:
    first = looks(own)[0]
    assert (found.looks, first.tests, len(first.teams)) == (1, ("test",), 7)
    assert any("a student of a team of 3" in line for line in first.teams)


def test_the_table_is_kept_as_long_as_the_members_are_the_same(
    found: VariantComparison, own: Pool, tmp_path: Path
) -> None:
    assert stored_variants(own) == found
    less = Pool.open(shutil.copytree(own.folder, tmp_path / "pool"))
    remove_members(less, [less.members()[0].id])
    assert stored_variants(Pool.open(less.folder)) is None


def test_what_was_made_is_not_made_again(found: VariantComparison, own: Pool, data_folder: Path) -> None:
    before = {path: path.stat().st_ino for path in (own.folder / "variants").glob("*-*/*")}
    assert before
    lines = list[str]()
    again = compare(own, ALL, method="all", data=data_folder, tell=lines.append)
    assert before == {path: path.stat().st_ino for path in (own.folder / "variants").glob("*-*/*")}
    assert lines == []
    assert again.looks == found.looks + 1
    assert [each.test for each in again.variants] == [each.test for each in found.variants]


def interrupts(ensemble: Ensemble, pool: Pool, data: Path | None) -> None:  # noqa: ARG001
    """A variant that somebody does not wait for."""
    raise KeyboardInterrupt


def test_what_was_made_before_an_interrupt_is_kept(near: Pool, data_folder: Path, tmp_path: Path) -> None:
    pool = copied(near, tmp_path)
    with pytest.raises(KeyboardInterrupt):
        compare(pool, ["uniform-soup", interrupts], method="all", data=data_folder)
    (config,) = (pool.folder / "variants").glob("uniform-soup-*/config.json")
    assert looks(pool) == ()
    config.with_name("model.safetensors").unlink()
    damaged = by_name(compare(pool, ["uniform-soup"], method="all", data=data_folder))["uniform-soup"]
    assert "model.safetensors is damaged: it is missing" in damaged.not_made
    shutil.rmtree(config.parent)
    assert not by_name(compare(pool, ["uniform-soup"], method="all", data=data_folder))["uniform-soup"].not_made


def test_without_the_data_it_says_so_and_times_random_rows(near: Pool, tmp_path: Path) -> None:
    found = compare(copied(near, tmp_path), ["cascade", "uniform-soup"], method="all")
    rows = by_name(found)
    assert found.inputs == "random"
    assert rows["cascade"].latency is None  # on random rows it would be sure by chance
    assert rows["team"].latency is not None
    assert "folder" in rows["uniform-soup"].not_made


def test_several_architectures_make_no_soup_and_the_others_go_on(
    pool: Pool, data_folder: Path, team_by: TeamBy, tmp_path: Path
) -> None:
    team_by("all")
    rows = by_name(compare(copied(pool, tmp_path), method="all", data=data_folder))
    assert set(rows) == {"best single", "team", *default_variants()}
    assert rows["greedy-soup"].not_made.startswith("a soup needs two members or more of one architecture")
    assert rows["pruned"].what == "2 members of a team of 4"
    assert rows["cascade"].kind is not None


def test_a_single_model_has_no_cheaper_variant(near: Pool, tmp_path: Path) -> None:
    pool = copied(near, tmp_path)
    shutil.rmtree(pool.folder / "selections")
    save(pool, choose(pool, "best", folds=0))
    rows = by_name(compare(pool))
    assert rows["best single"].test is not None
    reasons = {each.not_made for name, each in rows.items() if name != "best single"}
    assert reasons == {"no team beats the best single model on val"}


def test_collected_labels_have_scores_and_no_networks(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    labels = [generator.integers(2, size=rows) for rows in (90, 110)]
    named = [np.where(generator.random((3, len(own))) < 0.8, own, 1 - own) for own in labels]
    pool = pool_of(tmp_path, (labels[0], named[0]), (labels[1], named[1]), form="top1")
    save(pool, choose(pool, "all", folds=2))
    found = compare(pool, method="all")
    rows = by_name(found)
    assert (found.inputs, found.metric, found.batch) == (None, "accuracy", 0)
    assert rows["team"].gain["accuracy"].rows == 110
    assert rows["team"].test is not None
    majority = (named[1].mean(axis=0) > 0.5) == labels[1]
    assert rows["team"].test.accuracy == pytest.approx(majority.mean())
    assert all("has predictions only" in rows[name].not_made for name in default_variants())


def test_values_are_compared_too(tmp_path: Path) -> None:
    pool = value_pool(tmp_path, weighted=True)
    save(pool, choose(pool, "all", folds=2))
    found = compare(pool, method="all")
    assert (found.metric, found.headline) == ("mse", "rmse")
    assert by_name(found)["team"].kind in ("better", "no reliable difference", "worse")
    assert set(by_name(found)["team"].gain) == {"mse", "rmse"}


def test_what_cannot_be_compared_is_refused(near: Pool, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="no variant named 'soop'"):
        compare(near, ["soop"])
    labels = np.arange(30) % 2
    with pytest.raises(PoolError, match="has no test rows"):
        compare(pool_of(tmp_path, (labels, np.stack([labels, 1 - labels])), None, form="top1"))
    empty = copied(near, tmp_path / "empty")
    shutil.rmtree(empty.folder / "selections")
    with pytest.raises(ExportError, match="has no chosen team"):
        compare(empty)


def test_the_command_prints_the_table_and_draws_the_figure(
    near: Pool, command: Command, data_folder: Path, tmp_path: Path
) -> None:
    pool = copied(near, tmp_path)
    given = ("export", pool.folder, "--compare", "-m", "all", "--data", data_folder, "--variant", "pruned, cascade")
    shown = command(*given, "--figure", tmp_path / "figure.html")
    assert shown.status == 0, shown.err
    assert "2 members of a team of 3: " in shown.out
    assert b"a cascade of a team of 3" in (tmp_path / "figure.html").read_bytes()
    record: Any = command(*given, "--json").record
    assert [each["name"] for each in record["variants"]] == ["best single", "team", "pruned", "cascade"]
    assert record["looks"] == 2
    lines = command(*given, "--format", "csv").out.splitlines()
    assert lines[0].startswith('variant,"accuracy, %","accuracy, %: over the best single",')
    assert len(lines) == 5
    widths = {len(cells) for cells in csv.reader(lines)}
    assert widths == {1 + 2 * 3 + 6}, "a heading for every cell: two metrics, costs and the outcome"
    assert json.loads((pool.folder / "variants" / "comparison.json").read_text())["looks"] == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--compare", "--format", "onnx"), "--format onnx is of ensembles; with --compare give one of table, json"),
        (("--compare", "--cost", "0.3"), "--cost is of one ensemble, and --compare writes none"),
        (("--figure", "a.svg"), "--figure goes with --compare; add it"),
        (("--compare", "--figure", "a.txt"), "no figures as '.txt'"),
        (("--compare", "--variant", "cascade,soop"), "no variant named 'soop'"),
    ],
)
def test_the_command_refuses(near: Pool, command: Command, options: tuple[str, ...], message: str) -> None:
    outcome = command("export", near.folder, *options)
    assert (outcome.status, len(outcome.err.strip().splitlines())) == (2, 1)
    assert message in outcome.err
