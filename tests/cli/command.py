"""What running the command line in a test gives."""

import json
from collections.abc import Callable
from importlib import import_module
from typing import NamedTuple

from pydantic import TypeAdapter


class Outcome(NamedTuple):
    status: int
    out: str
    err: str

    @property
    def record(self) -> object:
        return json.loads(self.out)


Command = Callable[..., Outcome]


def check_output(verb: str, out: str) -> None:
    """What a verb prints with `--json` is of the type that it says: no key is missing, ill-typed or unknown."""
    printed = import_module(f"lrensemble.cli.{verb.replace('-', '_')}").output()
    TypeAdapter(printed).validate_json(out, extra="forbid")
