"""Several processes that train the same experiment into one pool: each run once, whatever becomes of the others."""

import json
import math
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.forked import ForkedProcess

from lrensemble.config import Experiment
from lrensemble.pool import Pool
from lrensemble.train import tune

pytestmark = pytest.mark.skipif(os.name != "posix", reason="stops and kills processes")

long = pytest.mark.long

MakeExperiment = Callable[..., Experiment]
Contents = Callable[[Path], dict[str, object]]

SCRIPT = """
import json, math, sys
from pathlib import Path
import torch
from lrensemble.config import Experiment, to_record
from lrensemble.train import Began, Elsewhere, Ended, Step, tune

if __name__ == "__main__":
    torch.set_num_threads(1)
    folder, sweep, execution, hold = sys.argv[1:]
    hold = float(hold)
    experiment = to_record(Experiment, json.loads(sweep), "test")
    events = tune(experiment, Path(folder), save_steps=2, execution=execution)
    print("ready", flush=True)
    sys.stdin.readline()
    failed = False
    for event in events:
        if isinstance(event, Step):
            print("step", event.run or "-", event.step, flush=True)
            if event.step >= hold:
                hold = math.inf
                sys.stdin.readline()
        elif isinstance(event, Began | Elsewhere):
            print(type(event).__name__, event.run.id, flush=True)
        elif isinstance(event, Ended):
            print("ended", event.run.id, event.status, flush=True)
            failed |= event.status == "failed"
    sys.exit(int(failed))
"""

Begun = Callable[..., AbstractContextManager[ForkedProcess]]


@pytest.fixture
def begun(forking: Path) -> Begun:
    """A process that is ready to tune once it reads a line; it is stopped for good where the test fails.

    With `hold` it goes on after that step once it reads another one: what a test does to it, it does at that step.
    """

    @contextmanager
    def ready(
        folder: Path, sweep: dict[str, Any], execution: str = "one-by-one", hold: float = math.inf
    ) -> Iterator[ForkedProcess]:
        script = folder.parent / "sweep.py"
        script.write_text(SCRIPT, encoding="utf-8")
        with ForkedProcess(forking, [script, folder, json.dumps(sweep), execution, hold]) as process:
            try:
                assert process.stdout.readline() == "ready\n"
                yield process
            finally:
                process.kill()

    return ready


def go(process: ForkedProcess) -> None:
    process.stdin.write("go\n")
    process.stdin.flush()


def until(process: ForkedProcess, *words: str) -> list[str]:
    """The next line that begins with these words."""
    for line in process.stdout:
        if line.split()[: len(words)] == list(words):
            return line.split()
    raise AssertionError(f"it ended without {words}")


def until_step(process: ForkedProcess, step: int) -> None:
    """Read lines until a run has done that step."""
    while int(until(process, "step")[2]) < step:
        pass


def end(process: ForkedProcess, status: int = 0) -> list[list[str]]:
    """Lines that a process writes from here on, split into words; it has to end with this status."""
    output, _ = process.communicate(timeout=120)
    assert process.returncode == status
    return [line.split() for line in output.splitlines()]


def ended(lines: list[list[str]]) -> dict[str, str]:
    return {id_: status for word, id_, status in (line for line in lines if line[0] == "ended") if word}


@pytest.mark.parametrize("execution", ["one-by-one", *(pytest.param(way, marks=long) for way in ("fused", "workers"))])
def test_several_at_once_train_each_run_once(
    begun: Begun, sweep: dict[str, Any], experiment: MakeExperiment, contents: Contents, tmp_path: Path, execution: str
) -> None:
    sweep["model"] = "mlp(width=7)"
    with ExitStack() as stack:
        processes = [stack.enter_context(begun(tmp_path / "pool", sweep, execution)) for _ in range(3)]
        for process in processes:
            go(process)
        all_lines = [ended(end(process)) for process in processes]
    assert all(len(lines) == 3 for lines in all_lines), "each tells of all runs"
    statuses = sorted(status for lines in all_lines for status in lines.values())
    assert statuses == ["exists"] * 6 + ["finished"] * 3, "and trains none that another one trains"
    assert not [name for name in contents(tmp_path / "pool") if name.startswith("left behind")]
    if execution == "one-by-one":
        list(tune(experiment(model="mlp(width=7)"), tmp_path / "whole", execution=execution))
        assert contents(tmp_path / "pool") == contents(tmp_path / "whole")


@pytest.mark.parametrize("execution", [pytest.param("one-by-one", marks=long), "fused"])
def test_a_run_of_a_process_that_is_killed_goes_on_where_its_state_was_saved(
    begun: Begun, sweep: dict[str, Any], experiment: MakeExperiment, contents: Contents, tmp_path: Path, execution: str
) -> None:
    sweep |= {
        "model": "mlp(width=7)",
        "policy": ["one_cycle(peak=0.05)", "cosine(peak=0.02)"][: 1 + (execution == "fused")],
    }
    with (
        begun(tmp_path / "pool", sweep, execution, hold=10) as first,
        begun(tmp_path / "pool", sweep, execution) as second,
    ):
        go(first)
        until_step(first, 10)
        go(second)
        until(second, "Elsewhere")
        first.kill()
        lines = end(second)
    assert set(ended(lines).values()) == {"finished"}
    steps = [int(step) for word, _, step in (line for line in lines if line[0] == "step") if word]
    assert min(steps) >= 8, "nothing but what came after the last state is trained twice"
    list(tune(experiment(**{key: sweep[key] for key in ("model", "policy")}), tmp_path / "whole", execution=execution))
    assert contents(tmp_path / "pool") == contents(tmp_path / "whole")


@pytest.mark.parametrize("step", [4, 15], ids=["half-way", "after-the-last-step"])
@pytest.mark.parametrize("execution", ["one-by-one", pytest.param("fused", marks=long)])
def test_a_process_that_was_stopped_for_too_long_writes_nothing_any_more(
    begun: Begun,
    sweep: dict[str, Any],
    contents: Contents,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    execution: str,
    step: int,
) -> None:
    monkeypatch.setenv("LRENSEMBLE_LEASE", "1")
    sweep |= {
        "model": "mlp(width=7)",
        "policy": ["one_cycle(peak=0.05)", "cosine(peak=0.02)"][: 1 + (execution == "fused")],
    }
    pool = tmp_path / "pool"
    with begun(pool, sweep, execution, hold=step) as first, begun(pool, sweep, execution) as second:
        go(first)
        until_step(first, step)
        first.send_signal(signal.SIGSTOP)
        go(second)
        assert set(ended(end(second)).values()) == {"finished"}
        before = {path: path.stat().st_mtime_ns for path in pool.rglob("*") if path.name != "progress.jsonl"}
        first.send_signal(signal.SIGCONT)
        go(first)
        lines = end(first)
        assert set(ended(lines).values()) == {"exists"}
        assert [line for line in lines if line[0] == "Elsewhere"], "it tells that it lost the run"
        after = {path: path.stat().st_mtime_ns for path in pool.rglob("*") if path.name != "progress.jsonl"}
    assert {path for path in after if path.is_file()} == {path for path in before if path.is_file()}
    assert all(after[path] == before[path] for path in before if path.is_file())
    assert not [name for name in contents(pool) if name.startswith("left behind")]


@long
def test_parts_of_one_run_are_trained_by_whoever_comes(
    begun: Begun, sweep: dict[str, Any], experiment: MakeExperiment, contents: Contents, tmp_path: Path
) -> None:
    chains: dict[str, Any] = {
        "policy": ["cosine_restarts(peak=0.05, period=8)"],
        "sweep": {"strategy": "snapshots(cycles=2)"},
    }
    with ExitStack() as stack:
        processes = [stack.enter_context(begun(tmp_path / "pool", sweep | chains)) for _ in range(2)]
        for process in processes:
            go(process)
        statuses = sorted(status for process in processes for status in ended(end(process)).values())
    assert statuses == ["exists"] * 2 + ["finished"] * 2
    list(tune(experiment(**chains), tmp_path / "whole", execution="one-by-one"))
    assert contents(tmp_path / "pool") == contents(tmp_path / "whole")


def test_a_search_has_as_many_trials_as_asked_for_however_many_search(
    begun: Begun, sweep: dict[str, Any], tmp_path: Path
) -> None:
    pytest.importorskip("optuna")
    space = {"policy.peak": "log_uniform(low=1e-4, high=0.1)"}
    search = {"policy": ["cosine"], "sweep": {"strategy": "optuna(trials=5, sampler='random')", "space": space}}
    with ExitStack() as stack:
        processes = [stack.enter_context(begun(tmp_path / "pool", sweep | search)) for _ in range(2)]
        for process in processes:
            go(process)
        statuses = [status for process in processes for status in ended(end(process)).values()]
    assert statuses.count("finished") == 5
    assert len(Pool.open(tmp_path / "pool").members()) == 5


def test_a_search_by_several_prunes_and_aims_at_the_team_in_one_journal(
    begun: Begun, sweep: dict[str, Any], tmp_path: Path
) -> None:
    """What Optuna itself recommends for a folder that machines share; one of three is killed on the way."""
    optuna = pytest.importorskip("optuna")
    journal = tmp_path / "search.journal"
    how = f"trials=6, storage='{journal}', pruner=threshold(lower=-2.25)"  # the same trials, whoever is first
    search = {
        "policy": ["cosine"],
        "model": "mlp(width=7)",
        "train": sweep["train"] | {"epochs": 3},
        "sweep": {
            "strategy": f"optuna({how}, objective='ensemble', seed=1)",
            "space": {"policy.peak": "log_uniform(low=1e-5, high=0.1)"},
        },
    }
    with ExitStack() as stack:
        holds = (0, math.inf, math.inf)
        processes = [stack.enter_context(begun(tmp_path / "pool", sweep | search, hold=hold)) for hold in holds]
        go(processes[0])
        until(processes[0], "step")
        for process in processes[1:]:
            go(process)
        processes[0].kill()
        statuses = [status for process in processes[1:] for status in ended(end(process)).values()]
    members = {member.id: member for member in Pool.open(tmp_path / "pool").members(include_diverged=True)}
    assert len(members) == 6
    assert {member.status for member in members.values()} == {"finished", "pruned"}
    assert statuses.count("finished") == sum(member.status == "finished" for member in members.values())
    storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(journal)))
    (summary,) = optuna.get_all_study_summaries(storage)
    trials = optuna.load_study(study_name=summary.study_name, storage=storage).trials
    assert sorted(trial.state.name for trial in trials) == sorted(
        {"finished": "COMPLETE", "pruned": "PRUNED"}[member.status] for member in members.values()
    )
    assert len({trial.user_attrs["pool"] for trial in trials}) == 1
    assert len({trial.user_attrs["member"] for trial in trials}) == 6


def test_a_run_that_fails_elsewhere_has_failed(begun: Begun, sweep: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "raising.py").write_text(
        "from lrensemble import models\n"
        "def make(shape, classes):\n"
        "    network = models.build('mlp(width=3)', shape, classes, 0)\n"
        "    network.register_forward_pre_hook(fail)\n"
        "    return network\n"
        "def fail(network, inputs):\n"
        "    if network.training and len(inputs[0]) > 2:  # which is a model tried\n"
        "        open(__file__ + '.count', 'a').write('x')\n"
        "        raise ValueError('not today')\n"
    )
    with ExitStack() as stack:
        processes = [stack.enter_context(begun(tmp_path / "pool", sweep | {"model": "raising:make"})) for _ in range(2)]
        for process in processes:
            go(process)
        for process in processes:
            assert set(ended(end(process, status=1)).values()) == {"failed"}
    assert (tmp_path / "raising.py.count").read_text() == "x" * 3, "once each"


def test_what_a_kill_at_the_very_end_has_left_goes_with_the_next_sweep(
    experiment: MakeExperiment, contents: Contents, tmp_path: Path
) -> None:
    list(tune(experiment(), tmp_path / "pool"))
    expected = contents(tmp_path / "pool")
    (member, *_) = Pool.open(tmp_path / "pool").members()
    dead = "00000000-1-1-0123abcd.1s.elsewhere"
    for left in (f"{member.id}/{dead}", member.id, "group-0123456789ab", f"group-ba9876543210/{dead}"):
        (tmp_path / "pool" / "unfinished" / left).mkdir(parents=True, exist_ok=True)
    for folder in (tmp_path / "pool" / "unfinished").glob("*/0*"):
        os.utime(folder, (1e9, 1e9))
    assert contents(tmp_path / "pool") != expected
    list(tune(experiment(), tmp_path / "pool"))
    assert contents(tmp_path / "pool") == expected
