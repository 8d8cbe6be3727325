"""Teams of language models: adapters of one base that score and write texts as one.

`ensemble` is what is used; `adapters` reads the members, `members` runs them in one batch, by `stacked` matrices where
it can, `consensus` makes one distribution of theirs, `scoring` and `decoding` use it, `prompting` writes what is asked
as in training, `writing` turns tokens into text; `description` says what a team is, `bundle` is its folder, `card` the
model card in it. `merge` makes one adapter of a team and `model_folder` one model, `causal` a model of `transformers`,
`harness` one of lm-evaluation-harness. `pools` is where teams come from, `questions` what they are asked; `asking` puts
questions to the members of a pool and to their base, each `alone`. `place` tells such a folder from others.
"""

from typing import TYPE_CHECKING

from lrensemble.export.language.place import is_language_bundle
from lrensemble.lazy import lazily

if TYPE_CHECKING:
    from lrensemble.export.language.decoding import Decoding
    from lrensemble.export.language.description import LanguageDescription
    from lrensemble.export.language.ensemble import LanguageEnsemble
    from lrensemble.export.language.writing import Written

__all__ = ["Decoding", "LanguageDescription", "LanguageEnsemble", "Written", "is_language_bundle"]

lazily(
    __name__,
    {
        "Decoding": "decoding",
        "LanguageDescription": "description",
        "LanguageEnsemble": "ensemble",
        "Written": "writing",
    },
)
