"""The command line as a user meets it: what it prints where, its exit statuses, and one line for every mistake."""

import json
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from tests.cli.command import Command
from tests.members import stacked

from lrensemble.front import teams
from lrensemble.pool import Pool
from lrensemble.registry import HOMES
from lrensemble.select.methods.shared import exhaustive

MEMBERS, VAL, TEST, CLASSES = 4, 60, 50, 6


@pytest.fixture
def predictions(tmp_path: Path) -> Path:
    generator = np.random.default_rng(0)
    arrays: dict[str, np.ndarray] = {}
    for prefix, rows in (("", VAL), ("test_", TEST)):
        labels = generator.integers(CLASSES, size=rows)
        logits = generator.normal(size=(MEMBERS, rows, CLASSES))
        logits[:, np.arange(rows), labels] += 1.5
        arrays |= {f"{prefix}logits": logits, f"{prefix}labels": labels}
    np.savez(tmp_path / "predictions.npz", **arrays)  # type: ignore[arg-type]
    return tmp_path / "predictions.npz"


@pytest.fixture
def pool(command: Command, predictions: Path, tmp_path: Path) -> Path:
    assert command("collect", predictions, "--out", tmp_path / "pool").status == 0
    return tmp_path / "pool"


def test_the_version_is_that_of_the_package(command: Command) -> None:
    outcome = command("--version")
    assert (outcome.status, outcome.out, outcome.err) == (0, f"lrensemble {metadata.version('lrensemble')}\n", "")


def test_help_answers_without_heavy_imports() -> None:
    heavy = "{'torch', 'numba', 'sklearn', 'scipy', 'numpy'}"
    script = f"""
import sys
sys.argv = ["lrensemble", "--help"]
from lrensemble.cli import main
try:
    main()
except SystemExit as stop:
    print(stop.code, *sorted({heavy} & set(sys.modules)))
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1].strip() == "0"
    for verb in ("run", "tune", "collect", "select", "evaluate", "ls"):
        assert f" {verb} " in result.stdout


def test_how_stable_a_team_is(command: Command, pool: Path) -> None:
    selected = command(
        "select", pool, "-m", "greedy(size=5, bootstrap=2)", "-m", "brute_force", "--resamples", "3", "--json"
    )
    assert isinstance(selected.record, list)
    for team in selected.record:
        assert team["resamples"] == 3
        assert set(team["frequency"]) == set(team["pool"])
        assert set(team["frequency"].values()) <= {0.0, 1 / 3, 2 / 3, 1.0}
        assert isinstance(team["optimism"], float)
    told = command("select", pool, "-m", "greedy(size=5, bootstrap=2)", "-m", "brute_force", "--resamples", "3").out
    assert "over 3" in told
    assert "chosen again, %" in told
    assert "chosen again" not in command("select", pool, "-m", "best").out


def test_the_score_of_every_team_in_a_file(command: Command, pool: Path, tmp_path: Path) -> None:
    selected = command("select", pool, "-m", "brute_force", "--every-team", tmp_path / "teams.npz", "--json")
    assert isinstance(selected.record, list)
    with np.load(tmp_path / "teams.npz") as table:
        assert len(table["mask"]) == 2**MEMBERS - 1
        assert table["score"].max() == pytest.approx(selected.record[0]["score"])
    refused = command("select", pool, "--every-team", tmp_path / "teams.csv")
    assert refused.status == 2
    assert "suffix '.csv'; a table is written as .npz or .parquet" in " ".join(refused.err.split())


def test_a_long_search_tells_how_far_it_is(command: Command, pool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exhaustive, "SECONDS_BETWEEN_REPORTS", -1.0)
    told = command("select", pool, "-m", "brute_force").err
    assert "selecting: brute_force: 15 of 15 teams scored, best so far -" in told


def test_from_predictions_to_a_verdict(command: Command, pool: Path) -> None:
    selected = command("select", pool, "--method", "greedy(size=5, bootstrap=2)", "-m", "brute_force", "-m", "best")
    assert selected.status == 0
    assert "brute_force" in selected.out, "what was asked for goes to standard output"
    assert "selecting: brute_force" not in selected.out
    evaluated = command("evaluate", pool, "--json")
    assert evaluated.status == 0
    result = evaluated.record
    assert isinstance(result, dict)
    assert set(result["teams"]) == {"best", "all", "top_k", "greedy(size=5, bootstrap=2)", "brute_force"}
    written = json.loads((pool / "result.json").read_text())
    assert len(written.pop("checksum")) == 64
    assert written == result
    printed = command("evaluate", pool).out
    assert "best single" in printed
    assert "95 % interval" in printed


def test_json_is_one_record_on_standard_output(command: Command, predictions: Path, tmp_path: Path) -> None:
    collected = command("collect", predictions, "--out", tmp_path / "p", "--json").record
    assert isinstance(collected, dict)
    assert collected["rows"] == {"val": VAL, "test": TEST}
    assert len(collected["added"]) == MEMBERS
    teams = command("select", tmp_path / "p", "-m", "all", "--metric", "accuracy", "--json").record
    assert isinstance(teams, list)
    assert (teams[0]["method"], teams[0]["metric"]) == ("all", "accuracy")
    members = command("ls", tmp_path / "p", "--json").record
    assert isinstance(members, list)
    assert [member["name"] for member in members] == [f"predictions-{i}" for i in range(MEMBERS)]


@pytest.mark.parametrize("option", ["--form", "--kind"])
def test_the_form_of_predictions_by_both_names_of_its_option(command: Command, tmp_path: Path, option: str) -> None:
    probs = np.full((2, 5, 3), 1 / 3)
    np.savez(
        tmp_path / "p.npz", probs=probs, logits=np.log([0.7, 0.2, 0.1]) + 0 * probs, labels=np.array([0, 1, 2, 0, 1])
    )
    assert command("collect", tmp_path / "p.npz", "--out", tmp_path / "p", option, "probs").status == 0
    assert np.allclose(stacked(Pool.open(tmp_path / "p"), "val"), np.log(1 / 3))


def test_groups_from_a_file_stay_together(command: Command, predictions: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "patients.npy", np.array([f"patient {row // 12}" for row in range(VAL)]))
    out = tmp_path / "p"
    collected = command("collect", predictions, "--out", out, "--groups", tmp_path / "patients.npy")
    assert collected.status == 0
    assert "5 val groups" in collected.err
    assert command("select", out, "-m", "all", "--json").status == 0
    np.save(tmp_path / "one.npy", np.zeros(VAL, dtype=int))
    assert command("collect", predictions, "--out", tmp_path / "q", "--groups", tmp_path / "one.npy").status == 0
    told = command("select", tmp_path / "q", "-m", "all")
    assert told.status == 0
    assert "cannot cross-fit 1 group; give at least 2 groups" in " ".join(told.err.split())


def column_of(printed: str) -> list[str]:
    """The first column of a table, without spaces."""
    lines = printed.splitlines()[1:]
    start = lines[0].index("what it is")
    return [line[:start].replace(" ", "") for line in lines]


@pytest.mark.parametrize("kind", HOMES)
def test_ls_prints_every_name_with_its_example(command: Command, kind: str) -> None:
    entries = command("ls", kind, "--json").record
    assert isinstance(entries, list)
    assert len(entries) >= 2, "one of ours, and any function of yours"
    column = "".join(column_of(command("ls", kind).out))
    for entry in entries:
        assert entry["example"].replace(" ", "") in column
        assert entry["summary"], f"{entry['name']} has no docstring"


def test_ls_models_tells_families_of_names_that_cannot_be_listed(command: Command) -> None:
    entries = command("ls", "models", "--json").record
    assert isinstance(entries, list)
    assert {"wrn-DEPTH-WIDTH", "timm/NAME", "package.module:function"} <= {entry["name"] for entry in entries}


def test_ls_shows_a_pool_and_what_else_there_is(command: Command, pool: Path) -> None:
    printed = command("ls", pool).out
    assert f"{MEMBERS} members, {CLASSES} classes, {VAL} val, {TEST} test rows" in printed
    assert "predictions-3" in printed
    assert "digits" in command("ls").out


def test_tables_fit_a_terminal_of_80_columns(command: Command, pool: Path) -> None:
    listed = [("ls", kind) for kind in HOMES]
    for arguments in (("select", pool), ("evaluate", pool), ("ls", pool), *listed):
        outcome = command(*arguments)
        assert outcome.status == 0, outcome.err
        assert max(len(line) for line in (outcome.out + outcome.err).splitlines()) <= 80


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("select", "{pool}", "-m", "gready"), "no selector named 'gready'; did you mean 'greedy'?"),
        (("select", "{pool}", "-m", "greedy(sise=3)"), "has no argument 'sise'; did you mean 'size'?"),
        (("select", "{pool}", "--metric", "acuracy"), "no metric named 'acuracy'; did you mean 'accuracy'?"),
        (("select", "{pool}", "--consensus", "meen"), "no consensus named 'meen'; did you mean 'mean'?"),
        (("select", "{pool}", "-m", "top_k(k=9)"), "k = 9 is above the pool; it has 4 members"),
        (("select", "{tmp}/nowhere"), "nowhere"),
        (("evaluate", "{tmp}"), "pool.json"),
        (("collect", "{tmp}/nowhere.npz", "--out", "{tmp}/p"), "nowhere.npz"),
        (("collect", "{tmp}/predictions.npz", "--out", "{tmp}/predictions.npz/p"), "is no folder"),
        (("collect", "{tmp}/predictions.npz", "--out", "{tmp}/p", "--holdout", "0.5"), "test"),
        (
            ("collect", "{tmp}/predictions.npz", "--out", "{tmp}/p", "--groups", "{tmp}/predictions.npz"),
            "predictions.npz holds no array `groups`; give one with the group of each row",
        ),
        (("ls", "policy"), "did you mean 'policies'?"),
        (("select", "{pool}", "--consensus", "zzz"), "no consensus named 'zzz' (known: mean, "),
        (("run", "{tmp}"), "is a folder and no experiment; give the path of a .toml file, or one of alpaca"),
        (("run", "{tmp}/predictions.npz"), "is no experiment; give the path of a .toml file that names it"),
        (("run", "digit"), "no experiment named 'digit'; did you mean 'digits'?"),
        (("selekt", "{pool}"), "No such command 'selekt'"),
        (
            ("select", "{pool}", "--metrik", "nll"),
            "No such option: --metrik (Possible options: --method, --metric); see lrensemble select --help",
        ),
        (("select",), "Missing argument 'pool'; see lrensemble select --help"),
    ],
)
def test_a_mistake_is_told_in_one_line_with_status_2(
    command: Command, pool: Path, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    outcome = command(*(part.format(pool=pool, tmp=tmp_path) for part in arguments))
    assert outcome.status == 2
    assert message in outcome.err
    assert outcome.err.count("\n") == 1
    assert outcome.out == ""


def test_our_own_bugs_keep_their_traceback(command: Command, pool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_arguments: object, **_keywords: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(teams, "measured", broken)
    outcome = command("evaluate", pool)
    assert outcome.status == 1
    assert outcome.err.startswith("lrensemble: ended by ZeroDivisionError: a bug; the traceback is in ")
    file = Path(outcome.err.partition(" is in ")[2].partition(";")[0])
    assert "in broken" in file.read_text()
    file.unlink()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_completes_names(shell: str) -> None:
    arguments = "lrensemble ls pol"
    environment = {
        "_LRENSEMBLE_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": arguments,
        "COMP_CWORD": "2",
        "_TYPER_COMPLETE_ARGS": arguments,
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        "PATH": "/usr/bin",
    }
    command_path = Path(sys.executable).parent / "lrensemble"
    result = subprocess.run([command_path], env=environment, capture_output=True, text=True, check=False)
    assert "policies" in result.stdout


@pytest.mark.parametrize("form", ["table", "csv", "markdown", "latex", "json"])
def test_every_verb_with_a_table_gives_it_in_every_form(command: Command, pool: Path, form: str) -> None:
    for verb in (("ls", pool), ("select", pool, "-m", "best"), ("evaluate", pool), ("ls", "metrics")):
        outcome = command(*verb, "--format", form)
        assert outcome.status == 0, outcome.err
        if form == "json":
            assert json.loads(outcome.out)
        starts = {"csv": ",", "markdown": "| ---", "latex": r"\toprule", "table": "", "json": ""}
        assert starts[form] in outcome.out
