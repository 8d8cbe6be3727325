"""What AutoGluon's predictor gives, written down: a frame by the name of the model, a column a class, the index of the
data that it was given."""

from typing import Any

import numpy as np

NEEDS = ("pandas",)
MODELS = ("LightGBM", "CatBoost", "WeightedEnsemble_L2")
CLASSES = ("cat", "dog", "eel")


class Predictor:
    """Predictor of a table's `species`."""

    def predict_proba_multi(self, data: Any) -> dict[str, Any]:
        import pandas as pd

        generator = np.random.default_rng(0)
        return {
            name: pd.DataFrame(
                generator.dirichlet(np.ones(len(CLASSES)), size=len(data)), columns=list(CLASSES), index=data.index
            )
            for name in MODELS
        }


def made() -> dict[str, Any]:
    import pandas as pd

    generator = np.random.default_rng(1)
    places = generator.permutation(60)
    species = generator.choice(CLASSES, size=60)
    return {"predictor": Predictor(), "validation": pd.DataFrame({"size": places, "species": species}, index=places)}
