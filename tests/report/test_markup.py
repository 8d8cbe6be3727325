"""Tables as HTML: a column in which no row says anything is left out, and the others keep what belongs to them."""

import re

import pytest

from lrensemble.report.labels import whole_ticks
from lrensemble.report.markup import section_html, table_html
from lrensemble.report.section import Section, Table


def headings(html: str) -> list[str]:
    return re.findall(r"<th [^>]*>([^<]*)</th>", html)


def test_columns_that_say_nothing_are_left_out() -> None:
    rows = [["a", "", "1", "–"], ["b", "", "–", ""]]
    html = table_html(Table(["team", "seconds", "size", "latency"], rows, minor=frozenset({2})))
    assert headings(html) == ["team", "size"]
    assert html.count("<td") == 4
    assert html.count("minor") == 3, "the heading and both cells of the column that is left"


def test_names_and_empty_tables_keep_their_columns() -> None:
    assert headings(table_html(Table(["team", "size"], [["", "2"]]))) == ["team", "size"]
    assert headings(table_html(Table(["team", "size"], []))) == ["team", "size"]


def test_short_facts_stand_before_long_ones_and_a_name_breaks_at_its_bracket() -> None:
    long = "a command that needs a line of its own"
    html = section_html(Section("one", facts=[("command", long), ("epochs", "2")]), "section-one", 2)
    assert html.index("epochs") < html.index("command"), "no gap before a long one"
    assert "cosine(<wbr>peak=0.1)" in table_html(Table(["member"], [["cosine(peak=0.1)"]]))
    assert "two (of 3)" in table_html(Table(["member"], [["two (of 3)"]]))


def test_the_beginning_of_a_verdict_stands_out_as_text() -> None:
    html = section_html(Section("v", ["<b> is at 95 % better: so", "<b> again"], lead="<b> is at 95 % better"), "v", 1)
    assert "<p><strong>&lt;b&gt; is at 95&nbsp;% better</strong>: so</p>" in html
    assert html.count("<strong>") == 1
    assert "<strong>" not in section_html(Section("v", ["so"]), "v", 1)


@pytest.mark.parametrize(("counts", "step"), [([2, 5, 7], 1), ([2, 40], None), ([], None)])
def test_a_scale_of_few_whole_numbers_has_no_tick_between_them(counts: list[int], step: int | None) -> None:
    assert whole_ticks("size", counts).get("dtick") == step


def test_a_bound_is_a_number_and_a_day_is_none() -> None:
    rows = [["a", "0.03", "2026-11-28 09:47:00"], ["b", "< 1e-300", "2026-11-27 23:00:00"], ["c", "–", "–"]]
    html = table_html(Table(["team", "p", "since (UTC)"], rows))
    assert 'data-sort="1e-300">&lt;&nbsp;1e-300</td>' in html
    assert re.findall(r'data-sort="([^"]*)"', html) == ["0.03", "1e-300", "-1e300"], "days are ordered as text"


def test_a_number_stands_in_one_line_with_its_sign_and_unit() -> None:
    html = section_html(Section("one", ["gain +1 (95 % interval, p = 0.03), p < 1e-300; a map of 2 models"]), "one", 2)
    assert "(95&nbsp;% interval, p&nbsp;=&nbsp;0.03), p&nbsp;&lt;&nbsp;1e-300; a map of 2 models</p>" in html
