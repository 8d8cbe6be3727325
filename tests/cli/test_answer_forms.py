"""Answers on standard output, in every form: tables, CSV, Markdown and LaTeX."""

import csv
import io

from lrensemble.cli.tables import Table, written

SCORES = Table("scores, of *all*", {"member": "left", "val": "right"})
SCORES.add_row("a|b_1", "97.3")
SCORES.add_row("=1+1")


def test_csv_has_a_line_for_each_row_and_no_formulas() -> None:
    assert written([SCORES], "csv") == "member,val\na|b_1,97.3\n'=1+1,\n"
    two = written([SCORES, Table("other", {"x": "left"})], "csv")
    blocks = [list(csv.reader(io.StringIO(block))) for block in two.split("\n\n")]
    assert blocks[0][0] == ["table", "member", "val"]
    assert blocks[0][1] == ["scores, of *all*", "a|b_1", "97.3"]
    assert blocks[1] == [["table", "x"]]


def test_markdown_escapes_what_it_would_read() -> None:
    assert written([SCORES], "markdown") == (
        "scores, of \\*all\\*\n\n| member | val |\n| --- | ---: |\n| a\\|b\\_1 | 97.3 |\n| =1+1 |  |\n"
    )


def test_latex_is_a_tabular_with_rules() -> None:
    assert written([SCORES], "latex").splitlines() == [
        "% scores, of *all*",
        r"\begin{tabular}{lr}",
        r"\toprule",
        r"member & val \\",
        r"\midrule",
        r"a|b\_1 & 97.3 \\",
        r"=1+1 &  \\",
        r"\bottomrule",
        r"\end{tabular}",
    ]
    one = Table("", {"x": "left"}, [("\\~^−–…<>&%$#_{}",)])
    assert r"\textbackslash{}\textasciitilde{}\textasciicircum{}$-$--\dots{}$<$$>$\&\%\$\#\_\{\} \\" in written(
        [one], "latex"
    )


def test_control_characters_are_written_out() -> None:
    hostile = Table("\x1b[2J", {"a": "left"}, [("\x1b[2J\n",)])
    for form in ("csv", "markdown", "latex"):
        text = written([hostile], form)
        assert "\x1b" not in text
        assert r"x1b" in text
