"""Token sequences: padded on the right, and never an answer in the padding."""

import numpy as np
import pytest

from lrensemble.errors import DataError
from lrensemble.language.sequences import Sequences, padded

THREE = padded([[5, 6], [7], [8, 9, 4]], [[False, True], [False], [False, True, True]], 1)


def test_padding_stands_on_the_right() -> None:
    np.testing.assert_array_equal(THREE.ids, [[5, 6, 1], [7, 1, 1], [8, 9, 4]])
    np.testing.assert_array_equal(THREE.lengths, [2, 1, 3])
    np.testing.assert_array_equal(THREE.answer, [[False, True, False], [False, False, False], [False, True, True]])
    assert [str(each.dtype) for each in (THREE.ids, THREE.lengths, THREE.answer)] == ["int64", "int64", "bool"]
    assert (len(THREE), THREE.answer_tokens) == (3, 3)


def test_some_are_no_wider_than_their_longest() -> None:
    taken = THREE.take(np.array([1, 0]))
    np.testing.assert_array_equal(taken.ids, [[7, 1], [5, 6]])
    np.testing.assert_array_equal(taken.answer, [[False, False], [False, True]])
    assert THREE.take(np.array([], dtype=np.int64)).ids.shape == (0, 0)


def test_none_at_all() -> None:
    assert padded([], [], 0).ids.shape == (0, 0)


def test_what_does_not_fit_is_refused() -> None:
    ids, lengths, answer = THREE.ids, THREE.lengths, THREE.answer
    with pytest.raises(DataError, match=r"ids of shape \(3, 3\), lengths \(3,\) and answer \(3, 2\) do not fit"):
        Sequences(ids, lengths, answer[:, :2])
    with pytest.raises(DataError, match="lengths from 1 to 4 do not fit 3 positions"):
        Sequences(ids, np.array([2, 1, 4]), answer)
    with pytest.raises(DataError, match="padding is said to be an answer"):
        Sequences(ids, np.array([1, 1, 3]), answer)
