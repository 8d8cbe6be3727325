"""`lrensemble pretrain`: a small base model of texts, where no other can be had."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lrensemble.cli.console import Json, people, print_json, progress_of, writable

if TYPE_CHECKING:
    from lrensemble.language.pretrained import Losses
    from lrensemble.language.texts import TextFile

EXAMPLES = ("lrensemble pretrain --texts notes.txt --texts more.txt --out base",)
"""Shown by `--help`."""


def output() -> Any:
    """Folder of the model, whether it was trained just now, and its losses."""
    from lrensemble.language.pretrained import Pretrained

    return Pretrained


def pretrain(
    out: Annotated[
        Path,
        typer.Option(help="Folder of the model and its tokenizer.", callback=writable),
    ] = Path("runs/base"),
    texts: Annotated[
        list[Path] | None,
        typer.Option(
            "--texts",
            metavar="FILE",
            help="A file of texts, .txt or .jsonl, perhaps .gz; may be repeated.",
        ),
    ] = None,
    field: Annotated[str, typer.Option(help="Field of a line of JSON that is its text.")] = "text",
    data: Annotated[
        Path | None,
        typer.Option("--data", envvar="LRENSEMBLE_DATA", help="Folder with mcq/ and text-corpora/, unless --texts."),
    ] = None,
    steps: Annotated[int, typer.Option(help="Updates of the optimizer.", min=1, max=1_000_000)] = 600,
    vocabulary: Annotated[int, typer.Option(help="Tokens of the tokenizer, at most.", min=259, max=65_536)] = 2048,
    width: Annotated[int, typer.Option(help="Units of a layer.", min=2, max=65_536)] = 192,
    layers: Annotated[int, typer.Option(help="Number of layers.", min=1, max=128)] = 4,
    heads: Annotated[int, typer.Option(help="Heads of attention in a layer.", min=1, max=256)] = 6,
    length: Annotated[int, typer.Option(help="Tokens that are predicted in a sequence.", min=1, max=512)] = 256,
    seed: Annotated[int, typer.Option(help="Seed of weights and batches.", min=0)] = 0,
    json: Json = False,
) -> None:
    """Train a small Llama and its tokenizer on texts, as a base for adapters."""
    from lrensemble.config.pretraining import Pretraining
    from lrensemble.language.pretrain import pretrain

    settings = Pretraining(
        steps=steps, vocabulary=vocabulary, width=width, layers=layers, heads=heads, length=length, seed=seed
    )
    with progress_of("pre-training"):
        done = pretrain(_files(texts, field, data), out, settings)
    if json:
        print_json(done.model_dump(mode="json"))
        return
    people.print(f"{out}: {'trained' if done.made else 'trained before'}; {_in_words(done.losses)}", soft_wrap=True)


def _files(texts: list[Path] | None, field: str, data: Path | None) -> tuple[TextFile, ...]:
    """What is read.

    Raises:
        ConfigError: neither texts nor a folder of data are given.
    """
    from lrensemble.errors import ConfigError
    from lrensemble.language.texts import TextFile, diet

    if texts:
        return tuple(TextFile(path, field) for path in texts)
    if data is None:
        raise ConfigError(
            "nothing to read: give --texts FILE, or --data FOLDER (or LRENSEMBLE_DATA) with mcq/ and text-corpora/"
        )
    return diet(data)


def _in_words(losses: Losses) -> str:
    return (
        f"loss {losses.loss:.3f} nats a token on {losses.judged_tokens:,} held-out tokens (counts of tokens "
        f"{losses.unigram_loss:.3f}, of pairs {losses.bigram_loss:.3f})"
    )
