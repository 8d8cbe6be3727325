"""Small networks are served by one thread of the CPU, large ones by all that torch has."""

from tests.export.serving.conftest import ensemble_of

from lrensemble.export.serving import Served
from lrensemble.models.arithmetic import threads


def test_small_networks_do_not_wait_for_threads() -> None:
    with threads(2):
        assert Served("small", ensemble_of()).threads() == 1
        # Eight rows of 640,000 values times seven units, two operations each: 72 million.
        assert Served("large", ensemble_of(shape=(1, 800, 800))).threads() == 2
