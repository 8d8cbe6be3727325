"""Where torch compiles networks for a CPU."""

import shutil
import sysconfig

import pytest
import torch

OF_THE_COMPILER = "ignore:`torch.jit.script_method` is deprecated:DeprecationWarning"
"""torch's own, when its compiler is imported."""


def reason_against() -> str:
    """Why nothing can be compiled here; empty where it can."""
    if shutil.which("g++") is None:
        return "compiling for a CPU needs a C++ compiler: no g++ here"
    for place in (torch.__file__, sysconfig.get_path("include")):
        if " " in place:
            return f"torch's compiler does not quote paths, and {place} has a space"
    return ""


needs_compiler = pytest.mark.skipif(bool(reason_against()), reason=reason_against() or "it can be compiled here")
