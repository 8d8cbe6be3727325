"""Decoded images are kept: read again without decoding, made again when files change, and never in the way."""

from __future__ import annotations

import logging
import os
import shutil
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from tests.forked import ForkedProcess

from lrensemble.data import Samples
from lrensemble.data.cache import cache_folder, cached

PIXELS = np.random.default_rng(0).integers(0, 256, (4, 3, 5, 7), dtype=np.uint8)
SAMPLES = Samples(PIXELS, np.array([0, 1, 1, 0]), ("no", "yes"), test_rows=1)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache."""
    monkeypatch.setenv("LRENSEMBLE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "images"
    path.write_bytes(b"encoded")
    return path


def never() -> Samples:
    raise AssertionError("decoded again")


def test_the_second_reading_decodes_nothing_and_gives_the_same(folder: Path, file: Path) -> None:
    made = cached([file], {"size": 7}, lambda: SAMPLES)
    read = cached([file], {"size": 7}, never)
    for one, other in ((SAMPLES, made), (SAMPLES, read)):
        np.testing.assert_array_equal(one.inputs, other.inputs)
        np.testing.assert_array_equal(one.truth, other.truth)
        assert (one.target, one.test_rows) == (other.target, other.test_rows)
        assert one.inputs.dtype == other.inputs.dtype
    assert len(list(folder.iterdir())) == 1


def test_what_is_written_to_the_arrays_does_not_reach_the_file(folder: Path, file: Path) -> None:
    cached([file], {}, lambda: SAMPLES)
    cached([file], {}, never).inputs[:] = 0
    np.testing.assert_array_equal(cached([file], {}, never).inputs, PIXELS)
    assert folder.is_dir()


def test_another_file_time_or_option_is_decoded_again(folder: Path, file: Path) -> None:
    cached([file], {"size": 7}, lambda: SAMPLES)
    with pytest.raises(AssertionError, match="decoded again"):
        cached([file], {"size": 8}, never)
    os.utime(file, ns=(1, 1))
    with pytest.raises(AssertionError, match="decoded again"):
        cached([file], {"size": 7}, never)
    assert len(list(folder.iterdir())) == 1


@pytest.mark.parametrize("name", ["samples.json", "inputs.npy", "labels.npy"])
@pytest.mark.parametrize("content", [b"what is this", b"", None], ids=["nonsense", "empty", "gone"])
def test_a_damaged_entry_is_made_again(
    name: str, content: bytes | None, folder: Path, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cached([file], {}, lambda: SAMPLES)
    (entry,) = folder.iterdir()
    if content is None:
        (entry / name).unlink()
    else:
        (entry / name).write_bytes(content)
    with caplog.at_level(logging.WARNING):
        np.testing.assert_array_equal(cached([file], {}, lambda: SAMPLES).inputs, PIXELS)
    assert "cannot be used" in caplog.text
    np.testing.assert_array_equal(cached([file], {}, never).inputs, PIXELS)


@pytest.mark.parametrize("name", ["samples.json", "inputs.npy", "labels.npy"])
def test_every_flipped_bit_is_noticed_and_said(
    name: str, folder: Path, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """At every place of the file, and never the samples of a changed one."""
    cached([file], {}, lambda: SAMPLES)
    (entry,) = folder.iterdir()
    good = (entry / name).read_bytes()
    for place in range(0, len(good), 7):
        flipped = bytearray(good)
        flipped[place] ^= 1 << place % 8
        (entry / name).write_bytes(flipped)
        caplog.clear()
        read = cached([file], {}, lambda: SAMPLES)
        np.testing.assert_array_equal(read.inputs, PIXELS)
        np.testing.assert_array_equal(read.truth, SAMPLES.truth)
        assert (read.target.names, read.test_rows) == (SAMPLES.target.names, SAMPLES.test_rows)
        (said,) = caplog.messages
        assert f"{entry} cannot be used" in said
        assert "decoded again" in said
        assert (entry / name).read_bytes() == good


def test_an_entry_of_the_version_before_is_made_again(
    folder: Path, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cached([file], {}, lambda: SAMPLES)
    (entry,) = folder.iterdir()
    (entry / "samples.json").write_text('{"classes": ["no", "yes"], "test_rows": 1, "shapes": [[4, 3, 5, 7], 4]}')
    np.testing.assert_array_equal(cached([file], {}, lambda: SAMPLES).inputs, PIXELS)
    assert "of an earlier version that kept no checksums" in caplog.text
    cached([file], {}, never)


def test_an_entry_of_another_number_of_rows_is_made_again(folder: Path, file: Path) -> None:
    cached([file], {}, lambda: SAMPLES)
    (entry,) = folder.iterdir()
    np.save(entry / "labels.npy", np.array([1]))
    np.testing.assert_array_equal(cached([file], {}, lambda: SAMPLES).truth, SAMPLES.truth)


def test_a_folder_that_cannot_be_written_costs_a_warning(
    folder: Path, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder.write_text("a file is in the way")
    with caplog.at_level(logging.WARNING):
        np.testing.assert_array_equal(cached([file], {}, lambda: SAMPLES).inputs, PIXELS)
    assert "decoded images are not kept in" in caplog.text


def test_nothing_is_left_of_a_decoding_that_fails(folder: Path, file: Path) -> None:
    with pytest.raises(AssertionError):
        cached([file], {}, never)
    assert not folder.exists() or not list(folder.iterdir())


PROCESS = """
import sys
from pathlib import Path
import numpy as np
from lrensemble.data import Samples
from lrensemble.data.cache import cached

pixels = np.arange(2 * 3 * 500 * 700, dtype=np.uint8).reshape(2, 3, 500, 700)
samples = cached([Path(sys.argv[1])], {}, lambda: Samples(pixels, np.array([0, 1]), ("a", "b")))
assert (samples.inputs == pixels).all()
"""


def test_two_processes_at_once(folder: Path, file: Path, forking: Path) -> None:
    with ExitStack() as stack:
        both = [stack.enter_context(ForkedProcess(forking, ["-c", PROCESS, file], errors=True)) for _ in range(2)]
        printed = [process.communicate(timeout=120)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], printed
    assert not any("not kept" in text for text in printed), "who comes second keeps what is there, and warns of nothing"
    assert len(list(folder.iterdir())) == 1


def test_where_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LRENSEMBLE_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("LRENSEMBLE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "x"))
    assert cache_folder() == tmp_path / "x" / "lrensemble"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "lrensemble"
    shutil.rmtree(tmp_path / "x", ignore_errors=True)
