"""The text form `name(key=value, …)` and what it refuses."""

import math

import numpy as np
import pytest

from lrensemble.errors import SpecError
from lrensemble.spec import Spec, to_spec


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cosine", Spec("cosine")),
        ("wrn-28-10", Spec("wrn-28-10")),
        ("package.module:function(width=3)", Spec("package.module:function", {"width": 3})),
        ("step(peak=0.1, every=30)", Spec("step", {"peak": 0.1, "every": 30})),
        ("a(x=-1e-3, y=None, z='t', on=True)", Spec("a", {"x": -1e-3, "y": None, "z": "t", "on": True})),
        (
            "join(pieces=[a(x=1), b], at=[0.5])".replace("b]", "b()]"),
            Spec("join", {"pieces": (Spec("a", {"x": 1}), Spec("b")), "at": (0.5,)}),
        ),
    ],
)
def test_text_and_json_forms_are_the_same_spec(text: str, expected: Spec) -> None:
    spec = to_spec(text)
    assert spec == expected
    assert to_spec(str(spec)) == spec
    assert to_spec(spec.to_json()) == spec
    assert hash(to_spec(spec.to_json())) == hash(spec)


def test_booleans_are_read_as_python_and_as_toml_write_them() -> None:
    expected = Spec("a", {"on": True, "off": False, "both": (True, False), "b": Spec("c", {"on": True})})
    assert to_spec("a(on=true, off=false, both=[true, False], b=c(on=true))") == expected
    assert str(to_spec("a(on=true)")) == "a(on=True)"
    assert to_spec("a(x='true')").arguments == {"x": "true"}


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("cosine(peak=TRUE)", "put quotes around 'TRUE'"),
        ("cosine(0.1)", "every argument needs its name"),
        ("cosine(peak=0.1, floor=0.0, peak=0.2)", "peak is given twice; give it once"),
        ("warmup(policy=cosine(peak=0.1, peak=0.1))", "peak is given twice"),
        ("cosine(peak=0.1", "cannot read"),
        ("cosine(peak=0.1) or 1", "cannot read"),
        ("", "is not a name"),
        ("two words", "is not a name"),
        ("cosine(peak=high)", "put quotes around 'high'"),
        ("cosine(peak=1+1j)", "not a number, string or list"),
        ({"peak": 0.1}, "a table with a name"),
        ({"name": "cosine", "peak": object()}, "cannot be an argument"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line(given: str, reason: str) -> None:
    with pytest.raises(SpecError, match=reason) as caught:
        to_spec(given)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("number", ["1e999", "-1e999", "[1.0, 1e999]", "f(b=1e999)"])
def test_a_number_that_is_not_finite_is_refused(number: str) -> None:
    with pytest.raises(SpecError, match=r": \w+ = -?inf is refused; give a finite number"):
        to_spec(f"f(a={number})")


@pytest.mark.parametrize("number", [math.inf, -math.inf, math.nan, np.float64("inf")])
def test_a_number_that_is_not_finite_is_refused_in_a_table(number: float) -> None:
    with pytest.raises(SpecError, match="is refused; give a finite number"):
        to_spec({"name": "f", "a": [number]})


def test_integers_have_an_end() -> None:
    assert to_spec(f"f(a={2**63 - 1}, b=-{2**63 - 1})").arguments == {"a": 2**63 - 1, "b": 1 - 2**63}
    for given in (2**63, -(2**63), 10**400):
        with pytest.raises(SpecError, match=r": \w+ = an integer of \d+ bits is refused; give one between"):
            to_spec(f"f(a={given})")
        with pytest.raises(SpecError, match=r": \w+ = an integer of \d+ bits is refused; give one between"):
            to_spec({"name": "f", "a": given})


def test_no_argument_is_called_name() -> None:
    with pytest.raises(SpecError, match="no argument is called name, which in a table is the name itself"):
        to_spec("f(name='g')")
