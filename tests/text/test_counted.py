"""Numbers of things, as they are said."""

import pytest

from lrensemble.text.counted import counted


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0 members"), (1, "1 member"), (2, "2 members"), (1000, "1,000 members")]
)
def test_one_thing_is_no_plural(number: int, said: str) -> None:
    assert counted(number, "member") == said
