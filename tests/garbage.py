"""The garbage collector while tests run: it leaves out what is there to stay, and looks seldom.

After every 700 new objects, as usual, it looks through thousands that live on: 7 % of what tests computed. Programs
that collect by themselves, as after a failed run, look through all that tests have imported.
"""

import gc
import sys

YOUNG_OBJECTS = 50_000
"""New objects after which it looks for cycles."""

MANY_MODULES = 200
"""As many more than before are worth a look through what they brought, after which there is none."""

_kept_modules = 0


def collect_seldom() -> None:
    """From here on; what has been imported so far is never looked through again, in forked children neither."""
    gc.set_threshold(YOUNG_OBJECTS)
    gc.enable()
    _keep()


def keep_what_is_imported() -> None:
    """Leave out what has been imported since as well: a library is a hundred thousand objects, none of them to free."""
    if len(sys.modules) > _kept_modules + MANY_MODULES:
        gc.collect()
        _keep()


def _keep() -> None:
    global _kept_modules
    gc.freeze()
    _kept_modules = len(sys.modules)
