"""Tables as HTML: a column in which no row says anything is left out, and the others keep what belongs to them."""

import re

from lrensemble.report.markup import table_html
from lrensemble.report.section import Table


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
