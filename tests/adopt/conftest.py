"""Running the command line, as its own tests do."""

from tests.cli.conftest import command

__all__ = ["command"]
