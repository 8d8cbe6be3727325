"""A target is one file: few others name the target of numbers, and all others ask the target that they have."""

from benchmarks.house import touched_by_values

MOST = 15


def test_few_files_name_a_target() -> None:
    named = touched_by_values()
    assert len(named) <= MOST, f"{len(named)} files name the target `values`; let them ask their target: {named}"
    assert "data/truth.py" in named  # where a column is found to hold numbers: the count sees what it is to see
