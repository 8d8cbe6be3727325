"""What running the command line in a test gives."""

import json
from collections.abc import Callable
from typing import NamedTuple


class Outcome(NamedTuple):
    status: int
    out: str
    err: str

    @property
    def record(self) -> object:
        return json.loads(self.out)


Command = Callable[..., Outcome]
