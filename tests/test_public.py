"""What is importable is what is declared."""

import subprocess
import sys

import pytest

import lrensemble


def test_few_names() -> None:
    assert len(lrensemble.__all__) <= 33
    assert lrensemble.__all__ == sorted(set(lrensemble.__all__))
    assert dir(lrensemble) == sorted([*lrensemble.__all__, "__version__"])


@pytest.mark.parametrize("name", lrensemble.__all__)
def test_every_name_is_there_and_documented(name: str) -> None:
    assert getattr(lrensemble, name).__doc__


def test_nothing_else_is_public() -> None:
    script = """
import lrensemble, types
found = {n for n, v in vars(lrensemble).items() if not n.startswith("_") and not isinstance(v, types.ModuleType)}
print(sorted(found - set(lrensemble.__all__) - {"lazily", "TYPE_CHECKING"}))
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'selct'"):
        lrensemble.selct  # noqa: B018
