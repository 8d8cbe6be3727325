"""Characters that act do not reach a terminal, and everything else stays as it is."""

import itertools
import json
import unicodedata

import pytest

from lrensemble.text import escaped_json, shortened, visible


def test_no_character_that_acts_is_left() -> None:
    planes = (range(0x40000), range(0xE0000, 0xE1000), range(0x10FF00, 0x110000))  # between them nothing is assigned
    everything = "".join(map(chr, itertools.chain(*planes)))
    shown = visible(everything)
    kinds = {character: unicodedata.category(character) for character in set(shown)}
    assert not [character for character, kind in kinds.items() if kind in ("Cc", "Cs", "Zl", "Zp")]
    assert not [c for c in kinds if unicodedata.bidirectional(c) in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[2J", r"\x1b[2J"),
        ("\x9b2J\x07", r"\x9b2J\x07"),
        ("a\nb\tc\r", r"a\nb\tc\r"),
        ("evil\u202egpj.exe", r"evil\u202egpj.exe"),
        ("\U000e0041", r"\U000e0041"),
        ("caf\udce9", r"caf\udce9"),
        ("résumé – 漢字 🧪 👩‍🔬 نص", "résumé – 漢字 🧪 👩‍🔬 نص"),
    ],
)
def test_what_is_shown(text: str, expected: str) -> None:
    assert visible(text) == expected
    assert visible(visible(text)) == expected


def test_the_ends_of_lines_may_be_kept() -> None:
    assert visible("one\n\x1btwo\n", keep="\n") == "one\n\\x1btwo\n"


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "ascii", "no such encoding", None])
def test_json_means_the_same_and_can_be_encoded(encoding: str | None) -> None:
    record = {"\x9bname": ["\u202eé漢🧪\udce9\x7f", "\U000e0041", 1.5]}
    text = escaped_json(json.dumps(record, ensure_ascii=False), encoding)
    assert json.loads(text) == record
    assert visible(text) == text
    text.encode("ascii" if encoding in (None, "no such encoding") else encoding)


def test_what_was_given_is_cut_in_the_middle() -> None:
    assert shortened("short") == "'short'"
    long = shortened("a" * 500 + "b" * 500)
    assert len(long) < 210
    assert long.startswith("'aaa")
    assert long.endswith("bbb'")
    nested: list[object] = []
    for _ in range(100_000):
        nested = [nested]
    assert shortened(nested) == "something that cannot be shown (list)"
    assert shortened(10**5000) == "something that cannot be shown (int)"
