"""A team as one thing to use: a module, a folder, a file.

`chosen` is the team of a pool that is shipped, `team` makes an `Ensemble` of it, `ensemble` is the module, and
`predictor` what predicts arrays: `networks` of torch, or an `onnx_file`; `bundle` is the folder that it is saved as,
`onnx` and `torch_program` are files without this library, `hub` shares it; `raw_inputs` makes inputs as in training,
`readers` and `predictions` are the files that it predicts from and to, `predicting` does it, `disagreement` says how
sure it is. `cascade`, `soup` and `distill` make cheaper ensembles of a team;
`team_file` is a team without its networks, and `combined` applies it to new predictions of its members;
`variants` registers these, `formats` the formats of files, and `exporting` goes all the way; `language` is the same for
teams of language models.

The names below are imported when they are first used, registries with all that registers in them: an ONNX file is
served without torch.
"""

from typing import TYPE_CHECKING

from lrensemble.lazy import lazily

if TYPE_CHECKING:
    from lrensemble.export.cascade import Cascade, CascadeQuality, cascade, measure
    from lrensemble.export.chosen import chosen_team
    from lrensemble.export.combined import Combined, combine_files
    from lrensemble.export.description import Description, Part, Stages
    from lrensemble.export.disagreement import Disagreement, disagreement
    from lrensemble.export.distill import Student, distill
    from lrensemble.export.ensemble import Ensemble
    from lrensemble.export.exporting import Made, place_of, write_ensemble
    from lrensemble.export.formats import FORMATS
    from lrensemble.export.soup import Soup, soup
    from lrensemble.export.team import ensemble_of
    from lrensemble.export.variants import VARIANTS, Variant

__all__ = [
    "FORMATS",
    "VARIANTS",
    "Cascade",
    "CascadeQuality",
    "Combined",
    "Description",
    "Disagreement",
    "Ensemble",
    "Made",
    "Part",
    "Soup",
    "Stages",
    "Student",
    "Variant",
    "cascade",
    "chosen_team",
    "combine_files",
    "disagreement",
    "distill",
    "ensemble_of",
    "measure",
    "place_of",
    "soup",
    "write_ensemble",
]

lazily(
    __name__,
    {
        "Cascade": "cascade",
        "CascadeQuality": "cascade",
        "Combined": "combined",
        "Description": "description",
        "Disagreement": "disagreement",
        "Ensemble": "ensemble",
        "FORMATS": "exporting",
        "Made": "exporting",
        "Part": "description",
        "Soup": "soup",
        "Stages": "description",
        "Student": "distill",
        "VARIANTS": "exporting",
        "Variant": "variants",
        "cascade": "cascade",
        "chosen_team": "chosen",
        "combine_files": "combined",
        "disagreement": "disagreement",
        "distill": "distill",
        "ensemble_of": "team",
        "measure": "cascade",
        "place_of": "exporting",
        "soup": "soup",
        "write_ensemble": "exporting",
    },
)
