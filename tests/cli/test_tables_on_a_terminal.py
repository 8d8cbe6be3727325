"""Tables and verdicts of a terminal: titles over all its width, the judged row in bold, the verdict last."""

import io
from pathlib import Path

import numpy as np
import pytest

from lrensemble.cli.evaluate import print_result
from lrensemble.cli.printer import Printer
from lrensemble.cli.tables import Table
from lrensemble.evaluate import choose, evaluate, load, save
from lrensemble.pool import MemberRecord, Pool, Task
from lrensemble.targets import Classes

BOLD, GREEN, END = "\x1b[1m", "\x1b[1;32m", "\x1b[0m"


def shown(table: Table, width: int) -> list[str]:
    file = io.StringIO()
    Printer(file=file, width=width, force_terminal=True, color_system="standard", _environ={}).print(table)
    return file.getvalue().splitlines()


def test_a_title_is_as_wide_as_the_terminal_and_not_as_its_table() -> None:
    title, head, row = shown(Table("twelve words of a title", {"a": "left"}, [("1",)]), 40)
    assert title == f"{BOLD}twelve words of a title{END}"
    assert "a" in head
    assert row.strip() == "1"


def test_the_marked_row_stands_out() -> None:
    *_, first, second = shown(Table("", {"a": "left", "b": "right"}, [("x", "1"), ("y", "2")], marked=1), 40)
    assert BOLD not in first
    assert BOLD in second


def test_a_column_that_says_nothing_is_left_out_of_the_terminal() -> None:
    head, row = shown(Table("", {"a": "left", "b": "right", "c": "right"}, [("x", "", "3")]), 40)
    assert head.replace(BOLD, "").replace(END, "").split() == ["a", "c"]
    assert row.split() == ["x", "3"]


@pytest.fixture
def pool(tmp_path: Path) -> Pool:
    """Three members whose errors are independent: their mean is far better than the best of them."""
    generator = np.random.default_rng(0)
    labels = {split: generator.integers(3, size=400) for split in ("val", "test")}
    rows = {"val": np.arange(400), "test": np.arange(400, 800)}
    pool = Pool.create(
        tmp_path / "pool", Task.of("toy", Classes(names=("a", "b", "c")), rows=rows, labels=labels), labels
    )
    for place in range(3):
        said = {}
        for split, own in labels.items():
            scores = generator.normal(size=(400, 3))
            scores[np.arange(400), own] += 1.5
            said[split] = 3 * scores - np.log(np.exp(3 * scores).sum(axis=1, keepdims=True))
        pool.add(MemberRecord(id=f"m{place}", order=place, name=f"m{place}", form="log_probs"), said)
    save(pool, choose(pool, "all"))
    return pool


def test_a_run_prints_less_than_an_evaluation_and_the_verdict_last(
    pool: Pool, capsys: pytest.CaptureFixture[str]
) -> None:
    result = evaluate(pool, load(pool))
    assert result.verdict.kind == "better"
    noted = result.model_copy(update={"notes": ("a note",)})
    print_result(noted, pool, "table", brief=True)
    brief = capsys.readouterr().out
    assert "with a temperature of" not in brief
    assert "abstain" not in brief
    assert "rates" not in brief, "members that were collected have none"
    assert brief.index("a note") < brief.index("The ensemble is better: all")
    assert brief.splitlines()[-1].endswith("first look at them.")
    print_result(noted, pool, "table")
    whole = capsys.readouterr().out
    assert "with a temperature of" in whole
    assert "abstain" in whole
    print_result(noted, pool, "csv", brief=True)
    assert "abstain" in capsys.readouterr().out, "what other programs read is whole"


def test_the_outcome_has_a_colour_of_its_own(
    pool: Pool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {"FORCE_COLOR": "1", "TERM": "xterm-256color", "COLUMNS": "80"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NO_COLOR", raising=False)
    print_result(evaluate(pool, load(pool)), pool, "table")
    assert f"{GREEN}The ensemble is better{END}: all, a team of 3" in capsys.readouterr().out
