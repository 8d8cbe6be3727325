"""Model card of a team of adapters: a README as the Hugging Face hub reads it, filled from what its pool knows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lrensemble.config import Base
from lrensemble.export.card import code, front_matter, known_limits, scores_of
from lrensemble.export.language.description import LanguageDescription
from lrensemble.text import visible


def card_of(description: LanguageDescription) -> str:
    """The card: YAML front matter, then Markdown."""
    metadata: dict[str, Any] = {
        "library_name": "peft",
        "tags": ["lrensemble", "ensemble", "lora", "text-generation"],
        "pipeline_tag": "text-generation",
    }
    if description.base.revision is not None:  # a folder is of no hub
        metadata["base_model"] = description.base.path
    parts = (_what(description), _members(description), ["## Scores", "", *scores_of(description.origin)])
    limits = ["## Limits", "", "* A text that it writes may be wrong.", *known_limits(description.origin)]
    text = "\n\n".join("\n".join(lines) for lines in (*parts, limits))
    return f"{front_matter(metadata)}\n{text}\n"


def _what(description: LanguageDescription) -> list[str]:
    origin, base = description.origin, description.base
    chosen = f"chosen by {code(description.method)}"
    if origin is not None:
        chosen += f" for {origin.metric}, from a pool of {origin.members}"
    adapters = f"{len(description.names)} LoRA adapters" if len(description.names) > 1 else "One LoRA adapter"
    return [
        f"# {visible('a team of adapters' if origin is None else origin.task)}",
        "",
        f"{adapters} of one base, which speak as one by {code(description.consensus)}, {chosen}.",
        "",
        f"Base: {_named(base)}, whose weights have the SHA-256 `{base.weights_sha256}`.",
        "Prompts are left as they are."
        if description.template is None
        else f"Prompts are written by the template {code(str(description.template))}.",
        "",
        "```console",
        '$ lrensemble generate FOLDER "Name three animals."',
        "```",
    ]


def _named(base: Base) -> str:
    """Name on the hub; of a folder its last part, since a card is published and paths are private."""
    return code(Path(base.path).name) if base.revision is None else f"{code(base.path)} at {code(base.revision)}"


def _members(description: LanguageDescription) -> list[str]:
    lines = ["## Training", "", "| adapter | weight | folder |", "|---|---|---|"]
    for place, (name, weight) in enumerate(zip(description.names, description.weights, strict=True)):
        lines.append(f"| {code(name)} | {weight:.4g} | `adapters/{place:02d}` |")
    origin = description.origin
    if origin is None:
        return lines
    if origin.cost is not None and origin.cost.seconds is not None:
        lines += ["", f"They were trained in {origin.cost.seconds:,.0f} seconds, one after another."]
    return [*lines, "", f"Made with lrensemble {origin.version}; SHA-256 of the pool: `{origin.digest}`."]
