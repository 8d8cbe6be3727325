"""What a step gives back is kept for the next one, and given to the system at the end: counted in pages."""

from __future__ import annotations

import sys

import pytest
from tests.conftest import Python

COUNTED = """
import ctypes, resource
from contextlib import nullcontext

import torch

from lrensemble.train.execution.memory import kept_memory

def taken():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def held():
    return int(open("/proc/self/statm").read().split()[1])

def steps():
    for step in range(25):
        if step == 5:
            before = taken()
        blocks = [torch.full((megabytes * 2**18,), 1.0) for megabytes in (4, 7, 3, 7, 4)]
        del blocks
    return taken() - before

torch.set_num_threads(1)
# Without these it depends on what else lies in the heap whether free blocks are handed back.
for option in (-1, -3):  # M_TRIM_THRESHOLD, M_MMAP_THRESHOLD
    assert ctypes.CDLL(None).mallopt(option, 131072)
without = steps()
with kept_memory():
    inside, kept = steps(), held()
print(without, inside, kept - held())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the allocator is that of glibc")
def test_memory_is_taken_once_and_given_back_at_the_end(python: Python) -> None:
    without, inside, given_back = map(int, python("-c", COUNTED).stdout.split())
    of_a_step = 25 * 2**20 // 4096
    assert without > 19 * of_a_step, "the system hands it out again at every step"
    assert inside < 3 * of_a_step, "twenty steps take hardly more than one; a forked child has pages of others to copy"
    assert given_back > of_a_step // 2
