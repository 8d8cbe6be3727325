"""Mixin that pushes an ensemble to the Hugging Face hub and loads it from there, where huggingface_hub is installed."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, Self

from lrensemble.errors import MissingExtraError
from lrensemble.export.bundle import CONFIG, WEIGHTS

if TYPE_CHECKING or find_spec("huggingface_hub"):
    from huggingface_hub import ModelHubMixin
else:

    class ModelHubMixin:
        """Stands in for the mixin, and says what to install."""

        def push_to_hub(self, *_: object, **__: object) -> NoReturn:
            """Refuse.

            Raises:
                MissingExtraError: always.
            """
            raise _missing()

        save_pretrained = push_to_hub

        @classmethod
        def from_pretrained(cls, *_: object, **__: object) -> NoReturn:
            """Refuse.

            Raises:
                MissingExtraError: always.
            """
            raise _missing()


class Hub(ModelHubMixin):
    """The mixin for what is saved as the folder of a bundle."""

    def save(self, folder: Path) -> None:
        """Write the bundle."""
        raise NotImplementedError

    @classmethod
    def load(cls, folder: Path | str, *, trust_code: bool = False) -> Self:
        """Read the bundle."""
        raise NotImplementedError

    def _save_pretrained(self, save_directory: Path) -> None:
        """Hook of the hub's mixin: save into a folder."""
        self.save(save_directory)

    @classmethod
    def _from_pretrained(  # type: ignore[override]  # the mixin types what it passes on loosely
        cls,
        *,
        model_id: str,
        revision: str | None,
        cache_dir: str | Path | None,
        force_download: bool,
        local_files_only: bool,
        token: str | bool | None,
        trust_code: bool = False,
    ) -> Self:
        """Hook of the hub's mixin: load from a folder, or from a repository of the hub."""
        if Path(model_id).is_dir():
            return cls.load(Path(model_id), trust_code=trust_code)
        from huggingface_hub import snapshot_download

        folder = snapshot_download(
            model_id,
            revision=revision,
            cache_dir=cache_dir,
            force_download=force_download,
            local_files_only=local_files_only,
            token=token,
            allow_patterns=[CONFIG, WEIGHTS, "network.*"],
        )
        return cls.load(Path(folder), trust_code=trust_code)


def _missing() -> MissingExtraError:
    return MissingExtraError("the hub needs huggingface_hub: pip install 'lrensemble[hub]'; save and load need nothing")
