"""Studies of these tests choose their teams by a small search, which is most of what a comparison computes."""

from collections.abc import Iterator

import pytest
from tests.evaluate.pools import SMALL

from lrensemble.evaluate.study import comparison


@pytest.fixture(scope="module", autouse=True)
def small_search() -> Iterator[None]:
    """A search of few steps in the place of the default, which `tests/cli/test_study_command.py` has."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(comparison, "METHOD", SMALL)
        yield
