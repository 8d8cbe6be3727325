"""The shipped experiment of language models, in part: its base, three of its adapters, their team."""

from pathlib import Path

import pytest
from tests.language.conftest import CACHE

import lrensemble
from lrensemble.config import load_experiment
from lrensemble.evaluate.benchmarks import read_judgement
from lrensemble.pool import Pool

pytest.importorskip("peft")


def test_it_is_the_grid_of_the_paper_on_a_base_that_is_pre_trained() -> None:
    experiment = load_experiment("alpaca-tiny")
    peaks = (0.001, 0.003, 0.01, 0.03)
    assert experiment.policy == lrensemble.paper_grid(peaks)
    assert experiment.pretrain is not None
    assert experiment.pretrain.settings == type(experiment.pretrain.settings)()  # the base of `lrensemble pretrain`
    assert experiment.benchmarks is not None
    assert [str(name) for name in experiment.benchmarks.names] == ["arc_easy"]


@pytest.mark.long
def test_a_team_of_three_adapters_is_likelier_than_the_best_of_them(
    shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two minutes, and more where the base is not in the cache."""
    monkeypatch.setenv("LRENSEMBLE_CACHE", str(CACHE))
    whole = load_experiment("alpaca-tiny")
    assert whole.benchmarks is not None
    good = tuple(each for each in whole.policy if each.arguments["peak"] == 0.01 and each.name != "multi_step")
    few = whole.benchmarks.model_copy(update={"val_rows": 20, "test_rows": 40})
    result = lrensemble.run(
        whole.model_copy(update={"policy": good, "benchmarks": few}), tmp_path / "out", data=shared_data
    )
    gain = result.teams["all"].gain["nll"]
    assert gain.low > 0, result.verdict.text
    assert 5.1 < (result.best_single.val or result.references["nll"].val).by("nll") < 5.4  # type: ignore[operator]
    found = read_judgement(tmp_path / "out" / "benchmarks.json")
    assert found.benchmarks["arc_easy"].questions == 40
    assert len(Pool.open(tmp_path / "out" / "benchmarks")) == 3
