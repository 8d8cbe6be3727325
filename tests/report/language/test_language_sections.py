"""Sections that only pools of language models have: what stands in them, and what they say when something is wrong."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest
from tests.report.language.pools import MEMBERS, OF_BASE_ALONE, ask, judge, token_pool
from tests.report.pages import HOSTILE, Window

from lrensemble.evaluate import Result, choose, evaluate, load, save
from lrensemble.evaluate.benchmarks import read_judgement, write_judgement
from lrensemble.files import seal
from lrensemble.language.questions import QUESTIONS
from lrensemble.metrics.significance.wilson import wilson
from lrensemble.pool import Pool
from lrensemble.report.language.data import ANSWERS, JUDGEMENT, Asked, asked
from lrensemble.report.language.losses import perplexity, scale_limit
from lrensemble.report.page import HEAD, sections_of
from lrensemble.report.page import page as page_of
from lrensemble.report.report_data import ReportData
from lrensemble.report.section import Section, plotly_script

LANGUAGE = (
    "Rates and losses by policy",
    "Benchmarks side by side",
    "Answers that change",
    "Disagreement of adapters",
    "Cost against the base",
)


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Pool:
    home = tmp_path_factory.mktemp("language") / "a run"
    found = token_pool(home / "pool")
    ask(found, home / "questions")
    return found


@pytest.fixture(scope="module")
def result(pool: Pool) -> Result:
    return evaluate(pool, load(pool))


@pytest.fixture
def own(tmp_path: Path) -> Pool:
    """One that a test may spoil."""
    found = token_pool(tmp_path / "pool")
    ask(found, tmp_path / "questions")
    return found


def by_title(pool: Pool, result: Result | None = None) -> dict[str, Section]:
    found = sections_of(pool, evaluate(pool, load(pool)) if result is None else result)
    return {section.title: section for section in found}


def test_a_browser_draws_them_cuts_nothing_and_takes_no_question_for_markup(browser: Window, own: Pool) -> None:
    path = own.folder.parent / ANSWERS / QUESTIONS
    content = json.loads(path.read_bytes())["questions"]
    hostile = {split: [{**each, "question": HOSTILE} for each in texts] for split, texts in content.items()}
    path.write_bytes(seal({"questions": hostile}))
    path = own.folder / "page.html"
    sections = sections_of(own, evaluate(own, load(own)), page=path)
    titles = [section.title for section in sections]
    start = titles.index(LANGUAGE[0])
    assert tuple(titles[start : start + len(LANGUAGE)]) == LANGUAGE
    drawn = sections[: start + len(LANGUAGE)]  # those below are drawn on pages of other pools
    path.write_text(page_of("tokens", drawn, plotly_script(), HEAD), encoding="utf-8")
    page, errors, _ = browser.show(path, 390)
    assert errors == []
    assert page.title() != "owned"
    assert page.locator("img").count() == 0
    assert HOSTILE in page.locator("article.card .said").first.inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.locator("article.card h3").first.inner_text().endswith(": corrected")
    assert page.locator("article.card button").count() == 0


def test_losses_stand_by_policy_and_rate_and_a_failed_member_stretches_nothing(pool: Pool, result: Result) -> None:
    section = by_title(pool, result)["Rates and losses by policy"]
    assert [row[1] for row in section.tables[0].rows] == ["0.01", "0.1", "0.01", "1"]
    assert "cosine(peak=1.0)" in section.prose[-1]
    assert any("the mean of token probabilities (token_probabilities)" in sentence for sentence in section.prose)
    figure = section.figures[0]
    losses = [each.val.nll for each in result.members if each.val is not None and each.val.nll is not None]
    low, high = figure.layout["yaxis"]["range"]
    assert low < min(losses) < sorted(losses)[-2] < high < max(losses)
    drawn = [value for trace in figure.traces for value in trace["y"]]
    assert all(low < value < high for value in drawn)
    assert [trace["marker"]["symbol"][-1] for trace in figure.traces][-1] == "arrow-up"


def test_the_scale_by_hand() -> None:
    assert scale_limit([1.0, 1.1, 1.2, 9.0]) == 1.2
    assert scale_limit([1.0, 1.1]) == 1.1
    assert scale_limit([2.0, 2.0, 2.0]) == 2.0
    assert scale_limit([3.0]) == 3.0
    assert (perplexity(0), perplexity(np.log(12.5)), perplexity(50)) == ("1.00", "12.50", "> 1,000,000")


def test_benchmarks_are_those_that_were_judged(pool: Pool, result: Result) -> None:
    section, judged = by_title(pool, result)["Benchmarks side by side"], read_judgement(pool.folder.parent / JUDGEMENT)
    accuracy, likelihood = section.tables
    assert [row[0] for row in accuracy.rows] == ["arc_easy", "winogrande"] == list(judged.benchmarks)
    for row, nll, each in zip(accuracy.rows, likelihood.rows, judged.benchmarks.values(), strict=True):
        scores = (each.base, each.single, each.team)
        assert row[3:6] == [f"{100 * own.accuracy:.2f}" for own in scores if own and own.accuracy is not None]
        assert nll[1:4] == [f"{own.nll:.4f}" for own in scores if own and own.nll is not None]
        assert row[-1] == f"{each.adjusted_p['accuracy']:.2g}"
    assert "the mean of answer probabilities (answer_probabilities)" in section.prose[0]


@pytest.mark.parametrize(("right", "rows"), [(0, 7), (7, 7), (3, 40), (511, 1000)])
def test_intervals_are_those_of_scipy(right: int, rows: int) -> None:
    expected = binomtest(right, rows).proportion_ci(method="wilson")
    assert wilson(right / rows, rows) == pytest.approx((expected.low, expected.high))


def test_changed_answers_are_counted_and_shown_with_who_said_what(pool: Pool, result: Result) -> None:
    found = asked(ReportData(pool, result))
    assert isinstance(found, Asked)
    assert found.team is not None
    kinds: dict[str, set[str]] = {"corrected": set(), "broken": set(), "wrong in both, another answer": set()}
    for split in found.pool.task.test_sets:
        said = {member.id: np.exp(member.predictions(split).main.astype(float)) for member in found.pool.members()}
        team = sum(weight * said[id_] for id_, weight in zip(found.team.members, found.team.weights, strict=True))
        assert isinstance(team, np.ndarray)
        for row, right in enumerate(found.pool.truth(split).tolist()):
            before, after = said[found.best.id][row].argmax(), team[row].argmax()
            if before != after:
                kind = (
                    "corrected" if after == right else "broken" if before == right else "wrong in both, another answer"
                )
                ids = found.pool.ids(split)
                assert ids is not None
                kinds[kind].add(ids[row].replace("/", ", "))
    section = by_title(pool, result)["Answers that change"]
    assert f"{len(kinds['corrected'])} are corrected, {len(kinds['broken'])} are broken" in section.prose[0]
    assert len(section.cards) == sum(min(3, len(own)) for own in kinds.values()) > 2
    for card in section.cards:
        name, _, kind = card.heading.partition(": ")
        assert name in kinds[kind]
        assert card.table is not None
        assert sum(row[0].endswith(" ✓") for row in card.table.rows if isinstance(row[0], str)) == 1
        assert sum(int(str(row[-1])) for row in card.table.rows) == MEMBERS
        assert sum(text.count("peak=") for _, text in card.notes) == MEMBERS


def test_the_texts_of_questions(pool: Pool, result: Result) -> None:
    texts = {
        card.heading.split(",")[0]: (card.texts[0][1], [row[0] for row in card.table.rows])
        for card in by_title(pool, result)["Answers that change"].cards
        if card.table is not None
    }
    question, choices = texts["winogrande"]
    assert question.startswith("so _ is q2")
    assert [len(str(choice).removesuffix(" ✓").split()) for choice in choices] == [2, 2]
    assert texts["arc_easy"][0].startswith("Question: what is ")


def test_adapters_are_compared_by_their_changes_and_not_by_their_factors(pool: Pool, result: Result) -> None:
    found = by_title(pool, result)
    figures = {figure.name: figure for figure in found["Disagreement of adapters"].figures}
    assert list(figures) == ["updates", "tokens", "answers", "update-layers", "pairs"]
    values = np.array(figures["updates"].traces[0]["z"], dtype=float)
    assert np.isnan(np.diag(values)).all()
    assert np.isfinite(values).sum() == MEMBERS * (MEMBERS - 1)
    assert {figure.name for figure in found["Members"].figures}.isdisjoint({"cosine", "distance", "layers"})
    assert sum(label.endswith("†") for label in figures["tokens"].traces[0]["y"]) == 1


def test_cost_counts_what_is_added_to_the_base_once(pool: Pool, result: Result) -> None:
    rows = {
        str(row[0]).partition(":")[0]: row for row in by_title(pool, result)["Cost against the base"].tables[0].rows
    }
    own = 2 * (5 + 7) * 2
    team = (
        result.teams["greedy(size=6, bootstrap=0)"]
        if result.verdict.method is None
        else result.teams[result.verdict.method]
    )
    assert rows["best single"][1:3] == ["1", f"{own}"]
    assert rows["team"][1:3] == [str(len(team.members)), f"{own * len(team.members)}"]
    assert rows["all"][1:5] == [str(MEMBERS), f"{own * MEMBERS}", "–", "40.0"]


def test_the_price_of_a_team_holds_the_base_once(pool: Pool, result: Result) -> None:
    section = by_title(pool, result)["The price"]
    rows = {str(row[0]): row for row in section.tables[0].rows}
    own = 2 * (5 + 7) * 2
    assert rows["best single"][2] == f"{OF_BASE_ALONE + own:,}"
    assert rows["all"][1:3] == [str(MEMBERS), f"{OF_BASE_ALONE + own * MEMBERS:,}"]
    assert "the base of adapters once" in section.prose[0]


def test_a_pool_that_is_not_judged_yet_shows_what_there_is(pool: Pool) -> None:
    titles = [section.title for section in sections_of(pool, None)]
    assert {"Rates and losses by policy", "Disagreement of adapters"} <= set(titles)
    assert not {"Benchmarks side by side", "Answers that change", "Cost against the base"} & set(titles)


def test_a_pool_of_answers_has_its_own_benchmarks(pool: Pool) -> None:
    answers = Pool.open(pool.folder.parent / ANSWERS)
    for method in ("greedy(size=6, bootstrap=0)", "all"):
        save(answers, choose(answers, method, folds=0))
    result = evaluate(answers, load(answers))
    section = by_title(answers, result)["Benchmarks side by side"]
    assert [row[0] for row in section.tables[0].rows] == ["arc_easy", "winogrande"]
    single = result.references[result.verdict.metric].test.accuracy
    assert single is not None
    assert section.tables[0].rows[0][3] == f"{100 * single:.2f}"
    assert "validation rows of these questions" in " ".join(section.prose)


def test_a_judgement_of_another_team_is_not_shown(own: Pool) -> None:
    for path in (own.folder / "selections").iterdir():
        path.unlink()
    save(own, choose(own, "all", folds=0))
    section = by_title(own)["Benchmarks side by side"]
    assert section.prose[0].endswith(f"lrensemble benchmark {own.folder} NAME… judges this team.")
    assert section.tables == ()
    judge(own)
    assert len(by_title(own)["Benchmarks side by side"].prose) < 3


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"single": "m3"}, "judges another best single member than the one that is best now"),
        ({"single": "elsewhere"}, "is of another pool (tokens)"),
        ({"task": "others"}, "is of another pool (others)"),
        ({"team": ("m0", "m1", "m2", "m3")}, "judges another team than the one that is judged now"),
    ],
)
def test_a_judgement_of_others_is_not_shown(own: Pool, change: dict[str, object], said: str) -> None:
    path = own.folder.parent / JUDGEMENT
    found = read_judgement(path)
    write_judgement(found.model_copy(update={"choice": found.choice.model_copy(update=change)}), path)
    assert said in by_title(own)["Benchmarks side by side"].prose[0]


def test_what_is_damaged_is_said_and_the_page_is_written(own: Pool) -> None:
    path = own.folder.parent / ANSWERS / QUESTIONS
    content = json.loads(path.read_bytes())
    content["questions"]["test:arc_easy"].pop()
    path.write_text(json.dumps(content))
    section = by_title(own)["Benchmarks side by side"]
    assert section.prose[0].startswith("The benchmarks beside this pool cannot be shown: ")
    assert "is damaged: its checksum is not that of its content" in section.prose[0]
    path.unlink()
    cards = by_title(own)["Answers that change"].cards
    assert cards
    assert all(card.texts[0][1] == "" for card in cards)
