"""Curves of characters, where the terminal has them and where it has not."""

from lrensemble.cli.sparkline import sparkline


def test_from_the_lowest_to_the_highest() -> None:
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7]) == "▁▂▃▄▅▆▇█"
    assert sparkline([3, 1, 2]) == "█▁▅"
    assert sparkline([0.1, 0.1]) == "▅▅"
    assert sparkline([]) == ""


def test_a_terminal_without_such_characters() -> None:
    assert sparkline([0, 7], "ascii") == "_@"
    assert sparkline([0, 7], "no such encoding") == "_@"
