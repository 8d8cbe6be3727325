"""Members that were given the same name have different ones, by what differs in their recipes."""

from typing import Any

import pytest

from lrensemble.pool import Member
from lrensemble.pool.names import with_distinct_names


def member(place: int, name: str, recipe: dict[str, Any] | None) -> Member:
    return Member(id=f"{place:012x}", order=place, name=name, recipe=recipe, task={}, files={})


def test_facts_of_members_that_were_trained_elsewhere_are_named() -> None:
    facts: list[dict[str, Any]] = [{"lr": 0.1, "tool": "a"}, {"lr": 0.2, "tool": "a"}, {"lr": 0.2, "tool": "a"}]
    given = [member(place, "net", None).model_copy(update={"facts": each}) for place, each in enumerate(facts)]
    assert [each.name for each in with_distinct_names(given)] == ["net, lr=0.1", "net, lr=0.2 #1", "net, lr=0.2 #2"]


def recipe(**train: Any) -> dict[str, Any]:
    return {"policy": {"name": "cosine", "peak": 0.1}, "model": {"name": "cnn", "width": 8}, "train": train}


@pytest.mark.parametrize(
    ("recipes", "expected"),
    [
        ([recipe(epochs=1), recipe(epochs=2)], ["a, epochs=1", "a, epochs=2"]),
        ([recipe(epochs=1), recipe(epochs=1, ema=0.9)], ["a", "a, ema=0.9"]),
        ([recipe(), {**recipe(), "at_epoch": 3}], ["a", "a, at_epoch=3"]),
        ([recipe(), {**recipe(), "model": {"name": "cnn", "width": 4}}], ["a, model.width=8", "a, model.width=4"]),
        (
            [recipe(optimizer={"name": "sgd"}), recipe(optimizer={"name": "adam"})],
            ["a, optimizer=sgd", "a, optimizer=adam"],
        ),
        (
            [None, None, recipe(seed=3)],
            ["a #1", "a #2", "a, policy=cosine, policy.peak=0.1, model=cnn, model.width=8, seed=3"],
        ),
    ],
)
def test_what_differs_is_named(recipes: list[dict[str, Any] | None], expected: list[str]) -> None:
    given = [member(place, "a", each) for place, each in enumerate(recipes)]
    assert [each.name for each in with_distinct_names([*given, member(9, "b", None)])] == [*expected, "b"]
