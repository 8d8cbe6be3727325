"""Networks of LightGBM: boosted trees in its text format."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import DataError
from lrensemble.networks.base import NETWORKS, Runs
from lrensemble.networks.library import library

HEAD = b"tree\n"
"""First line of the text format."""


@NETWORKS.register(suffix=".txt", flat=True, raw=True)
def lightgbm(content: bytes) -> Runs:
    """Boosted trees of LightGBM in its text format, on one thread; they give what they gave, bit by bit.

    Raises:
        DataError: no such file, or one that is cut off.
        MissingExtraError: lightgbm is not installed.
    """
    booster = booster_of(content)

    def run(given: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(booster.predict(given, num_threads=1))

    return run


def booster_of(content: bytes) -> Any:
    """The booster of a text.

    Raises:
        DataError: no such file, or one that is cut off.
        MissingExtraError: lightgbm is not installed.
    """
    tool = library("lightgbm", "lightgbm", "a network of LightGBM")
    text = content.decode("utf-8", errors="replace").replace("\r\n", "\n")
    if not content.startswith(HEAD.rstrip()) or "\nend of trees" not in text:
        raise DataError("this is no whole file of LightGBM's Booster.save_model; save the model again")
    # Where the sizes of trees are given, LightGBM reads them in parallel, and whatever is wrong aborts the process.
    text = re.sub(r"^tree_sizes=.*\n", "", text, count=1, flags=re.MULTILINE)
    try:
        return tool.Booster(model_str=text)
    except Exception as error:  # LightGBMError, and what reading numbers raises
        reason = " ".join(str(error).split())[:160]
        raise DataError(f"this is no model that LightGBM can read: {reason}") from None
