"""Tensors of torch as arrays of numpy, from memory and from files, and never from a pickle of anything else."""

from __future__ import annotations

import pickle
import re
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import PoolError, PredictionsError
from lrensemble.files import storage_errors
from lrensemble.numpy_files import MAPPED_FROM
from lrensemble.pool.sealed import load_tensors, map_arrays

if TYPE_CHECKING:
    import torch


def as_array(tensor: torch.Tensor) -> NDArray[Any]:
    """The numbers of a tensor on any device, requiring gradients or not; bfloat16 becomes float32 without loss.

    Raises:
        PredictionsError: a tensor that holds none: of the device `meta`, or nested.
    """
    import torch

    try:
        given = tensor.detach().to_dense().cpu()
    except Exception as error:  # torch raises many kinds
        reason = " ".join(str(error).split())[:120]
        raise PredictionsError(f"a tensor has no numbers that can be read ({reason}); give a dense one") from None
    return np.asarray((given.float() if given.dtype == torch.bfloat16 else given).numpy())


def safetensors_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of a safetensors file, those of types that numpy has mapped.

    Raises:
        PredictionsError: it is damaged.
        StorageError: it cannot be read.
    """
    try:
        return map_arrays(path)
    except PoolError as error:
        if "holds numbers of type" not in str(error):
            raise PredictionsError(str(error)) from None
    try:
        return {name: as_array(tensor) for name, tensor in load_tensors(path).items()}
    except PoolError as error:
        raise PredictionsError(str(error)) from None


def torch_file(path: Path) -> object:
    """What `torch.save` wrote: tensors, and lists and dicts of them; nothing that its own pickle would run.

    Raises:
        PredictionsError: it is damaged, or holds other objects.
        StorageError: it cannot be read.
    """
    import torch

    with storage_errors("read", path):
        mapped = path.stat().st_size >= MAPPED_FROM and zipfile.is_zipfile(path)  # as torch has written since 1.6
        try:
            return torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
        except OSError:
            raise
        except pickle.UnpicklingError as error:
            found = re.search(r"(?:GLOBAL|class|Unsupported global:)\W+([\w.]+)", str(error))
            what = f"{found[1]} " if found else "Python objects "
            raise PredictionsError(
                f"{path} holds {what}beside tensors, and no pickle is ever read; save the tensors alone, "
                "torch.save({'probs': probs, 'labels': labels}, path)"
            ) from None
        except Exception as error:  # damaged files make torch and zipfile raise almost anything
            raise PredictionsError(
                f"{path} cannot be read: it is damaged ({' '.join(str(error).split())[:200]})"
            ) from None
