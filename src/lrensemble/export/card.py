"""Model card of an ensemble, filled from what its pool knows of it: a README as the Hugging Face hub reads it.

What the pool does not know is left to whoever publishes the model: the license, and what it is meant for.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lrensemble.export.description import Description, Part
from lrensemble.export.metadata import preparation
from lrensemble.export.origin import Judgement, Origin
from lrensemble.export.outside import known_range
from lrensemble.metrics import METRICS
from lrensemble.spec import to_spec
from lrensemble.text import time_in_words, visible

SHOWN = 20
"""Names of classes that the text gives at most."""


def card_of(description: Description) -> str:
    """The card: YAML front matter, then Markdown."""
    parts = (_what(description), _use(description), _inputs(description), _trained(description), _scores(description))
    text = "\n\n".join("\n".join(lines) for lines in (*parts, _limits(description)))
    return f"{front_matter(_metadata(description))}\n{text}\n"


def front_matter(metadata: Mapping[str, Any]) -> str:
    """Metadata of a card in YAML, every value written as JSON, which YAML reads."""
    lines = "".join(f"{key}: {json.dumps(each, ensure_ascii=False)}\n" for key, each in metadata.items())
    return f"---\n{lines}---\n"


def _metadata(description: Description) -> dict[str, Any]:
    task = _task(description)
    found: dict[str, Any] = {
        "library_name": "lrensemble",
        "tags": ["lrensemble", "ensemble", *([task] if task else [])],
        **({"pipeline_tag": task} if task else {}),
    }
    judgement = None if description.origin is None else description.origin.judgement
    if judgement is not None and description.variant == "team" and task:
        found["metrics"] = list(judgement.test.by_metric())
        found["model-index"] = [_index(description, task, judgement)]
    return found


def _index(description: Description, task: str, judgement: Judgement) -> dict[str, Any]:
    """Scores on test rows, as the hub's leaderboards read them."""
    metrics = [
        {"type": name, "value": round(value, 6), "name": f"{name} on test, {judgement.rows.get('test', 0):,} rows"}
        for name, value in judgement.test.by_metric().items()
    ]
    data = _data(description)
    result = {"task": {"type": task}, "dataset": {"type": data, "name": data, "split": "test"}, "metrics": metrics}
    return {"name": visible(description.task), "results": [result]}


def _task(description: Description) -> str:
    """Task by the hub's name; empty where it has none for it."""
    if len(description.inputs.shape) == 3:
        return "" if description.of_values else "image-classification"
    return f"tabular-{description.target.task}"


def _data(description: Description) -> str:
    """Name of the data set, without its arguments, which may be paths."""
    recipe = next((part.recipe for part in description.parts if part.recipe is not None), None)
    return visible(description.task if recipe is None else to_spec(recipe.get("data", description.task)).name)


def _what(description: Description) -> list[str]:
    members = len(description.parts)
    together = f"{members} networks that speak as one by {code(description.consensus.name)}"
    network = "one network" if members == 1 else together
    variant = "" if description.variant == "team" else f", a {description.variant} of a team"
    chosen = f"chosen by {code(description.method)}"
    if description.origin is not None:
        chosen += f" for {description.origin.metric}, from a pool of {description.origin.members}"
    names = description.target.names
    more = f", … ({len(names)} in all)" if len(names) > SHOWN else ""
    says = f"{'values of' if description.of_values else 'classes'} {_listed(names[:SHOWN])}{more}"
    return [f"# {visible(description.task)}", "", f"An ensemble of {network}{variant}, {chosen}. It predicts {says}."]


def _use(description: Description) -> list[str]:
    return [
        "## Use",
        "",
        "```python",
        "from lrensemble.export import Ensemble",
        "",
        'ensemble = Ensemble.load("FOLDER")  # or Ensemble.from_pretrained("OWNER/NAME")',
        f"ensemble.{description.target.estimator_method}(inputs)",
        "```",
        "",
        "On the command line: `lrensemble predict FOLDER FILES…`.",
    ]


def _inputs(description: Description) -> list[str]:
    inputs = description.inputs
    axes = " × ".join(map(str, inputs.shape))
    scale = "bytes, or floats on the same scale" if inputs.dtype == "uint8" else f"{inputs.dtype} numbers"
    seen = known_range(inputs)
    low_high = "" if seen is None else f", from {min(seen.low):g} to {max(seen.high):g} in training"
    lines = ["## Inputs", "", f"Rows of {axes}: {scale}{low_high}. Normalisation is part of the ensemble."]
    if len(inputs.shape) == 3 and inputs.dtype == "uint8" and inputs.shape[0] in (1, 3, 4):
        lines.append(f"Images of files are {preparation(inputs)}.")
    return lines


def _trained(description: Description) -> list[str]:
    lines = ["## Training", "", "| member | weight | model | policy | epochs | batch |", "|---|---|---|---|---|---|"]
    for part, weight in zip(description.parts, description.weights, strict=True):
        lines.append(f"| {code(part.name)} | {weight:.4g} | {code(str(part.model))} | {' | '.join(_recipe(part))} |")
    lines += ["", f"Data: {code(_data(description))}."]
    origin = description.origin
    if origin is not None:
        lines += [_cost(origin), f"Made with lrensemble {origin.version}; SHA-256 of the pool: `{origin.digest}`."]
    return lines


def _recipe(part: Part) -> tuple[str, ...]:
    """Policy, epochs and batch size of a member."""
    if part.recipe is None:
        return "–", "–", "–"
    train = part.recipe.get("train", {})
    known = (to_spec(part.recipe.get("policy", "–")), train.get("epochs", "–"), train.get("batch_size", "–"))
    return tuple(code(str(each)) for each in known)


def _cost(origin: Origin) -> str:
    cost = origin.cost
    if cost is None:
        return "What it cost is not known."
    size = "" if cost.parameters is None else f" of {cost.parameters:,} parameters"
    time = "" if cost.seconds is None else f", trained in {time_in_words(cost.seconds)}"
    if cost.members == 1:
        return f"Cost: one network{size}{time}."
    return f"Cost: {cost.members} networks{size}{time} one after another; each of them runs on every row."


def _scores(description: Description) -> list[str]:
    origin = description.origin
    lines = ["## Scores", ""]
    if description.variant != "team":
        lines += [
            f"Of this {description.variant}: {_figures(description)}. What follows is of the team it was made of.",
            "",
        ]
    return [*lines, *scores_of(origin)]


def scores_of(origin: Origin | None) -> list[str]:
    """What was measured of a team, with intervals."""
    if origin is None or origin.judgement is None:
        return ["Not measured on test rows: run `lrensemble evaluate` on the pool before the export."]
    judgement = origin.judgement
    rows = ", ".join(f"{count:,} rows of {split}" for split, count in judgement.rows.items())
    return [
        f"On {rows}. Members and team were chosen on val, so that scores there are optimistic.",
        "",
        "| metric | val | test | gain on test over the best single model, with 95 % interval |",
        "|---|---|---|---|",
        *_table(judgement),
        "",
        f"Verdict on the pool: {visible(judgement.verdict)}",
    ]


def _table(judgement: Judgement) -> Iterator[str]:
    val, test = judgement.val.by_metric(), judgement.test.by_metric()
    for name, value in test.items():
        gain = judgement.gain.get(name)
        over = (
            "–" if gain is None else f"{gain.value:+.4f} ({gain.low:+.4f} to {gain.high:+.4f}, p = {gain.p_value:.2g})"
        )
        better = (
            "" if name not in METRICS or METRICS.facts(METRICS.check(name)).higher_is_better else ", lower is better"
        )
        yield f"| {code(name)}{better} | {f'{val[name]:.4f}' if name in val else '–'} | {value:.4f} | {over} |"


def _figures(description: Description) -> str:
    val = description.figures.get("val")
    if not isinstance(val, dict) or "accuracy" not in val:
        return "nothing is known"
    return f"accuracy {val['accuracy']:.4f} on val, where the team has {val['team_accuracy']:.4f}"


def _limits(description: Description) -> list[str]:
    lines = [
        "## Limits",
        "",
        "* It knows what is like its training rows. Rows far outside their range are told (`strict=True` refuses them);"
        " others that are new to it are not, and get a label all the same.",
        "* Gains are over the best single model of the same pool, on test rows from where the training rows are from.",
    ]
    return [*lines, *known_limits(description.origin)]


def known_limits(origin: Origin | None) -> list[str]:
    """What the evaluation warned of, and what is left to the publisher."""
    judgement, lines = None if origin is None else origin.judgement, list[str]()
    if judgement is not None:
        lines.append(f"* Test rows were looked at {'once' if judgement.looks == 1 else f'{judgement.looks} times'}.")
        lines += [f"* {visible(note)}" for note in judgement.notes]
    return [*lines, "", "License and intended use are for the publisher to say: add `license:` to the front matter."]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(code, names))


def code(text: str) -> str:
    """Anybody's text as code, which Markdown does not read."""
    return f"`{visible(text).replace('`', chr(39)).replace('|', '¦')}`"
