"""Names beside an axis: short, escaped, and each another one."""

from lrensemble.report.labels import LONGEST, axis_labels


def test_short_names_stay_and_long_ones_keep_both_ends() -> None:
    long = "multi_step(gamma=0.1, milestones=[0.3, 0.6], peak=0.05)"
    short, cut = axis_labels(["cosine(peak=0.1)", long])
    assert short == "cosine(peak=0.1)"
    assert cut == "multi_step(ga…], peak=0.05)"
    assert len(cut) <= LONGEST


def test_names_that_are_equal_when_cut_stay_apart() -> None:
    names = [f"{'a' * 40}{place}{'b' * 40}" for place in range(3)]
    found = axis_labels(names)
    assert len(set(found)) == 3
    assert found[1] == f"{found[0]} (2)"


def test_cut_names_are_escaped_whole() -> None:
    (label,) = axis_labels(["<b>" * 30])
    assert label == "&lt;b&gt;" * 4 + "&lt;…&gt;" + "&lt;b&gt;" * 4
    assert axis_labels(["a&b", "א\u202eב"]) == ["a&amp;b", "א\\u202eב"]
