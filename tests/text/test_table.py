"""CSV: what a spreadsheet would run is text, what is a number stays one, and what is read back is what was written."""

import csv
import io

import pytest

from lrensemble.text import to_csv


def read(text: str, delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))


FORMULAS = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "  =1", "\uff1d1+1", "-", "+a", "=", '=HYPERLINK("x")']


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_formula_is_text(formula: str) -> None:
    ((cell, other),) = read(to_csv([(formula, "plain")]))
    assert (cell, other) == ("'" + formula, "plain")
    assert read(to_csv([(formula, "plain")], raw_formulas=True)) == [[formula, "plain"]]


@pytest.mark.parametrize("number", ["-1", "+2.5", "-1e-05", "-.5"])
def test_text_that_is_a_number_stays_one(number: str) -> None:
    assert read(to_csv([(number,)])) == [[number]]


@pytest.mark.parametrize("text", ["a,b", 'say "so"', "a;=1+1", " led by a blank", "it's", "", "p:=1+1"])
def test_other_text_is_read_back(text: str) -> None:
    assert read(to_csv([(text, 1), (text, 2)])) == [[text, "1"], [text, "2"]]


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_another_separator_divides_no_text(delimiter: str) -> None:
    for row in read(to_csv([(f"a{delimiter}=1+1", "b")]), delimiter):
        assert not [cell for cell in row if cell.startswith("=")]


def test_numbers_are_written_to_their_last_bit() -> None:
    numbers = [0.1 + 0.2, 5e-324, -1.0, 3, 1e22]
    assert [float(cell) for cell in read(to_csv([numbers]))[0]] == numbers


def test_control_characters_are_written_out() -> None:
    assert to_csv([("\t=1+1", "\x1b[2J", "a\nb")]) == "\\t=1+1,\\x1b[2J,a\\nb\n"
