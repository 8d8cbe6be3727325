"""What CONTRIBUTING says is so: the chain of imports is the one that is enforced, and its files are there."""

import re
from pathlib import Path

from tests.test_architecture import LEVELS, SOURCE

CONTRIBUTING = (Path(__file__).parent.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_the_chain_of_imports_is_the_one_that_is_enforced() -> None:
    (chain,) = re.findall(r"^```\n(errors\n.*?)^```", CONTRIBUTING, re.DOTALL | re.MULTILINE)
    assert [set(line.split(", ")) for line in chain.splitlines()] == [set(level) for level in LEVELS]


def test_the_files_of_the_tour_are_there() -> None:
    tour = CONTRIBUTING.split("## Who calls whom")[1].split("\n## ")[0]
    named = re.findall(r"`([\w/]+(?:\.py|/))`", tour)
    assert len(named) >= 5
    assert [name for name in named if not (SOURCE / name).exists()] == []
