"""Pages that are looked at again and again choose their team by a small search."""

import pytest

from lrensemble.report.live import so_far


@pytest.fixture(autouse=True)
def small_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """The team is chosen at every look that finds a member more; `tests/cli/test_dashboard.py` has the real search."""
    monkeypatch.setattr(so_far, "METHOD", "greedy(size=5, bootstrap=2)")
