"""Large arrays of `.npz` and `.npy` files stay in the file, and are checked as if they were read."""

import tempfile
import zipfile
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from lrensemble.errors import PredictionsError
from lrensemble.numpy_files import MAPPED_FROM
from lrensemble.pool.arrays import load

LARGE = np.arange(3 * MAPPED_FROM // 8, dtype=np.float32).reshape(-1, 3)
NAMES = ("probs", "turned", "small")


def test_large_arrays_are_mapped_and_the_same(tmp_path: Path) -> None:
    np.savez(tmp_path / "many.npz", small=LARGE[:5], probs=LARGE, turned=np.asfortranarray(LARGE * 2))
    found = load(tmp_path / "many.npz", NAMES)
    assert [isinstance(found[name], np.memmap) for name in NAMES] == [True, True, False]
    for name, expected in zip(NAMES, (LARGE, LARGE * 2, LARGE[:5]), strict=True):
        assert found[name].dtype == np.float32
        assert np.array_equal(found[name], expected)
    np.save(tmp_path / "probs.npy", LARGE)
    alone = load(tmp_path / "probs.npy", ("probs",))["probs"]
    assert isinstance(alone, np.memmap)
    assert np.array_equal(alone, LARGE)


def test_compressed_arrays_are_read(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "many.npz", probs=LARGE)
    assert np.array_equal(load(tmp_path / "many.npz", ("probs",))["probs"], LARGE)


def test_a_byte_that_was_changed_is_found(tmp_path: Path) -> None:
    path = tmp_path / "many.npz"
    np.savez(path, probs=LARGE)
    with zipfile.ZipFile(path) as archive:
        place = archive.getinfo("probs.npy").header_offset + LARGE.nbytes // 2
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    with pytest.raises(PredictionsError, match="CRC"):
        load(path, ("probs",))


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_compressed_array_is_unpacked_into_a_file(tmp_path: Path, order: Literal["C", "F"]) -> None:
    np.savez_compressed(tmp_path / "many.npz", probs=np.asarray(LARGE, order=order), small=LARGE[:5])
    found = load(tmp_path / "many.npz", NAMES)
    assert [isinstance(found[name], np.memmap) for name in ("probs", "small")] == [True, False]
    assert found["probs"].flags.c_contiguous
    assert not found["probs"].flags.writeable
    assert np.array_equal(found["probs"], LARGE)


def test_a_compressed_array_that_is_damaged_is_found(tmp_path: Path) -> None:
    path = tmp_path / "many.npz"
    np.savez_compressed(path, probs=np.random.default_rng(0).integers(0, 9, size=2 * MAPPED_FROM, dtype=np.uint8))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(PredictionsError, match="damaged"):
        load(path, ("probs",))


def test_without_room_for_temporary_files_arrays_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.savez_compressed(tmp_path / "packed.npz", probs=LARGE)
    np.savez(tmp_path / "turned.npz", probs=np.asfortranarray(LARGE))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    for name in ("packed", "turned"):
        assert np.array_equal(load(tmp_path / f"{name}.npz", ("probs",))["probs"], LARGE)
