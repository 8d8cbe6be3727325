"""What is told of one registered name, and annotations in words."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from lrensemble.errors import UnknownNameError
from lrensemble.registry import HOMES, Registry, entry_of, kinds_of, registry_of
from lrensemble.registry.annotations import allowed_words, type_words
from lrensemble.registry.entry import Argument, docstring_parts
from lrensemble.spec import Spec

SHAPES: Registry[float] = Registry("shape")


@SHAPES.register(side=2.0)
def square(scale: float, *, side: Annotated[float, Field(gt=0)], corners: tuple[int, ...] = (1, 2)) -> float:
    """Area of a square (Euclid 1956, book 1).

    Scaled (or not), as in 1956.

    Args:
        scale: factor.
        side: length of a side,
            in metres.
        corners: which of them are round.

    Raises:
        ValueError: never.
    """
    return scale * side**2 * len(corners)


def test_all_that_is_known_of_a_name() -> None:
    entry = entry_of(SHAPES, "square")
    assert entry.signature == "square(side: float, corners: list of int = [1, 2])"
    assert (entry.kind, entry.example, entry.facts, entry.aliases) == ("shapes", "square(side=2.0)", {}, ())
    assert entry.summary == "Area of a square (Euclid 1956, book 1)."
    assert entry.text == "Area of a square (Euclid 1956, book 1).\n\nScaled (or not), as in 1956."
    assert entry.arguments == (
        Argument("side", "float", None, "> 0", "length of a side, in metres."),
        Argument("corners", "list of int", "[1, 2]", "", "which of them are round."),
    )
    assert entry.source == "tests.registry.test_entry:square" or entry.source.endswith("test_entry:square")
    assert entry.citations == ("Euclid 1956, book 1",)


@pytest.mark.parametrize("kind", HOMES)
def test_everything_registered_can_be_told(kind: str) -> None:
    registry = registry_of(kind)
    for name in (each for each in registry if registry.find(each).shipped):  # others are those of other tests
        entry = entry_of(registry, name)
        assert entry.name == name
        assert entry.summary
        assert [each.name for each in entry.arguments] == list(registry.arguments(name))
        module, _, function = entry.source.partition(":")
        assert module.startswith("lrensemble.")
        assert function


@pytest.mark.parametrize(
    ("annotation", "words", "allowed"),
    [
        (int, "int", ""),
        (int | None, "int | none", ""),
        (Annotated[int, Field(ge=1, le=10_000)], "int", ">= 1 and <= 10,000"),
        (Annotated[float, Field(gt=0)] | None, "float | none", "> 0"),
        (tuple[Annotated[float, Field(lt=1)], ...], "list of float", "each < 1"),
        (Sequence[str], "list of str", ""),
        (dict[str, int], "table of int", ""),
        (Literal["a", "b"], "'a' | 'b'", ""),
        (Annotated[int, Field(ge=0, le=2**63 - 1)], "int", ">= 0 and <= 2^63 - 1"),
        (Annotated[tuple[int, ...], Field(min_length=2)], "list of int", "at least 2 long"),
        (Spec, "name(…)", ""),
        (Path, "Path", ""),
        (Any, "any", ""),
        (list, "list", ""),
    ],
)
def test_annotations_in_words(annotation: Any, words: str, allowed: str) -> None:
    assert (type_words(annotation), allowed_words(annotation)) == (words, allowed)


def test_a_docstring_without_sections() -> None:
    assert docstring_parts("One line.") == ("One line.", {})
    assert docstring_parts("") == ("", {})


def test_where_a_name_is_found() -> None:
    assert kinds_of("greedy") == ["selectors"]
    assert kinds_of("stacking") == ["selectors", "consensus"]
    assert kinds_of("log_loss") == ["metrics"], "an alias"
    assert kinds_of("wrn-16-4") == ["models"], "a name of a family"
    with pytest.raises(UnknownNameError, match=r"nothing is named 'gready'; did you mean 'greedy'\? \(kinds: pol"):
        kinds_of("gready")
    with pytest.raises(UnknownNameError, match="nothing is named 'os:getcwd'"):
        kinds_of("os:getcwd")
