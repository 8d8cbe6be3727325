"""Parts of the page without a browser: contents, tables, text alternatives, facts, and pages of unfinished pools."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.report.pages import HOSTILE, collapsed_pool

from lrensemble.evaluate import choose, default_consensus, evaluate, load, save, validation_of
from lrensemble.metrics.confusion import confusion_matrix
from lrensemble.pool import Failure, Pool
from lrensemble.report import write_report
from lrensemble.report.alternative import alternative
from lrensemble.report.course import course_of
from lrensemble.report.look import COLOURS, PAPERS, colour_at
from lrensemble.report.markup import anchors, contents_html, number_of, section_html, table_html
from lrensemble.report.page import page, sections_of
from lrensemble.report.report_data import ReportData
from lrensemble.report.section import Figure, Fold, Section, Table
from lrensemble.report.sections.confusion import confusion
from lrensemble.report.sections.diversity import accuracies, some_teams
from lrensemble.report.sections.heat_maps import heat_maps
from lrensemble.report.sections.hyper_parameters import hyper_parameters, parameters_of, study_of
from lrensemble.report.sections.members import members
from lrensemble.report.sections.price import cost_traces
from lrensemble.report.sections.trained import duration, trained, varied
from lrensemble.report.sections.uncertainty import uncertainty
from lrensemble.select import team_score


@pytest.fixture(scope="module")
def collapsed(tmp_path_factory: pytest.TempPathFactory) -> Pool:
    pool = collapsed_pool(tmp_path_factory.mktemp("collapsed") / "pool")
    save(pool, choose(pool, "all", folds=0))
    return pool


@pytest.fixture(scope="module")
def judged(collapsed: Pool) -> ReportData:
    return ReportData(collapsed, evaluate(collapsed, load(collapsed)))


def test_every_section_has_an_anchor_of_its_own_and_a_line_in_the_contents() -> None:
    sections = [Section("Size & cost"), Section("Size & cost"), Section("…")]
    ids = anchors(sections)
    assert ids == ["section-size-cost", "section-size-cost-2", "section-section"]
    contents = contents_html(sections, ids)
    assert re.findall(r'href="#([^"]+)"', contents) == ids
    assert "Size &amp; cost" in contents


def test_cells_of_numbers_say_by_what_they_are_sorted() -> None:
    table = Table(
        ["name", "rows", "p"],
        [["a", "1,234", "5.7e-14"], ["b", "–", "0.5 *"], [HOSTILE, "-2", ""]],
        minor=frozenset({2}),
    )
    html = table_html(table, "title")
    assert re.findall(r'data-sort="([^"]+)"', html) == ["1234", "5.7e-14", "-1e300", "0.5", "-2", "-1e300"]
    assert html.count("minor") == 4
    assert html.count("<script") == 0
    assert [number_of(cell) for cell in ("+0.5", "-0.01 … +0.08", "98.2 %", "1,000", "–")] == [
        0.5,
        -0.01,
        98.2,
        1000,
        None,
    ]
    names = table_html(Table(["label"], [["3"], ["Coat"]]))
    assert "data-sort" not in names, "a column of numbers and words is one of words"


def test_what_is_folded_away_is_text() -> None:
    html = section_html(Section("a", facts=[("<b>", HOSTILE)], folds=[Fold(HOSTILE, HOSTILE)]), "section-a", 2)
    assert "<script" not in html
    assert "<img" not in html
    assert html.count("<details>") == 1


def test_the_text_alternative_says_what_is_drawn() -> None:
    layout = {"xaxis": {"title": {"text": "size"}}, "yaxis": {"title": {"text": "accuracy, %"}}}
    traces = [{"type": "scatter", "mode": "lines", "name": "best", "x": [1, 3], "y": [90.0, 95.5]}]
    assert alternative(Figure("a", traces, layout)) == (
        "Lines of accuracy, % against size: best; x from 1 to 3 and y from 90 to 95.5."
    )
    heat = [{"type": "heatmap", "z": [[0, None], [2.5, 1]], "x": ["a", "b"], "y": ["a", "b"]}]
    assert alternative(Figure("b", heat, {})) == "Heat map; z from 0 to 2.5."


def test_colours_stand_out_on_both_papers() -> None:
    """WCAG 2.2: the contrast of graphics is 3 : 1 or more."""

    def luminance(colour: str) -> float:
        parts = [part / 255 for part in bytes.fromhex(colour[1:])]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for colour in (*COLOURS, *(colour_at(place / 10) for place in range(11))):
        for paper in PAPERS:
            dark, bright = sorted((luminance(colour), luminance(paper)))
            assert (bright + 0.05) / (dark + 0.05) >= 3, (colour, paper)


def test_the_head_says_what_was_trained(trained: Pool) -> None:
    section = dict(sections_by_title(trained))["What was trained"]
    facts = dict(section.facts)
    assert facts["data"] == "digits"
    assert facts["model"] == "mlp(width=32)"
    assert facts["policies"] == "one_cycle (2: peak 0.2, 0.4), cosine (2: peak 0.2, 0.4)"
    assert (facts["epochs"], facts["batch size"], facts["optimizer"]) == ("4", "100", "sgd")
    assert facts["seeds"].count(",") == 3
    assert facts["rows"] == ", ".join(f"{split.size:,} {name}" for name, split in trained.task.splits.items())
    assert "torch" in facts["versions"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d to \d{4}-.* UTC", facts["trained"])
    (fold,) = section.folds
    assert f"lrensemble reproduce {trained.folder.name} " in fold.text
    recipe = json.loads(fold.text[fold.text.index("{") :])
    assert recipe in [member.recipe for member in trained.members()]


def sections_by_title(pool: Pool) -> list[tuple[str, Section]]:
    return [(section.title, section) for section in sections_of(pool, None)]


def test_the_command_is_read_from_the_file_of_the_course(trained: Pool, tmp_path: Path) -> None:
    pool = Pool(tmp_path, trained.task)
    assert course_of(pool).first is None
    lines = ['{"time": "2026-01-02T03:04:05.678+00:00", "event": "planned", "command": "lrensemble run digits"}']
    lines += ["no JSON", '{"time": "2026-01-02T04:00:00.000+00:00", "event": "ended"}']
    (tmp_path / "progress.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    found = course_of(pool)
    assert found.command == "lrensemble run digits"
    assert (found.first, found.last) == ("2026-01-02 03:04:05", "2026-01-02 04:00:00")


def test_small_words() -> None:
    assert varied(["a", "", "b", "a", "c"], 2) == "a, b and 1 more"
    assert [duration(each) for each in (3.21, 59, 600, 9000)] == ["3.2 s", "59 s", "10 min", "2.5 h"]


def test_a_pool_that_is_not_evaluated_has_a_page_of_val_alone(trained: Pool, tmp_path: Path) -> None:
    sections = write_report(trained, None, tmp_path / "a page.html")
    titles = [section.title for section in sections]
    assert titles[0] == "digits: not evaluated yet"
    assert "no test row was looked at" in sections[0].prose[0]
    assert {"What was trained", "Members", "Rates and what came of them", "Diversity and size"} < set(titles)
    assert not {"Teams", "Reliability", "The price", "Confusions", "Classes and rows"} & set(titles)


def test_a_pool_without_members_has_a_page(trained: Pool, tmp_path: Path) -> None:
    labels = {split: trained.truth(split) for split in trained.task.splits}
    pool = Pool.create(tmp_path / "empty", trained.task, labels)
    pool.record_failure(Failure(id="abc", name=HOSTILE, traceback=f"Traceback …\nValueError: {HOSTILE}"))
    sections = sections_of(pool, None)
    assert [section.title for section in sections] == ["digits: not evaluated yet", "Members"]
    assert dict(sections[1].facts) == {"failed: ended in an error": "1"}
    assert sections[1].folds[0].text.endswith(HOSTILE)
    assert "<img" not in page("title", sections, "")


def test_members_stand_by_status(judged: ReportData) -> None:
    section = members(judged)
    assert section is not None
    assert [count for _, count in section.facts] == ["4", "1", "1"]
    assert [name.split(":")[0] for name, _ in section.facts] == ["finished", "learned nothing", "diverged"]
    assert [row[1] for row in section.tables[0].rows] == ["finished"] * 4 + ["learned nothing", "diverged"]


def test_a_collapsed_member_takes_no_colours(judged: ReportData) -> None:
    """The colours span the others alone, by hand: their largest disagreement."""
    useless = judged.sound.tolist().index(False)
    others = [place for place in range(len(judged.members)) if place != useless]
    said = judged.predicted[others]
    largest = max(float((one != other).mean()) for one in said for other in said)
    figure = next(figure for figure in heat_maps(judged) if figure.name == "disagreement")
    (trace,) = figure.traces
    assert trace["zmax"] == pytest.approx(100 * largest)
    assert np.max(trace["z"]) > 1.5 * trace["zmax"]
    assert sum("†" in name for name in trace["x"]) == 1
    assert "learned nothing" in figure.caption


def test_teams_are_scored_by_what_they_say(judged: ReportData) -> None:
    """Against the definition: each team combined and measured by itself, on some of the rows."""
    masks, _ = some_teams(len(judged.members))
    rows = np.arange(0, len(judged.labels), 3)
    found = accuracies(judged, rows, masks, default_consensus(judged.pool))
    validation = validation_of(judged.pool).rows(rows)
    for mask, accuracy in zip(masks, found, strict=True):
        assert accuracy == pytest.approx(team_score(validation, np.flatnonzero(mask).tolist(), metric="accuracy"))
    votes = []
    for mask in masks:
        counts = np.apply_along_axis(np.bincount, 0, judged.predicted[mask][:, rows], minlength=3)
        votes.append(float((counts.argmax(axis=0) == judged.labels[rows]).mean()))
    assert found.tolist() != pytest.approx(votes), "the mean is no vote"


def test_confusions_are_those_of_the_rows(judged: ReportData) -> None:
    section = confusion(judged)
    assert section is not None
    team = judged.team_said("test")
    assert team is not None
    labels = judged.truth("test")
    before, after = judged.seen(judged.best, "test").argmax(axis=1), team.argmax(axis=1)
    matrix, change = (figure.traces[0] for figure in section.figures)
    for label in range(3):
        for other in range(3):
            rows = labels == label
            share = 100 * float((after[rows] == other).mean())
            assert matrix["z"][label][other] == pytest.approx(share, abs=0.01)
            moved = int((after[rows] == other).sum()) - int((before[rows] == other).sum())
            assert change["z"][label][other] == ((moved if label == other else -moved) or None)
    np.testing.assert_array_equal(confusion_matrix(team, labels).sum(axis=1), np.bincount(labels))


def test_hyper_parameters_are_those_of_the_recipes(trained: Pool) -> None:
    pytest.importorskip("optuna")
    (found,) = {json.dumps(parameters_of(member)) for member in trained.members()[:1]}
    parameters: dict[str, Any] = json.loads(found)
    assert (parameters["policy"], parameters["policy.peak"], parameters["batch_size"]) == ("one_cycle", 0.2, 100.0)
    assert not {"seed", "init_seed", "data_seed"} & set(parameters)
    section = hyper_parameters(ReportData(trained, None))
    assert section is not None
    names = [figure.name for figure in section.figures]
    assert names == ["importance", "parallel", "slice_0", "slice_1"]
    importance = section.figures[0].traces[0]
    assert sorted(importance["y"]) == ["policy", "policy.peak"]


def test_the_study_holds_what_the_members_have() -> None:
    optuna = pytest.importorskip("optuna")
    trials: list[dict[str, Any]] = [{"peak": 0.01, "<b>": "<i>"}, {"peak": 1.0, "<b>": "x"}, {"peak": 0.1}]
    study = study_of(trials, [0.5, 0.9, 0.7], higher=True)
    assert study.best_trial.params == {"peak": 1.0, "&lt;b&gt;": "x"}
    assert [trial.value for trial in study.trials] == [0.5, 0.9, 0.7]
    assert study.trials[0].distributions["peak"] == optuna.distributions.FloatDistribution(0.01, 1.0, log=True)


def test_without_optuna_it_says_what_to_install(trained: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "optuna.visualization", None)
    section = hyper_parameters(ReportData(trained, None))
    assert section is not None
    assert "pip install 'lrensemble[search]'" in section.prose[0]


def test_members_that_differ_in_nothing_have_no_such_section(hostile: Pool) -> None:
    assert hyper_parameters(ReportData(hostile, None)) is None
    assert trained(ReportData(hostile, None)) is not None


def test_uncertainty_is_told_where_it_was_measured(judged: ReportData, collapsed: Pool) -> None:
    section = uncertainty(judged)
    assert section is not None
    abstaining, sets = section.tables
    assert [row[0] for row in abstaining.rows] == ["AURC", *(f"accuracy, surest {share} %" for share in (50, 80, 90))]
    assert [str(row[0]).split(", ")[-1] for row in sets.rows] == ["LAC", "APS", "RAPS"] * 2
    assert "55 test rows, measured on 55 others" in sets.caption
    assert all(len(row) == len(table.headings) for table in section.tables for row in table.rows)
    assert uncertainty(ReportData(collapsed, None)) is None


def test_labels_of_costs_stand_off_the_line_that_joins_the_best() -> None:
    points = [("one", 1.0, 80.0), ("two", 2.0, 85.0), ("ten", 10.0, 86.0)]
    line, marks = cost_traces(points, True)
    assert line["x"] == [1, 2, 10], "rises, so that below it on the right and above it on the left is room"
    assert marks["textposition"] == ["bottom right", "bottom right", "top left"]
    assert cost_traces(points, False)[1]["textposition"] == ["top right", "top right", "bottom left"]
