"""Paths as the front door takes them."""

from __future__ import annotations

import os

PathLike = str | os.PathLike[str]
"""A path, as text or any object that stands for one."""
