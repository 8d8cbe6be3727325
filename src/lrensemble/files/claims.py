"""A claim: the right of one process, of all on all machines that share a pool, to train a run.

```
POOL/unfinished/<name>/<holder>.<lease>s.<host>/   the claim; in it lies all that its holder writes until it is done
POOL/unfinished/<name>/free-<random>/              what a holder has left to the next one: a saved state
```

A claim is a folder whose name is its holder's own, and a rename is the one act that decides. To claim what nobody has,
a folder that holds the claim is renamed to `<name>`: the system refuses that for all but the first. To take a claim
over, its folder is renamed to a name of one's own, with the state in it: that, too, one process alone can do. So
nobody who lost a claim can write any more: what he writes goes to a folder that is not there. What is to be published
is written inside the claim as well and renamed from there.

A claim is abandoned when its process is dead, which its own machine knows at once, and when its folder was not touched
for longer than its lease. Its age is told by the clock of the file system, which machines that share it agree on. The
holder touches it between steps: a process that hangs does not, and that is wanted.
"""

from __future__ import annotations

import errno
import os
import platform
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from lrensemble.errors import ConfigError, LostClaimError, StorageError
from lrensemble.files.drafts import clear_once, draft_of, erase
from lrensemble.files.held import FREE, NAME, Held, held_by, holder_in, holder_of, look, threads
from lrensemble.files.holder import alive, this_process
from lrensemble.files.inside import check_inside, pool_above
from lrensemble.files.refused import storage_errors
from lrensemble.files.whole import make_folder

__all__ = ["Claim", "Held", "claim", "claimed", "holder_of", "lease_seconds", "poll_pause", "tidy"]

LEASE = "LRENSEMBLE_LEASE"
"""Variable of the environment that gives the seconds for which a claim holds that nobody touches."""

LEASE_SECONDS = 300
"""Seconds of a lease unless given; more than the longest step. Where one took long, the lease grows by itself."""

BEATS, STEPS = 10, 5
"""Touches of a claim within its lease, and the ratio of its lease to the longest pause so far, at least."""

POLL_SECONDS = 0.25, 5.0
"""Seconds between two polls of what another process has: at first, and at most."""
POLL_SHARE = 4
"""Ratio of the time that was waited to the pause before the next poll: no wait is longer by more than a quarter."""

ATTEMPTS = 100
"""Attempts to claim what others take and leave in the same moments."""

_EARLIER = "state.safetensors"
"""Name of the state that version 0.1.0, which had no claims, left beside them: it is resumed as well."""


@dataclass
class Claim:
    """Right of this process to write to a folder until it is done, or has lost it. Made by `claim`."""

    folder: Path
    """Folder that the holder writes to; another one whenever the lease has grown."""
    lease: int
    """Seconds."""

    def __post_init__(self) -> None:
        self._touched = time.monotonic()
        threads[self.folder.name] = threading.get_ident()

    def beat(self) -> None:
        """Tell others that the work goes on; to be called between steps, it is cheap.

        Raises:
            LostClaimError: another process has taken the claim over.
        """
        pause = time.monotonic() - self._touched
        if pause < self.lease / BEATS:
            return
        with self.fenced(), suppress(PermissionError):
            os.utime(self.folder)
            self._touched = time.monotonic()
            if pause * STEPS > self.lease:  # the next pause may be longer
                self.lease = int(STEPS * pause) + 1
                renamed = self.folder.with_name(_own_name(self.lease))
                threads[renamed.name] = threads.pop(self.folder.name)
                self.folder = self.folder.rename(renamed)

    @contextmanager
    def fenced(self) -> Iterator[None]:
        """A block that writes into the claim's folder, or renames from there.

        Raises:
            LostClaimError: another process has taken the claim over, and nothing was written.
        """
        try:
            yield
        except (StorageError, OSError):
            self.check()
            raise

    def check(self) -> None:
        """Look whether the claim is held.

        Raises:
            LostClaimError: another process has taken the claim over.
        """
        if not self.folder.is_dir():
            place = self.folder.parent
            raise LostClaimError(f"another process has taken {place} over: it was not touched for too long")

    def release(self) -> None:
        """Leave what lies in the folder to the next holder; nothing happens where the claim was lost."""
        with suppress(OSError):
            if not any(self.folder.iterdir()):
                self.finish()
                return
            self.folder.rename(self.folder.with_name(f"{FREE}-{secrets.token_hex(4)}"))
        threads.pop(self.folder.name, None)

    def finish(self) -> None:
        """Remove the claim with all that lies in it; nothing happens where it was lost."""
        place = self.folder.parent
        draft = draft_of(place)
        with suppress(OSError):
            self.folder.rename(draft)
            place.rmdir()
        erase(draft)
        threads.pop(self.folder.name, None)


def claim(home: Path, name: str, lease: int | None = None) -> Claim | Held:
    """Claim a name, with what an earlier holder left under it; or who has it.

    Args:
        home: the folder of all claims, `unfinished` in a pool.
        name: of a run, or of anything else that one process alone may do.
        lease: seconds after which the claim is another's if it was not touched; `LRENSEMBLE_LEASE` unless given.

    Raises:
        StorageError: the folder cannot be written, or a link stands where the claim belongs.
    """
    place = home / name
    check_inside(place / "claim")
    make_folder(home)
    clear_once(home.absolute(), pool_above(home))
    with storage_errors("write", place):
        for _ in range(ATTEMPTS):
            found = look(place)
            if found is None:
                taken = _begin(place, lease_seconds(lease))
            elif held := held_by(found, home):
                return held
            else:
                taken = _take(found, lease_seconds(lease))
            if taken:
                return taken
    raise StorageError(f"cannot claim {place}: something else is at work in it, or has left there what is no claim")


def tidy(home: Path) -> None:
    """Remove the empty folders of claims that a kill has left while they ended: an empty folder is no claim."""
    with suppress(OSError):
        for name in os.listdir(home):
            with suppress(OSError):  # one that holds a claim is not empty
                if not name.startswith("."):
                    os.rmdir(home / name)


@contextmanager
def claimed(home: Path, name: str, tell: Callable[[Held], object] | None = None) -> Iterator[Claim]:
    """Have a name in this block, as soon as nobody else has it: for what takes a moment, or is `beating`.

    Args:
        home: the folder of all claims.
        name: of what one process alone may do at a time.
        tell: told once who has it, where it is waited for.

    Raises:
        StorageError: the folder cannot be written.
    """
    began = time.monotonic()
    while isinstance(mine := claim(home, name), Held):
        if tell is not None:
            tell(mine)
            tell = None
        time.sleep(poll_pause(began))
    try:
        yield mine
    finally:
        mine.finish()


def poll_pause(began: float) -> float:
    """Seconds until the next poll of what another process has, for who waits since a time of `time.monotonic`."""
    return min(max(POLL_SECONDS[0], (time.monotonic() - began) / POLL_SHARE), POLL_SECONDS[1])


def _begin(place: Path, lease: int) -> Claim | None:
    """Claim what nobody has; None where another was first."""
    draft, name = draft_of(place), _own_name(lease)
    draft.mkdir()
    try:
        if (place / _EARLIER).is_file():
            place.rename(draft / name)
        else:
            (draft / name).mkdir()
        draft.rename(place)
    except OSError as error:
        erase(draft)
        # The one that was first may have left it again by now.
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST) and not place.is_dir():
            raise
        with suppress(OSError):  # an empty folder is no claim; some systems rename over it, some do not
            place.rmdir()
        return None
    return Claim(place / name, lease)


def _take(found: Path, lease: int) -> Claim | None:
    """Take over what was left or abandoned, with all that lies in it; None where another was first."""
    match = NAME.fullmatch(found.name)
    if match and match["lease"]:  # whoever was too slow for its lease once may be so again
        lease = max(lease, 2 * int(match["lease"]) if alive(holder_in(match)) is not False else 0)
    own = found.with_name(_own_name(lease))
    try:
        os.utime(found)  # before it is ours, so that it is never old and ours
        found.rename(own)
    except FileNotFoundError:
        return None
    return Claim(own, lease)


def _own_name(lease: int) -> str:
    host = re.sub(r"[^\w-]+", "-", platform.node(), flags=re.ASCII)[:32]
    return f"{this_process()}-{secrets.token_hex(4)}.{lease}s.{host}"


def lease_seconds(given: int | None = None) -> int:
    """Seconds.

    Raises:
        ConfigError: the environment says something else.
    """
    if given is not None:
        return given
    text = os.environ.get(LEASE, str(LEASE_SECONDS))
    if not re.fullmatch(r"[1-9]\d{0,8}", text, re.ASCII):
        raise ConfigError(f"{LEASE} = {text!r} is refused; give whole seconds, such as {LEASE_SECONDS}")
    return int(text)
