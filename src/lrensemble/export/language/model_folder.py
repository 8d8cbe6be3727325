"""One model, or one adapter, in place of a team: its folder, with a word on the team that it was made of."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from lrensemble.errors import ExportError
from lrensemble.export.language.description import LanguageDescription
from lrensemble.files import draft_folder, to_json
from lrensemble.models.transformers_library import quiet, transformers_with

ABOUT = "lrensemble.json"
"""What the folder holds beside what other libraries read."""


def description_of(team: LanguageDescription, **figures: float) -> dict[str, bytes]:
    """File that says what a model or an adapter is the mean of.

    Args:
        team: whose mean it is.
        figures: what is known of it.
    """
    return {ABOUT: to_json({"mean_of": team.model_dump(mode="json"), **figures}).encode()}


def write_model(folder: Path, model: Any, tokenizer: Any, team: LanguageDescription) -> None:
    """Write a causal model with its tokenizer, whole or not at all.

    Args:
        folder: where nothing is yet.
        model: of `transformers`.
        tokenizer: of `transformers`.
        team: that it was made of.

    Raises:
        ExportError: there is something in the folder already.
        StorageError: it cannot be written.
    """
    with draft_folder(folder) as draft, quiet(transformers_with("AutoModelForCausalLM", "a language model", "llm")):
        model.save_pretrained(draft.path)
        tokenizer.save_pretrained(draft.path)
        for name, content in description_of(team).items():
            with draft.file(name) as file:
                file.write(content)
        for path in draft.path.iterdir():
            with path.open("rb+") as file:
                os.fsync(file.fileno())
    if not draft.placed:
        raise ExportError(f"{folder} is there already; remove it, or name another folder")
