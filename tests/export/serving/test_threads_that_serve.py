"""Small networks are served by one thread of the CPU, large ones by all that torch has."""

import torch
from tests.export.serving.conftest import ensemble_of
from torch import Tensor, nn

from lrensemble.export.networks import Networks
from lrensemble.export.operations import operations_of
from lrensemble.models.arithmetic import threads


def test_small_networks_do_not_wait_for_threads() -> None:
    with threads(2):
        assert Networks(ensemble_of()).threads() == 1
        # Eight rows of 640,000 values times seven units, two operations each: 72 million.
        assert Networks(ensemble_of(shape=(1, 800, 800))).threads() == 2


class Attending(nn.Module):
    """Attention of 5 places of 4 numbers to themselves, and then to 7 places of 3 numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.own = nn.MultiheadAttention(4, 2, batch_first=True)
        self.other = nn.MultiheadAttention(4, 2, batch_first=True, kdim=3, vdim=3)

    def forward(self, rows: Tensor) -> Tensor:
        found: Tensor = self.own(rows, key=rows, value=rows)[0]
        other = torch.ones(len(rows), 7, 3)
        attended: Tensor = self.other(found, other, other)[0]
        return attended


def test_all_projections_of_attention_are_counted() -> None:
    itself = 5 * (3 * 4 * 4 + 4 * 4)  # query, key and value, and the output
    other = 5 * 4 * 4 + 7 * 2 * 3 * 4 + 5 * 4 * 4
    assert operations_of(Attending().eval(), torch.ones(2, 5, 4)) == 2 * (itself + other)
