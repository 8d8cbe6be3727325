"""A data set as arrays: what is made of them learns the same, in the memory that is given."""

import pickle

import numpy as np
import torch

from lrensemble.config import DataSettings, SplitSettings
from lrensemble.data import load
from lrensemble.data.views import dataset_of, views_of
from lrensemble.spec import to_spec


def test_a_data_set_is_the_same_after_it_was_arrays_that_cannot_be_written_to() -> None:
    for source in ("digits", "diabetes"):
        dataset = load(DataSettings(source=to_spec(source)), SplitSettings(val=0.2, test=0.35))
        buffers = list[pickle.PickleBuffer]()
        pickled = pickle.dumps(views_of(dataset), protocol=5, buffer_callback=buffers.append)
        assert sum(buffer.raw().nbytes for buffer in buffers) >= dataset.inputs.nbytes, "none is in the pickle itself"
        there = pickle.loads(pickled, buffers=[bytes(buffer.raw()) for buffer in buffers])
        assert not there["inputs"].flags.writeable
        found = dataset_of(there)
        assert found.inputs.data_ptr() == there["inputs"].ctypes.data, "a view"
        assert (found.fingerprint, found.target, found.name) == (dataset.fingerprint, dataset.target, dataset.name)
        assert found.inputs_of_members == dataset.inputs_of_members
        assert found.scale == dataset.scale
        for split, rows in dataset.rows.items():
            assert torch.equal(found.rows[split], rows)
            for mine, theirs in zip(found.batch(rows[:7]), dataset.batch(rows[:7]), strict=True):
                assert torch.equal(mine, theirs)
            np.testing.assert_array_equal(found.truth_of(split), dataset.truth_of(split))
