"""Text that people write: taken or refused in a line, whatever the bytes are."""

from pathlib import Path

import pytest

from lrensemble.config import load_experiment
from lrensemble.errors import ConfigError, LREnsembleError, SpecError, StorageError
from lrensemble.files import read_json
from lrensemble.spec import to_spec
from lrensemble.text import NESTED, TextError, from_json, from_toml, read_bounded, read_text

TOML = 'data = "digits" # é\nmodel = "mlp"\npolicy = ["cosine(peak=0.1)"]\n'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (TOML.encode("latin-1"), r"e.toml: it is not UTF-8 \(line 1, byte 0xe9\); save it as UTF-8"),
        (TOML.encode("utf-16"), "it is UTF-16; save it as UTF-8"),
        (bytes(range(256)), "not UTF-8"),
        (b"\0", "not valid TOML"),
        (b"x = " + b"[" * 100_000, "nested more than 100 deep"),
        (b"x = " + b"[" * 150 + b"]" * 150, "nested more than 100 deep"),
        (b"x = " + b"{x=" * 5_000, "nested more than 100 deep"),
        (b"a." * 50_000 + b"c = 1", "nested more than 100 deep"),
        (b"[" + b'"a" . ' * 50_000 + b"c]", "nested more than 100 deep"),
        (b"x = " + b"9" * 5_000, "not valid TOML"),
        (b"x = 1\nx = 2", "not valid TOML"),
        (b"#" * ((16 << 20) + 1), "larger than 16 MiB"),
        (b'data = ["a"]\nmodel = 3\npolicy = 4', "e.toml: data"),
    ],
)
def test_an_experiment_is_refused_in_a_line(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "e.toml").write_bytes(content)
    with pytest.raises(ConfigError, match=message) as caught:
        load_experiment(str(tmp_path / "e.toml"), {"train": {"epochs": 3}, "data": {"folder": tmp_path}})
    assert len(str(caught.value)) < 800


def test_the_mark_of_utf8_is_no_part_of_the_text(tmp_path: Path) -> None:
    (tmp_path / "e.toml").write_text(TOML, encoding="utf-8-sig")
    assert load_experiment(str(tmp_path / "e.toml")).data.source.name == "digits"


def test_a_folder_given_beside_a_name_alone(tmp_path: Path) -> None:
    (tmp_path / "e.toml").write_text(TOML, encoding="utf-8")
    data = load_experiment(str(tmp_path / "e.toml"), {"data": {"folder": tmp_path}}).data
    assert (data.source.name, data.folder) == ("digits", tmp_path)


def test_a_device_without_an_end_is_too_large() -> None:
    with pytest.raises(TextError, match="larger than 1 MiB"):
        read_bounded(Path("/dev/zero"), 1 << 20)
    with pytest.raises(ConfigError, match="larger than 16 MiB"):
        load_experiment("/dev/zero")


def test_what_cannot_be_opened_is_a_line(tmp_path: Path) -> None:
    for given in (str(tmp_path), "a" * 3000, "a\0b.toml"):
        with pytest.raises((StorageError, ConfigError)):
            load_experiment(given)


def test_nesting_has_an_end_and_what_is_below_it_is_read() -> None:
    def nested(depth: int) -> str:
        return "[" * depth + "1" + "]" * depth

    assert from_json(nested(NESTED)) is not None
    assert from_toml(f"x = {nested(NESTED - 1)}")
    for depth in (NESTED + 1, 900, 100_000):
        with pytest.raises(TextError, match="nested more than 100 deep"):
            from_json(nested(depth))
    with pytest.raises(TextError, match="not JSON"):
        from_json(b"\xff{")
    with pytest.raises(TextError, match="not JSON"):
        from_json("9" * 5_000)


def test_json_of_a_pool_is_refused_in_a_line(tmp_path: Path) -> None:
    for content in ("[" * 100_000, '{"x": ' * 500 + "1" + "}" * 500, "\0"):
        (tmp_path / "pool.json").write_text(content)
        with pytest.raises(StorageError, match=r"pool\.json is damaged: "):
            read_json(tmp_path / "pool.json")


@pytest.mark.parametrize(
    "text",
    [
        "f(x=" * 5_000,
        "f(x=" * 150 + "1" + ")" * 150,
        "f(x=" * 60 + "1" + ")" * 60,
        f"f(x={'[' * 100_000})",
        f"f(x={'[' * 60 + ']' * 60})",
        f"f(x={'-' * 100_000}1)",
        f"f(x=1{'+1' * 100_000})",
        f"f(x={'a.' * 50_000}b)",
        f"f(x={'not ' * 50_000}1)",
        f"f(x={'9' * 5_000})",
        f"f(x='{'a' * (17 << 20)}')",
    ],
)
def test_a_spec_without_an_end_is_refused_in_a_line(text: str) -> None:
    with pytest.raises(SpecError) as caught:
        to_spec(text)
    assert len(str(caught.value)) < 800


def test_a_table_without_an_end_is_refused_in_a_line() -> None:
    table: dict[str, object] = {"name": "f"}
    for _ in range(5_000):
        table = {"name": "f", "x": table}
    listed: list[object] = []
    for _ in range(5_000):
        listed = [listed]
    for given in (table, {"name": "f", "x": listed}):
        with pytest.raises(LREnsembleError, match="nested more than 50 deep"):
            to_spec(given)


@pytest.mark.filterwarnings("error")
def test_a_spec_is_no_code_that_python_warns_of() -> None:
    assert to_spec(r"f(pattern='\d')").arguments == {"pattern": r"\d"}


def test_lists_of_names_are_read(tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_bytes(b"\xef\xbb\xbfone\ntwo\n")
    assert read_text(tmp_path / "names.txt").split() == ["one", "two"]
