"""`python -m lrensemble`, the same as the command `lrensemble`."""

import os
import sys


def _leave_current_folder() -> None:
    """Take the current folder, which python -m puts before all libraries, out again: a numpy.py in it would be run."""
    try:
        here = os.getcwd()
    except OSError:  # it has been removed
        here = ""
    if not sys.flags.safe_path and sys.path[:1] in ([""], [here]):
        del sys.path[0]


if __name__ == "__main__":
    _leave_current_folder()
    from lrensemble.cli import main

    main()
