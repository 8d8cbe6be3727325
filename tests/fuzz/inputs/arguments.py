"""The command line: every verb with every option that it has, and values that nobody expects."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

from tests.fuzz.case import Case
from tests.fuzz.inputs.values import NUMBERS, PLACES, SMALL, TEXTS
from tests.fuzz.material import Material

NAMES = ("run", "collected", "ensemble", "idx", "idx.toml", "logits.npz", "members", "x.npz", "x.png")
GOOD: dict[str, tuple[str, ...]] = {
    "experiment": ("idx.toml",),
    "pool": ("run/pool", "collected"),
    "files": ("logits.npz", "members", "x.npz", "x.png"),
    "ensemble": ("ensemble",),
    "what": ("run/pool", "collected", "metrics", "selectors", "policies"),
    "out": ("out/a", "out/a.csv", "out/pool", "out/report.html"),
    "data": ("idx",),
    "method": ("best", "greedy(size=2)", "focal(max_size=3)"),
    "metric": ("nll", "accuracy", "brier"),
    "consensus": ("mean", "plurality"),
    "every_team": ("out/a.npz", "out/a.parquet"),
    "optuna": ("out/a.log",),
    "figures": ("out/figures",),
    "groups": ("logits.npz",),
    "format": ("bundle", "onnx", "torch", "svg", "json", "csv"),
    "execution": ("auto", "one-by-one", "fused"),
    "device": ("cpu", "auto", "cuda", "gpus"),
    "plugin": ("nothing", "json", "os"),
    "seed": ("0", "1"),
    "epochs": ("1",),
    "members": ("nothing", "cosine(peak=0.3)", "logits-0"),
    "kind": ("logits", "probs"),
    "name": ("greedy", "nll", "cosine"),
    "variant": ("team", "cascade", "pruned", "uniform-soup", "greedy-soup", "student"),
}
HEAVY = ("run", "tune", "range-test", "pretrain", "report")
OUTPUTS = ("out", "figures", "every_team", "optuna")


def of_a_verb(random: Random, place: Path, material: Material) -> Case:
    """A verb with its arguments, some of them not what they should be."""
    material.lay_out(place, *NAMES)
    (place / "loop").symlink_to("loop")
    verbs = _verbs()
    light = [verb for verb in verbs if verb not in HEAVY]
    verb = random.choice(light if random.random() < 0.8 else list(verbs))
    wrong = random.choice((0, 1, 1, 2))
    chosen = [each for each in verbs[verb].params if each.required or random.random() < 0.3]
    chosen = [each for each in chosen if each.name != "help"]
    bad = {each.name for each in random.sample(chosen, min(wrong, len(chosen)))}
    words: list[str] = [verb]
    for parameter in chosen:
        words += _words(random, parameter, parameter.name in bad)
    if random.random() < 0.1:
        words.insert(random.randrange(len(words) + 1), random.choice((*TEXTS, "--typo", "-z", "--help", "--json")))
    words = [word for word in words if "\0" not in word]
    outs = tuple(word for word in words if word in PLACES)  # named as a place to write to
    return Case(
        f"{verb}: {', '.join(sorted(map(str, bad))) or 'as it should be'}", tuple(words), _writes(outs), long=True
    )


def _writes(outs: tuple[str, ...]) -> tuple[str, ...]:
    """Where a verb may write: what it was told, the pool, and beside that what it exports."""
    named = tuple(out.rstrip("/") for out in outs if not out.startswith(("beside", "..")) and out not in ("", "."))
    own = ("out", "runs", "run/pool", "run/result.json", "run/report.html", "collected", "result.json", "report.html")
    exported = tuple(
        f"{folder}{shape}{suffix}"
        for folder in ("run/", "")
        for shape in ("ensemble", "student", "cascade", "pruned", "uniform-soup", "greedy-soup")
        for suffix in ("", ".onnx", ".pt2")
    )
    return (*own, *exported, *named)


def _verbs() -> dict[str, Any]:
    from lrensemble.cli import program

    group = program()
    return dict(group.commands)


def _words(random: Random, parameter: Any, bad: bool) -> list[str]:
    """The option with its value, or the value of an argument."""
    if getattr(parameter, "is_flag", False):
        return [random.choice(parameter.opts)]
    value = _bad(random, parameter) if bad else _good(random, parameter)
    if parameter.param_type_name == "argument":
        return [value] if value or bad else []
    return [random.choice(parameter.opts), value]


def _good(random: Random, parameter: Any) -> str:
    if parameter.name in GOOD:
        return random.choice(GOOD[parameter.name])
    return random.choice(SMALL[:6])


def _bad(random: Random, parameter: Any) -> str:
    inside = [each for each in PLACES if not each.startswith(("beside", "..")) and each not in ("", ".")]
    if parameter.name in OUTPUTS:
        return random.choice(inside)
    return random.choice(random.choice((NUMBERS, TEXTS, PLACES)))
