"""Hyper-parameters: which of them matter, and what they do, by Optuna's own views of a study of the pool's members."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from lrensemble.evaluate.baselines import SEEDS
from lrensemble.evaluate.verdict import in_print
from lrensemble.metrics import METRICS, higher_is_better
from lrensemble.pool import Failure, Member
from lrensemble.report.escape import escape_html
from lrensemble.report.labels import whole_ticks
from lrensemble.report.look import COLOURS, SCALE, colour_at
from lrensemble.report.report_data import ReportData
from lrensemble.report.section import Figure, Section

Value = float | str

FEWEST = 4
"""Members below which nothing can be said of a parameter."""

MOST_SLICES = 6
MOST_CATEGORIES = 25
"""Different texts above which a parameter is a name and no choice."""


def hyper_parameters(report: ReportData) -> Section | None:
    """Section on the parameters in which members differ, against their val scores."""
    found = {each.id: own for each in report.members if (own := parameters_of(each)) and each.id not in report.useless}
    scored = {m.id: score for m in report.member_results if m.val and (score := m.val.by(report.headline)) is not None}
    members = [key for key in found if key in scored]
    names = varying([found[key] for key in members])
    if len(members) < FEWEST or not names:
        return None
    title, percent = "Hyper-parameters", 100 if METRICS.facts(report.headline).unit == "fraction" else 1
    try:
        views = import_module("optuna.visualization")
    except ImportError:
        return Section(title, ["Views of hyper-parameters need Optuna: pip install 'lrensemble[search]'"])
    what = f"val {in_print(report.headline)}{', %' if percent > 1 else ''}"
    trials = [{name: found[key][name] for name in names if name in found[key]} for key in members]
    study = study_of(trials, [percent * scored[key] for key in members], higher=higher_is_better(report.headline))
    figures = _figures(views, study, what)
    left_out = len(report.useless)
    said = f" Left out: {left_out} that learned nothing." if left_out else ""
    return Section(
        title,
        [
            f"What {len(members)} members say of the parameters in which they differ; seeds are chance and no "
            f"parameters.{said} Importance is the share of the variance of the scores that a parameter explains "
            "(fANOVA, Hutter et al. 2014): of few members a hint, and no proof."
        ],
        figures=figures,
    )


def parameters_of(member: Member | Failure) -> dict[str, Value]:
    """Hyper-parameters of a member by name: of its recipe, or what is known of one that was trained elsewhere."""
    recipe = member.recipe
    if recipe is None:
        return dict(_flat("", member.facts)) if isinstance(member, Member) else {}
    found = {**dict(_flat("policy", recipe.get("policy"))), **dict(_flat("model", recipe.get("model")))}
    for key, value in (recipe.get("train") or {}).items():
        if key not in SEEDS:  # what they do is chance
            found |= _flat(key, value)
    if recipe.get("at_epoch") is not None:
        found["at epoch"] = float(recipe["at_epoch"])
    return found


def _flat(name: str, value: Any) -> dict[str, Value]:
    """Numbers and texts inside a value, by their path."""
    if isinstance(value, Mapping):
        found: dict[str, Value] = {}
        for key, inner in value.items():
            path = name if key == "name" and name else f"{name}.{key}" if name else str(key)
            found |= _flat(path, inner)
        return found
    if isinstance(value, bool | str) or value is None:
        return {name: str(value).lower() if not isinstance(value, str) else value}
    return {name: float(value) if isinstance(value, int | float) else json.dumps(value, default=str)}


def varying(found: Sequence[Mapping[str, Value]]) -> list[str]:
    """Names of the parameters that have several values, numbers or a few texts."""
    kept = []
    for name in dict.fromkeys(name for each in found for name in each):
        values = {each[name] for each in found if name in each}
        numbers = all(isinstance(value, float) for value in values)
        if len(values) > 1 and (numbers or len(values) <= MOST_CATEGORIES):
            kept.append(name)
    return kept


def study_of(trials: Sequence[Mapping[str, Value]], scores: Sequence[float], *, higher: bool) -> Any:
    """Study of Optuna, in memory, with a finished trial for each member; all text in it is escaped.

    Args:
        trials: parameters of each member, by name.
        scores: score of each member.
        higher: whether a higher score is better.
    """
    optuna = import_module("optuna")
    with quietly(optuna):
        study = optuna.create_study(direction="maximize" if higher else "minimize")
        for parameters, score in zip(parameters_in(optuna, trials), scores, strict=True):
            study.add_trial(optuna.trial.create_trial(**parameters, value=score))
    return study


@contextmanager
def quietly(optuna: Any) -> Iterator[None]:
    """A block in which Optuna tells warnings alone."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)


def parameters_in(optuna: Any, trials: Sequence[Mapping[str, Value]]) -> list[dict[str, dict[str, Any]]]:
    """`params` and `distributions` of each trial, as Optuna takes them; all text in them is escaped."""
    kinds = {
        name: _distribution(optuna, [each[name] for each in trials if name in each])
        for name in dict.fromkeys(name for each in trials for name in each)
    }
    numbers = {name for name, kind in kinds.items() if isinstance(kind, optuna.distributions.FloatDistribution)}
    return [
        {
            "params": {escape_html(name): own if name in numbers else _text(own) for name, own in each.items()},
            "distributions": {escape_html(name): kinds[name] for name in each},
        }
        for each in trials
    ]


def _distribution(optuna: Any, values: Sequence[Value]) -> Any:
    """Range of numbers, logarithmic where they span a factor of ten, or a choice of texts."""
    numbers = [value for value in values if isinstance(value, float)]
    if len(numbers) < len(values):
        return optuna.distributions.CategoricalDistribution(sorted(set(map(_text, values))))
    low, high = min(numbers), max(numbers)
    return optuna.distributions.FloatDistribution(low, high, log=low > 0 and high >= 10 * low)


def _text(value: Value) -> str:
    return escape_html(value if isinstance(value, str) else f"{value:g}")


def _figures(views: Any, study: Any, what: str) -> list[Figure]:
    """Figures of importance, parallel coordinates and slices, most important first."""
    common = [name for name in study.trials[0].params if all(name in trial.params for trial in study.trials)]
    figures, order = list[Figure](), [*common]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of views that Optuna calls experimental
        if len({trial.value for trial in study.trials}) > 1 and len(common) > 1:
            importance = import_module("optuna.importance")  # with scikit-learn's forests: a second, for this alone
            evaluator = importance.FanovaImportanceEvaluator(
                n_trees=32, seed=0
            )  # asked twice: for the order, and drawn
            order = list(importance.get_param_importances(study, evaluator=evaluator))
            drawn = views.plot_param_importances(study, evaluator=evaluator, target_name=what)
            caption = "Importance of each parameter that all members have."
            drawn.update_layout(xaxis_title_text="importance", yaxis_title_text="")
            figures.append(_taken("importance", drawn, caption, height=110 + 34 * len(common)))
        if len(common) > 1:
            drawn = views.plot_parallel_coordinate(study, params=order, target_name=what)
            caption = f"Parallel coordinates: a line a member, coloured by {what}."
            figures.append(_taken("parallel", drawn, caption, height=430, margin={"t": 60, "b": 40, "l": 60, "r": 60}))
        every = [
            *order,
            *(name for name in dict.fromkeys(n for t in study.trials for n in t.params) if name not in order),
        ]
        for place, name in enumerate(every[:MOST_SLICES]):
            drawn = views.plot_slice(study, params=[name], target_name=what)
            figures.append(
                _taken(
                    f"slice_{place}",
                    drawn,
                    f"{what[:1].upper()}{what[1:]} by {name}; the colour is the order of training.",
                    small=True,
                )
            )
    return figures


def _taken(name: str, drawn: Any, caption: str, *, small: bool = False, **layout: Any) -> Figure:
    """Figure of Optuna's as the page has it: in the page's colours, without a title of its own."""
    content = json.loads(drawn.to_json())
    kept = {key: value for key, value in content["layout"].items() if key not in ("template", "title", "plot_bgcolor")}
    for note in kept.get("annotations", []):
        note.get("font", {}).pop("color", None)  # that of the page
    for axis in ("xaxis", "yaxis"):
        if axis in kept:
            kept[axis] = {**kept[axis], "automargin": True}
    kept |= {"height": 340 if small else 430, **layout}
    return Figure(name, [_coloured(trace) for trace in content["data"]], kept, caption, small=small)


def _coloured(trace: dict[str, Any]) -> dict[str, Any]:
    """Trace in colours that stand out on light and on dark paper."""
    if "rgb(" in str(trace.get("line", {}).get("color")):  # a line of parallel coordinates; its score stands first
        trace["line"]["color"], trace["opacity"] = colour_at(trace["y"][0]), 0.8
    if trace.get("type") == "bar":
        trace.setdefault("marker", {})["color"] = COLOURS[0]
    if "x" in trace and trace.get("type") == "scatter":  # Optuna writes texts as Python does, in quotes
        trace["x"] = [
            each[1:-1] if isinstance(each, str) and each[:1] == "'" == each[-1:] else each for each in trace["x"]
        ]
    bar = trace.get("marker", {}).get("colorbar", {})
    if bar.get("title", {}).get("text") == "Trial":
        trace["marker"]["colorbar"] = bar | whole_ticks("order", [*map(int, trace["marker"]["color"])])
    for part in ("marker", "line"):
        if "colorscale" in trace.get(part, {}):
            trace[part] |= {"colorscale": SCALE, "reversescale": False}
    return trace
