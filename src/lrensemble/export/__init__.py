"""A team as one thing to use: a module, a folder, a file.

`team` makes an `Ensemble` of a pool's team, `ensemble` is the module; `bundle` is the folder that it is saved as,
`onnx` and `torch_program` are files without this library, `hub` shares it; `readers` and `predictions` are the files
that it predicts from and to.
"""

from lrensemble.export.description import Description, Part
from lrensemble.export.ensemble import Ensemble
from lrensemble.export.team import chosen_team, ensemble_of

__all__ = ["Description", "Ensemble", "Part", "chosen_team", "ensemble_of"]
