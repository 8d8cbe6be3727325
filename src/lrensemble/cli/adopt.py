"""`lrensemble adopt`: models that were trained elsewhere become members that can be run again."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typing_extensions import TypedDict

from lrensemble.cli.console import Json, Plugins, import_given, people, print_json, writable

EXAMPLES = (
    "lrensemble adopt pool --from 'models/*.onnx' --data rows.npz --gives logits",
    "lrensemble adopt pool --from 'runs/*/model.pt' --builder resnet-20 --std 255",
)
"""Shown by `--help`."""


class Adopted(TypedDict):
    """What was adopted."""

    pool: str
    added: list[str]
    """Ids of new members."""
    skipped: list[str]
    """Ids of members that the pool had already."""
    differences: dict[str, float | None]
    """Largest difference of predictions from the model's own tool, by id."""


def output() -> Any:
    """The members that came."""
    return Adopted


def adopt(
    pool: Annotated[Path, typer.Argument(help="Folder of the pool; made where there is none.", callback=writable)],
    source: Annotated[
        list[str],
        typer.Option(
            "--from", help="What a tool left, KIND:PATH (`lrensemble ls adopters`), or a path whose kind is clear."
        ),
    ],
    data: Annotated[
        str | None,
        typer.Option(
            help="Rows to predict: FILE.npz with x_val and y_val (x_test, y_test), an experiment, or, for a pool whose "
            "members were trained here, the folder of its data."
        ),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of a single model.")] = None,
    builder: Annotated[
        str | None,
        typer.Option(help="What builds a network of torch anew: package.module:function of (shape, outputs)."),
    ] = None,
    gives: Annotated[
        Literal["logits", "log_probs", "probs", "values", "gaussian"] | None,
        typer.Option(help="What networks give for each row, where it is not clear."),
    ] = None,
    mean: Annotated[
        str | None, typer.Option(help="Mean of each channel by which inputs are normalised: 0.5 or 0.49,0.48,0.45.")
    ] = None,
    std: Annotated[str | None, typer.Option(help="Deviation of each channel, likewise.")] = None,
    truth: Annotated[
        Literal["classes", "values"] | None, typer.Option(help="What the truth is, where its type does not say it.")
    ] = None,
    option: Annotated[list[str] | None, typer.Option(help="Further keyword of the adopter, NAME=VALUE.")] = None,
    plugin: Plugins = None,
    json: Json = False,
) -> None:
    """Take over models that were trained elsewhere, with their networks."""
    from lrensemble.front.adopted import adopt as adopt_models

    import_given(plugin)
    result = adopt_models(
        pool,
        source,
        name=name,
        data=data,
        builder=builder,
        gives=gives,
        mean=_numbers(mean, "--mean"),
        std=_numbers(std, "--std"),
        truth=truth,
        **_options(option or []),
    )
    if json:
        print_json(
            Adopted(
                pool=str(pool),
                added=[member.id for member in result if member.new],
                skipped=[member.id for member in result if not member.new],
                differences={member.id: member.difference for member in result},
            )
        )
        return
    for member in result:
        scores = ", ".join(f"{key} {value:.4f}" for key, value in list(member.scores.items())[:2])
        people.print(f"{member.name} ({member.id}): val {scores}", soft_wrap=True)
    people.print(result._headline(), soft_wrap=True)


def _numbers(given: str | None, option: str) -> list[float] | float | None:
    """Numbers of an option.

    Raises:
        ConfigError: something else.
    """
    from lrensemble.errors import ConfigError

    if given is None:
        return None
    try:
        found = [float(each) for each in given.split(",")]
        if not all(map(math.isfinite, found)):
            raise ValueError
    except ValueError:
        raise ConfigError(f"{option} {given} is refused; give one number, or one for each channel: 0.49,0.48") from None
    return found[0] if len(found) == 1 else found


def _options(given: list[str]) -> dict[str, Any]:
    """Keywords of an adopter; values are read as in the text form of a spec.

    Raises:
        ConfigError: one that is not NAME=VALUE.
    """
    from lrensemble.errors import ConfigError
    from lrensemble.spec import to_spec

    found: dict[str, Any] = {}
    for each in given:
        key, equals, value = each.partition("=")
        if not equals or not key.isidentifier():
            raise ConfigError(f"--option {each} is refused; give NAME=VALUE")
        try:
            found[key] = to_spec(f"option({key}={value})").arguments[key]
        except Exception:  # a bare text, such as a path
            found[key] = value
    return found
