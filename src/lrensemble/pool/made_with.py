"""What a member was made with: what decides its bits beside its recipe."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from lrensemble.config import Record

DECIDING_LIBRARIES = ("lrensemble", "torch", "numpy", "cuda", "cudnn")
"""Libraries whose versions can change the bits of a network; the others of `versions` only measure it."""

ALONE = "alone"


class MadeWith(Record):
    """How a member was trained, on what, and with which versions.

    Two members of one recipe that were made with the same are the same to the last bit: on a CPU always, on a GPU
    where torch kept to deterministic algorithms. What an earlier version did not record is None, or at its default.
    """

    execution: str | None = None
    """`one-by-one`, `workers`, or `fused` for several members in one program."""
    group: tuple[str, ...] = Field(default=(), strict=False)
    """Ids of the runs of that program, this one among them, in the order of the stack; none where it was alone."""
    group_size: int = 1
    """Members of that program."""
    threads: int | None = None
    """Threads of the CPU that it was computed on."""
    device: str | None = None
    """`cpu`, `mps`, or the name of a GPU of CUDA's."""
    tf32: bool = False
    """Whether products of float32 numbers might be rounded to TF32, which has 10 bits after the point, or to less."""
    deterministic: bool = False
    """Whether torch kept to deterministic algorithms, as with `--reproducible`."""
    instructions: str | None = None
    """Vector instructions that torch computed with: `AVX2`, `AVX512`."""
    system: str | None = None
    machine: str | None = None
    """Architecture of the processor: `x86_64`."""
    processor: str | None = None
    cores: int | None = None
    """Cores of the machine, whether they were used or not."""
    versions: dict[str, str] = Field(default={})
    """Versions by name: `python`, `lrensemble`, `torch`, `numpy`, …"""

    @property
    def way(self) -> str:
        """Execution as far as it decides bits: a worker process trains as this process does."""
        if self.execution != "fused":
            return ALONE
        return f"in a group of {self.group_size}" + (f" ({', '.join(self.group)})" if self.group else "")

    def differences(self, other: MadeWith) -> dict[str, tuple[str, str]]:
        """What decides bits and differs, by name: here, and in the other; what one of them does not know is left out.

        Args:
            other: of a member of the same recipe.
        """
        mine, theirs = self._deciding(), other._deciding()
        both = [name for name in mine if mine[name] is not None and theirs.get(name) is not None]
        return {name: (str(mine[name]), str(theirs[name])) for name in both if mine[name] != theirs[name]}

    def _deciding(self) -> dict[str, object]:
        names = ("threads", "device", "tf32", "deterministic", "instructions", "machine", "processor")
        known = {name: self.versions.get(name) for name in DECIDING_LIBRARIES}
        return {"way": self.way, **{name: getattr(self, name) for name in names}, **known}


def of_environment(given: Any) -> Any:
    """What earlier versions recorded as `environment`, a flat table, in today's form; all else as it is."""
    if not isinstance(given, dict) or "versions" in given:
        return given
    fields = {name: given[name] for name in MadeWith.model_fields if name in given}
    versions = {name: value for name, value in given.items() if name not in fields and isinstance(value, str)}
    return {**fields, "versions": versions} if given else None
