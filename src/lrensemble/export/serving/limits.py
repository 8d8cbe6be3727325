"""What a server takes, and how long it waits: everything that it holds in memory has an end."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Bounds of a server; what is beyond them is refused in a line."""

    batch_rows: int = 64
    """Rows that are predicted at once, of several requests; a request of more is predicted alone."""
    delay: float = 0.0
    """Seconds that a request waits for others at most; those that come during a prediction are together in any case."""
    queue: int = 256
    """Requests that are read, waiting or predicted at a time; further ones are told to come again (503)."""
    request_rows: int = 1024
    """Rows of one request."""
    request_pixels: int = 64_000_000
    """Pixels of all images of one request: a small file can be a huge image."""
    body_bytes: int = 16 * 2**20
    """Size of the body of one request."""
    seconds: float = 30.0
    """Time in which the head of a request must have come, then its body, and then a prediction must be there."""
    grace: float = 0.0
    """Seconds after SIGTERM in which it says that it is not ready, and still answers, so that a balancer takes note."""
