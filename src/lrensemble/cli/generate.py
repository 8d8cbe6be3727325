"""`lrensemble generate`: a team of language models goes on from a prompt."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typing_extensions import TypedDict

from lrensemble.cli.console import Json, TrustCode, people, print_json
from lrensemble.cli.printer import print_answer
from lrensemble.errors import ConfigError
from lrensemble.text import visible

EXAMPLES = (
    "lrensemble generate team 'Name three animals.'",
    "lrensemble generate team - --temperature 0.8 --top-p 0.9 --seed 1",
)
"""Shown by `--help`."""


class Generated(TypedDict):
    """A text that a team wrote."""

    prompt: str
    asked: str
    """What the members were given: the prompt as it is, or written through the template of their training."""
    text: str
    """What was written, without the prompt and without what ended it."""
    tokens: list[int]
    """Ids of the tokens that were chosen."""
    ended: str
    """What ended it: `end`, the token that ends texts; `stop`, a stop text; `length`, as many tokens as were wanted;
    `context`, as many as the model can look at."""
    members: list[str]
    """Names of the members that wrote it."""
    consensus: str
    """How they spoke as one."""


def output() -> Any:
    """The text, and what ended it."""
    return Generated


def generate(
    ensemble: Annotated[Path, typer.Argument(help="Folder of a team of language models.")],
    prompt: Annotated[
        str,
        typer.Argument(
            help="An instruction, written as in training where the team knows how; or else a text to go on from. - "
            "reads it from standard input."
        ),
    ],
    more: Annotated[str, typer.Option("--input", help="What the instruction is to be applied to.")] = "",
    raw: Annotated[bool, typer.Option("--raw", help="Leave the prompt as it is.")] = False,
    max_tokens: Annotated[int, typer.Option(help="Tokens to write at most.")] = 256,
    temperature: Annotated[float, typer.Option(help="0 writes the likeliest token, 1 draws by probabilities.")] = 0.0,
    top_p: Annotated[
        float, typer.Option(help="Draw from the likeliest tokens that have this share of the probability.")
    ] = 1.0,
    stop: Annotated[
        list[str] | None, typer.Option(help="Text before which writing ends; may be given several times.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of what is drawn.")] = 0,
    member: Annotated[str | None, typer.Option(help="One member alone, by its name.")] = None,
    base: Annotated[
        Path | None, typer.Option(help="Folder of the base, where it lies elsewhere now; its weights are checked.")
    ] = None,
    trust_code: TrustCode = False,
    json: Json = False,
) -> None:
    """Write a text after a prompt, as one model of all members."""
    from lrensemble.export.language import Decoding, LanguageEnsemble
    from lrensemble.registry import close_gate

    if not trust_code and base is None:
        close_gate(str(ensemble))
    decoding = Decoding(max_tokens=max_tokens, temperature=temperature, top_p=top_p, stop=tuple(stop or ()), seed=seed)
    text = piped_prompt() if prompt == "-" else prompt
    with people.status("loading"):
        team = LanguageEnsemble.load(ensemble, base=base, trust_code=trust_code)
    team = team if member is None else team.alone(member)
    if json:
        written = team.generate(text, decoding, input=more, raw=raw)
        print_json(
            Generated(
                prompt=text,
                asked="".join(team.prompts.pieces(text, input=more, raw=raw)),
                text=written.text,
                tokens=list(written.tokens),
                ended=written.ended,
                members=list(team.description.names),
                consensus=team.description.consensus,
            )
        )
        return
    is_terminal = sys.stdout is not None and sys.stdout.isatty()
    for piece in team.stream(text, decoding, input=more, raw=raw):
        print_answer(visible(piece, keep="\n\t") if is_terminal else piece)
    print_answer("\n")


def piped_prompt() -> str:
    """The text on standard input.

    Raises:
        ConfigError: it is closed, or no text in the encoding of the system.
    """
    if sys.stdin is None:
        raise ConfigError("standard input is closed; pipe the prompt to it, or give it as an argument")
    try:
        return sys.stdin.read()
    except UnicodeDecodeError as error:
        raise ConfigError(f"the prompt on standard input is no text: {error}; write it as {error.encoding}") from None
