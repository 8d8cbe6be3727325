"""The hub's mixin on a folder: what is saved as on the hub loads as from it; and what is said where it is missing."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.conftest import Python
from tests.export.conftest import TeamBy

from lrensemble.errors import ExportError
from lrensemble.export import Ensemble, ensemble_of
from lrensemble.pool import Pool


def test_saved_as_for_the_hub_and_loaded_from_the_folder(
    pool: Pool, team_by: TeamBy, images: tuple[NDArray[np.uint8], NDArray[np.int64]], tmp_path: Path
) -> None:
    pytest.importorskip("huggingface_hub", reason="huggingface_hub is not installed")
    ensemble = ensemble_of(pool, team_by())
    ensemble.save_pretrained(tmp_path / "mine")
    assert sorted(path.name for path in (tmp_path / "mine").iterdir()) == [
        "README.md",
        "config.json",
        "model.safetensors",
    ]
    loaded = Ensemble.from_pretrained(tmp_path / "mine")
    np.testing.assert_array_equal(loaded.predict_proba(images[0]), ensemble.predict_proba(images[0]))
    (tmp_path / "mine" / "model.safetensors").unlink()
    with pytest.raises(ExportError, match="it is missing"):
        Ensemble.from_pretrained(tmp_path / "mine")


def test_without_the_extra_it_says_what_to_install(python: Python) -> None:
    script = """
import sys
for name in [name for name in sys.modules if name.partition(".")[0] == "lrensemble"]:
    del sys.modules[name]  # it is imported anew, and torch is not
sys.modules["huggingface_hub"] = None
from lrensemble.errors import MissingExtraError
from lrensemble.export import Ensemble
for attempt in (lambda: Ensemble.from_pretrained("somebody/something"), lambda: Ensemble.push_to_hub(None, "a/b")):
    try:
        attempt()
    except MissingExtraError as error:
        print(error)
"""
    result = python("-c", script)
    assert result.stdout.count("pip install 'lrensemble[hub]'") == 2
