"""Imported first: one thread, and kernels that run as the Python that they are written in.

A forked child cannot use threads that its parent has, and compiling would cost each of them more than its input does.
"""

import os
import warnings

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "NUMBA_DISABLE_JIT": "1"}
os.environ["COLUMNS"] = "100"
# Compiled, kernels say nothing of a logarithm of zero.
warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"lrensemble\.select\.scoring\.kernels")
