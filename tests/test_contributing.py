"""What CONTRIBUTING says is so: the chain of imports is the one that is enforced."""

import re
from pathlib import Path

from tests.test_architecture import LEVELS

CONTRIBUTING = (Path(__file__).parent.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_the_chain_of_imports_is_the_one_that_is_enforced() -> None:
    (chain,) = re.findall(r"^```\n(errors\n.*?)^```", CONTRIBUTING, re.DOTALL | re.MULTILINE)
    assert [set(line.split(", ")) for line in chain.splitlines()] == [set(level) for level in LEVELS]
