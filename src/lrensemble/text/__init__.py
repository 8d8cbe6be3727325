"""The one edge for text: what comes from files that people write, and what goes to terminals and spreadsheets.

`reading` decodes, bounds and parses; `visible` makes control characters harmless; `table` writes CSV; `duration` says
times, and `counted` numbers of things.
"""

from lrensemble.text.duration import time_in_words
from lrensemble.text.reading import (
    LARGEST_JSON,
    LARGEST_TEXT,
    NESTED,
    TextError,
    from_json,
    from_toml,
    read_bounded,
    read_text,
)
from lrensemble.text.table import to_csv
from lrensemble.text.visible import escaped_json, shortened, visible

__all__ = [
    "LARGEST_JSON",
    "LARGEST_TEXT",
    "NESTED",
    "TextError",
    "escaped_json",
    "from_json",
    "from_toml",
    "read_bounded",
    "read_text",
    "shortened",
    "time_in_words",
    "to_csv",
    "visible",
]
