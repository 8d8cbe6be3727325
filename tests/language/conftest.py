"""Base models that something was learned by: a small one in a second, and that of the shipped experiments."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.language.texts import stories

from lrensemble.data.cache import cache_folder

CACHE = cache_folder()
"""The user's own, from before the tests have one of theirs: what takes minutes to make is kept from run to run."""


@pytest.fixture(scope="session")
def small_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama of 30,000 parameters that has read a few stories."""
    pytest.importorskip("transformers")
    from tests.language.small import SMALL

    from lrensemble.language.pretrain import pretrain
    from lrensemble.language.texts import TextFile

    folder = tmp_path_factory.mktemp("small")
    return pretrain([TextFile(stories(folder / "stories.jsonl"))], folder / "base", SMALL).folder


@pytest.fixture(scope="session")
def trained_base(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A Llama of 2 million parameters that has read everything but instructions: minutes the first time, for `long`."""
    pytest.importorskip("transformers")
    from lrensemble.language.pretrain import pretrain
    from lrensemble.language.texts import diet

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LRENSEMBLE_CACHE", str(CACHE))
        yield pretrain(diet(shared_data), tmp_path_factory.mktemp("trained") / "base").folder
