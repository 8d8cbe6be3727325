"""Refusal of a request: a status of HTTP and one line."""

from __future__ import annotations

from lrensemble.errors import DataError

BAD_REQUEST, NOT_FOUND, TOO_SLOW, TOO_LARGE, OTHER_MEDIA, BUSY, TIMED_OUT = 400, 404, 408, 413, 415, 503, 504


class RefusedError(DataError):
    """A request cannot be answered."""

    def __init__(self, message: str, status: int = BAD_REQUEST, headers: dict[str, str] | None = None) -> None:
        """Say why.

        Args:
            message: one line: what was given, what is allowed.
            status: of HTTP.
            headers: of the response.
        """
        super().__init__(message)
        self.status, self.headers = status, headers or {}
