"""Rows that are drawn where there are too many: the same ones every time, each once, in their order."""

from lrensemble.rows import sampled


def test_all_rows_where_they_are_few_enough() -> None:
    assert sampled(3, 3).tolist() == sampled(3, 5).tolist() == [0, 1, 2]


def test_different_rows_in_their_order() -> None:
    found = sampled(1000, 7).tolist()
    assert found == sorted({*found})
    assert len(found) == 7
    assert 0 <= found[0] < found[-1] < 1000
    assert found == sampled(1000, 7).tolist()


def test_one_row_at_least() -> None:
    assert len(sampled(1000, 0)) == 1
