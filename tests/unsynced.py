"""Files of tests stay in the memory of the system: to wait for the disk was half of the time that the suite took.

`fsync` is for a power failure, which no test makes; a killed process leaves to the system what it had written.
"""

import os

fsync = os.fsync
"""The real one."""


def leave_unsynced() -> None:
    """From here on, in this process and its forked children."""
    os.fsync = lambda fd: None  # noqa: ARG005 – the name that it has
