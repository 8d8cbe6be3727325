"""Signs of life: a file that is touched as long as its writer is at work, in a folder that goes with the last one."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def touch(path: Path) -> bool:
    """Give a file the time of now; False where it is gone. What cannot be touched stays as it is."""
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    except OSError:
        pass
    return True


def remove_if_empty(folder: Path) -> bool:
    """Remove a folder in which nothing lies; whether it was removed now. One that holds something stays."""
    with suppress(OSError):
        folder.rmdir()
        return True
    return False
