"""What changes of a page: a part that is as it was is told nobody twice."""

import json

from lrensemble.report.live.state import State, changed


def told(messages: list[bytes]) -> list[tuple[str, object]]:
    found = []
    for message in messages:
        event, data, *rest = message.decode().split("\n")
        assert rest == ["", ""], "a message ends in an empty line"
        found.append((event.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


def test_a_new_viewer_is_told_all_and_an_old_one_what_changed() -> None:
    first = changed(State(), "one", [("a", "<p>1</p>"), ("b", "<p>2\n</p>")])
    second = changed(first, "one", [("b", "<p>2\n</p>"), ("c", "<p>3</p>"), ("a", "<p>4</p>")])
    everything = told(list(second.messages_since(0)))
    assert [each["place"] for kind, each in everything if kind == "part"] == ["b", "c", "a"]  # type: ignore[index]
    page = ("page", {"title": "one", "order": ["b", "c", "a"]})
    assert everything[-1] == page
    news = told(list(second.messages_since(first.version)))
    assert news == [
        ("part", {"place": "c", "html": "<p>3</p>"}),
        ("part", {"place": "a", "html": "<p>4</p>"}),
        page,
    ]
    assert list(second.messages_since(second.version)) == []


def test_a_part_that_goes_is_no_more_in_the_order() -> None:
    first = changed(State(), "one", [("a", "1"), ("b", "2")])
    second = changed(first, "one", [("b", "2")])
    assert told(list(second.messages_since(first.version))) == [("page", {"title": "one", "order": ["b"]})]


def test_nothing_new_is_no_new_version() -> None:
    first = changed(State(), "one", [("a", "1")])
    assert changed(first, "one", [("a", "1")]) is first
    assert changed(first, "two", [("a", "1")]).version == 2
