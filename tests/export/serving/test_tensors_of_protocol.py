"""Tensors in JSON and in bytes: values by hand, and everything that is refused."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest

from lrensemble.export.serving import tensors
from lrensemble.export.serving.refused import RefusedError


@pytest.mark.parametrize("data", [[1, 2, 3, 4, 5, 6], [[1, 2, 3], [4, 5, 6]]])
@pytest.mark.parametrize("datatype", tensors.DTYPES)
def test_flat_and_nested_are_the_same(data: list[Any], datatype: str) -> None:
    found = tensors.from_json(data, datatype, [2, 3], "x")
    assert found.dtype == np.dtype(tensors.DTYPES[datatype])
    assert found.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert tensors.datatype_of(found) == datatype


@pytest.mark.parametrize(
    ("data", "datatype", "shape", "message"),
    [
        ([1, 2, 3], "UINT8", [2, 2], "data of input 'x' holds 3 values, and its shape [2, 2] 4"),
        ([[1, 2]], "UINT8", [2, 2], "data of input 'x' holds 1 rows, and its shape [2, 2] 2"),
        ([[1, 2], [3]], "UINT8", [2, 2], "data of input 'x' is not nested as its shape [2, 2]"),
        ([[1, 2], 3], "UINT8", [2, 2], "data of input 'x' is not nested as its shape [2, 2]"),
        ([[1], [[2]]], "FP32", [2, 1], "data of input 'x' holds a list deeper than its shape; FP32 takes numbers"),
        ([1], "FP64", [10**30], "holds 1 values, and its shape"),
        ([256], "UINT8", [1], "holds a value that UINT8 has not: whole numbers from 0 to 255"),
        ([-1], "UINT8", [1], "holds a value that UINT8 has not: whole numbers from 0 to 255"),
        ([1.0], "UINT8", [1], "holds a number with a decimal point; UINT8 takes whole numbers from 0 to 255"),
        (["1"], "FP32", [1], "holds a string; FP32 takes numbers"),
        ([None], "FP32", [1], "holds null; FP32 takes numbers"),
        ([True], "INT64", [1], "holds true or false; INT64 takes whole numbers"),
        ([{}], "FP64", [1], "holds an object; FP64 takes numbers"),
        ([10**400], "FP64", [1], "holds a value that FP64 has not"),
    ],
)
def test_what_does_not_fit_is_refused(data: list[Any], datatype: str, shape: list[int], message: str) -> None:
    with pytest.raises(RefusedError) as caught:
        tensors.from_json(data, datatype, shape, "x")
    assert message in str(caught.value)
    assert caught.value.status == 400


def test_bytes_are_little_endian_in_row_major_order() -> None:
    content = memoryview(struct.pack("<6f", 1, 2, 3, 4, 5, 6))
    found = tensors.from_bytes(content, "FP32", [2, 3], "x")
    assert found.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert tensors.to_bytes(np.asfortranarray(found)) == bytes(content)
    assert tensors.to_bytes(found.astype(">f8")) == struct.pack("<6d", 1, 2, 3, 4, 5, 6)
    with pytest.raises(RefusedError, match=r"'x' is 24 bytes, and FP64 of shape \[2, 3\] 48"):
        tensors.from_bytes(content, "FP64", [2, 3], "x")


def test_strings_stand_behind_their_length() -> None:
    assert tensors.to_bytes(np.array(["ab", "", "č"])) == b"\2\0\0\0ab\0\0\0\0\2\0\0\0\xc4\x8d"
