"""Names explain themselves; arguments are checked against the annotations."""

from typing import Literal

import pytest

from lrensemble.errors import SpecError, UnknownNameError
from lrensemble.registry import Registry

SHAPES: Registry[float] = Registry("shape")


@SHAPES.register(side=2.0)
def square(scale: float, *, side: float, unit: Literal["m", "cm"] = "m", powers: tuple[int, ...] = (2,)) -> float:
    """Area of a square."""
    return scale * side ** powers[0] * (1 if unit == "m" else 1e-4)


@SHAPES.register("half-disc", radius=1.0)
def half_disc(scale: float, *, radius: float) -> float:
    """Area of half a disc."""
    return scale * 1.5 * radius**2


def test_every_example_runs() -> None:
    assert [SHAPES.call(SHAPES.example(name), 1.0) for name in SHAPES] == [4.0, 1.5]
    assert list(SHAPES) == ["square", "half-disc"]
    assert SHAPES.summary("square") == "Area of a square."


def test_integers_serve_as_floats_and_lists_as_tuples() -> None:
    assert SHAPES.call("square(side=3, unit='cm', powers=[1])", 1.0) == pytest.approx(3e-4)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("squar(side=1)", "no shape named 'squar'; did you mean 'square'"),
        ("SQUARE(side=1)", "no shape named 'SQUARE'; did you mean 'square'"),
        ("square(sid=1)", "shape 'square' has no argument 'sid'; did you mean 'side'"),
        ("square", "shape 'square' needs side: e.g. square"),
        ("square(side='3')", "side = '3' is refused: input should be a valid number"),
        ("square(side=1, unit='km')", "unit = 'km' is refused: input should be 'm' or 'cm'"),
        ("square(side=1, scale=2)", "has no argument 'scale'"),
    ],
)
def test_what_cannot_be_called_is_refused_in_one_line(spec: str, message: str) -> None:
    with pytest.raises(SpecError, match=message) as caught:
        SHAPES.call(spec, 1.0)
    assert "\n" not in str(caught.value)


def test_an_unknown_name_is_its_own_error() -> None:
    with pytest.raises(UnknownNameError):
        SHAPES.get("circle")


def test_a_name_registered_twice_is_a_bug() -> None:
    with pytest.raises(ValueError, match="registered already"):
        SHAPES.register("square")(half_disc)


def test_reserved_keywords_cannot_come_from_a_spec() -> None:
    with pytest.raises(SpecError, match="has no argument 'side'"):
        SHAPES.call("square(side=1)", 1.0, side=2.0)


def test_an_argument_called_name_cannot_be_given() -> None:
    with pytest.raises(
        SpecError, match="shape 'disc': the function needs an argument called name, which nobody can give"
    ):

        @SHAPES.register("disc")
        def disc(scale: float, *, name: str) -> float:
            return scale * len(name)

    @SHAPES.register("ring", radius=1.0)
    def ring(scale: float, *, radius: float, name: str = "ring") -> float:
        return scale * radius * len(name)

    assert list(SHAPES.arguments("ring")) == ["radius"]
    assert SHAPES.call("ring(radius=2.0)", 1.0) == 8.0
    del SHAPES._functions["ring"]
