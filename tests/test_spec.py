"""The text form `name(key=value, …)` and what it refuses."""

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


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("cosine(0.1)", "every argument needs its name"),
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
